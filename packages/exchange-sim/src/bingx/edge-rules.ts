import type { BanBook } from '../ban-book.ts'
import { EventCounts } from '../event-counts.ts'
import type { Rule } from '../rule.ts'

/** When an edge server holds a whole IP: all endpoints, with a page instead of a body. */
export interface EdgeRule {
  /** So much is forgiven; one more within the window starts the hold. The real numbers are unknown. */
  threshold?: number
  windowMs?: number
  /** Milliseconds, default 300 000: "about 5 minutes" (facts, 2026). */
  lengthMs?: number
}

/** 418, "going on after 429" (facts, 2026): answers with HTTP status 429. Both numbers are a guess. */
export const goingOnDefaults: Required<EdgeRule> = { threshold: 20, windowMs: 60_000, lengthMs: 300_000 }

/** 403, "firewall, about 5 minutes" (facts, 2026): calls of one IP refused by limits and bans. Both numbers are a guess. */
export const firewallDefaults: Required<EdgeRule> = { threshold: 1000, windowMs: 10_000, lengthMs: 300_000 }

export function createGoingOnRule({ threshold, windowMs, lengthMs }: Required<EdgeRule>, bans: BanBook): Rule {
  const answers = new EventCounts(threshold + 1, windowMs)
  return {
    answered({ ip }, status, at) {
      if (status === 429 && answers.trips(ip, at)) bans.start({ ip }, 'going-on', lengthMs, at, { status: 418 })
    },
  }
}

export function createFirewall({ threshold, windowMs, lengthMs }: Required<EdgeRule>, bans: BanBook): Rule {
  const refusals = new EventCounts(threshold + 1, windowMs)
  return {
    refused({ ip }, at) {
      return refusals.trips(ip, at) ? bans.start({ ip }, 'firewall', lengthMs, at, { status: 403 }) : undefined
    },
    calledInto({ ip }, ban, at) {
      // What the firewall itself stops does not keep it up.
      if (ban.status !== undefined || !refusals.trips(ip, at)) return
      bans.start({ ip }, 'firewall', lengthMs, at, { status: 403 })
    },
  }
}
