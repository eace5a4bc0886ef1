import type { Instant } from './clock.ts'
import type { IdentifiedCall } from './dialect.ts'
import { SlidingWindow } from './sliding-window.ts'

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

/** When repeated errors of one code ban one endpoint for one UID. */
export interface ErrorRule {
  /** The error that starts the ban. Default 20: "over 20 error code:100202 requests", seeds of 2024-09-24. */
  threshold?: number
  /** Milliseconds, default 480 000: "within 480000 ms", seeds of 2024-09-24. */
  windowMs?: number
  /** Milliseconds, default 300 000: not documented, taken from the frequency rule. */
  lengthMs?: number
}

export const frequencyDefaults: Required<FrequencyRule> = {
  threshold: 20,
  windowMs: 10_000,
  lengthMs: 300_000,
  extend: false,
}
export const errorDefaults: Required<ErrorRule> = { threshold: 20, windowMs: 480_000, lengthMs: 300_000 }

/** What the words of an error-count ban speak of. */
interface CountedErrors {
  readonly code: string
  readonly count: number
  readonly windowMs: number
}

export interface Ban {
  /** By the monotonic clock. */
  untilMs: number
  untilEpochMs: number
  /** Present when the ban is worded as an error-count one. */
  readonly errors?: CountedErrors
}

export type BanCause = 'frequency' | 'error-count' | 'imposed'

/** One exchange's bans. The caller is a UID or an IP: the two name spaces do not mix. */
export interface Bans {
  /** The ban that this call runs into, if any: its UID's or its IP's. */
  active(call: IdentifiedCall, at: Instant): Ban | undefined
  /** A call came although banned. */
  calledInto(ban: Ban, at: Instant): void
  /** A limit refused this call; returns the ban that this has earned. */
  refused(call: IdentifiedCall, at: Instant): Ban | undefined
  /** This call got an error as its answer; the ban that this may earn begins with the next call. */
  failed(call: IdentifiedCall, code: string, at: Instant): void
  impose(whom: Banned, lengthMs: number, at: Instant, errors?: CountedErrors): Ban
}

/** Whom a ban holds, and where. */
export interface Banned {
  readonly endpoint: string
  readonly uid?: string | undefined
  readonly ip?: string | undefined
}

export interface BansOptions {
  readonly frequency: Required<FrequencyRule> | undefined
  readonly errors: Required<ErrorRule> | undefined
  onBan(whom: Banned, cause: BanCause, ban: Ban, at: Instant): void
}

/** Above so many keys the ended bans and the empty counts are dropped. */
const sweepAbove = 10_000

export function createBans({ frequency, errors, onBan }: BansOptions): Bans {
  const bans = new Map<string, Ban>()
  const refusals = new Map<string, SlidingWindow>()
  const failures = new Map<string, SlidingWindow>()

  function start(whom: Banned, cause: BanCause, lengthMs: number, at: Instant, counted?: CountedErrors): Ban {
    if (bans.size >= sweepAbove) {
      for (const [key, ban] of bans) if (ban.untilMs <= at.nowMs) bans.delete(key)
    }
    const ban: Ban = {
      untilMs: at.nowMs + lengthMs,
      untilEpochMs: at.epochMs + lengthMs,
      ...(counted === undefined ? {} : { errors: counted }),
    }
    bans.set(keyOf(whom), ban)
    onBan(whom, cause, ban, at)
    return ban
  }

  /** Counts one event; true when the rule's threshold is reached, and the count starts again. */
  function reaches(
    counts: Map<string, SlidingWindow>,
    key: string,
    rule: { threshold: number; windowMs: number },
    at: Instant,
  ): boolean {
    let count = counts.get(key)
    if (count === undefined) {
      if (counts.size >= sweepAbove) {
        for (const [other, window] of counts) if (window.used(at.nowMs) === 0) counts.delete(other)
      }
      count = new SlidingWindow(rule.threshold, rule.windowMs)
      counts.set(key, count)
    }
    count.push(at.nowMs)
    if (count.used(at.nowMs) < rule.threshold) return false
    counts.delete(key)
    return true
  }

  function running(key: string | undefined, at: Instant): Ban | undefined {
    const ban = key === undefined ? undefined : bans.get(key)
    return ban !== undefined && ban.untilMs > at.nowMs ? ban : undefined
  }

  return {
    active({ endpoint, uid, ip }, at) {
      const own = uid === undefined ? undefined : running(keyOf({ endpoint, uid }), at)
      return own ?? running(keyOf({ endpoint, ip }), at)
    },
    calledInto(ban, at) {
      if (frequency?.extend !== true) return
      ban.untilMs = Math.max(ban.untilMs, at.nowMs + frequency.lengthMs)
      ban.untilEpochMs = Math.max(ban.untilEpochMs, at.epochMs + frequency.lengthMs)
    },
    refused(call, at) {
      const whom = callerOf(call)
      if (frequency === undefined || !reaches(refusals, keyOf(whom), frequency, at)) return undefined
      return start(whom, 'frequency', frequency.lengthMs, at)
    },
    failed(call, code, at) {
      // Without a UID there is no "for this api" of anyone's: wrong keys are not counted.
      if (errors === undefined || call.uid === undefined) return
      const whom = callerOf(call)
      if (!reaches(failures, `${keyOf(whom)}|${code}`, errors, at)) return
      start(whom, 'error-count', errors.lengthMs, at, { code, count: errors.threshold, windowMs: errors.windowMs })
    },
    impose: (whom, lengthMs, at, counted) => start(whom, 'imposed', lengthMs, at, counted),
  }
}

function callerOf({ endpoint, uid, ip }: IdentifiedCall): Banned {
  return uid === undefined ? { endpoint, ip } : { endpoint, uid }
}

function keyOf({ endpoint, uid, ip }: Banned): string {
  return uid === undefined ? `ip ${ip}|${endpoint}` : `uid ${uid}|${endpoint}`
}
