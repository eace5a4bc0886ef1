import { type BanBook, callerOf, keyOf } from '../ban-book.ts'
import { EventCounts } from '../event-counts.ts'
import type { Rule } from '../rule.ts'

/** When repeated errors ban one endpoint for one UID (public calls: for one IP). */
export interface ErrorRule {
  /** So many errors are forgiven; one more within the window starts the ban: "over 20". */
  threshold?: number
  windowMs?: number
  /** Milliseconds, default 300 000: not documented, taken from the frequency rule. */
  lengthMs?: number
}

/** Errors of one code: "over 20 error code:100202 requests within 480000 ms", seeds of 2024-09-24. */
export const errorDefaults: Required<ErrorRule> = { threshold: 20, windowMs: 480_000, lengthMs: 300_000 }

/** Errors of any code: "over 30 error requests within 120000ms", facts of 2026. */
export const anyErrorDefaults: Required<ErrorRule> = { threshold: 30, windowMs: 120_000, lengthMs: 300_000 }

/** `byCode`: only errors of one code add up, and the ban's words name it. */
export function createErrorRule(rule: Required<ErrorRule>, byCode: boolean, bans: BanBook): Rule {
  const { threshold: count, windowMs, lengthMs } = rule
  const errors = new EventCounts(count + 1, windowMs)
  return {
    failed(call, code, at) {
      // A signed call with an unknown key is nobody's: banning its address would hold everybody behind it.
      if (call.signed && call.uid === undefined) return
      const whom = callerOf(call)
      if (!errors.trips(byCode ? `${keyOf(whom)} ${code}` : keyOf(whom), at)) return
      const words = { count, windowMs, ...(byCode ? { code } : {}) }
      bans.start(whom, 'error-count', lengthMs, at, { errors: words })
    },
  }
}
