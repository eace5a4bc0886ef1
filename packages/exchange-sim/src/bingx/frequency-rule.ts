import { type BanBook, callerOf, keyOf } from '../ban-book.ts'
import { EventCounts } from '../event-counts.ts'
import type { Rule } from '../rule.ts'

/** When repeated refusals become a disabled period of one endpoint for one UID (public calls: for one IP). */
export interface FrequencyRule {
  /** The refusal that starts the disabled period. Default 20: the real number is unknown. */
  threshold?: number
  /** Refusals further apart than this do not add up. Milliseconds, default 10 000: the real number is unknown. */
  windowMs?: number
  /** Milliseconds, default 300 000: "about 5 minutes", documented and measured (facts, 2026). */
  lengthMs?: number
  /** Whether each call into a ban starts its `lengthMs` anew. Default false; said to be likely of the real exchange. */
  extend?: boolean
}

export const frequencyDefaults: Required<FrequencyRule> = {
  threshold: 20,
  windowMs: 10_000,
  lengthMs: 300_000,
  extend: false,
}

export function createFrequencyRule(rule: Required<FrequencyRule>, bans: BanBook): Rule {
  const refusals = new EventCounts(rule.threshold, rule.windowMs)
  return {
    refused(call, at) {
      const whom = callerOf(call)
      return refusals.trips(keyOf(whom), at) ? bans.start(whom, 'frequency', rule.lengthMs, at) : undefined
    },
    calledInto(_, ban, at) {
      if (!rule.extend || ban.status !== undefined) return
      ban.untilMs = Math.max(ban.untilMs, at.nowMs + rule.lengthMs)
      ban.untilEpochMs = Math.max(ban.untilEpochMs, at.epochMs + rule.lengthMs)
    },
  }
}
