import type { Instant } from './clock.ts'
import type { IdentifiedCall } from './dialect.ts'

/** Whom a ban holds, and where. Exactly one of `uid` and `ip` is set: the two name spaces do not mix. */
export interface Banned {
  /** Absent: all endpoints of the exchange. */
  readonly endpoint?: string | undefined
  readonly uid?: string | undefined
  readonly ip?: string | undefined
}

/** What a ban's answers say, beside its end. */
export interface BanWords {
  /** Present when the ban is worded as an error-count one; without a code the errors were of several codes. */
  readonly errors?: { readonly code?: string; readonly count: number; readonly windowMs: number }
  /** Present when an edge server answers, with this status and a page, before the exchange sees the call. */
  readonly status?: 403 | 418
}

export interface Ban extends BanWords {
  /** By the monotonic clock. */
  untilMs: number
  untilEpochMs: number
}

/**
 * `frequency`: repeated refusals. `error-count`: repeated errors. `going-on`: 418, calls after HTTP 429. `firewall`: 403.
 * `ladder`, `blacklist`: CoinW's. `imposed`: by a test.
 */
export type BanCause = 'frequency' | 'error-count' | 'going-on' | 'firewall' | 'ladder' | 'blacklist' | 'imposed'

/** One exchange's bans. */
export interface BanBook {
  /** The ban that this call runs into, if any: its UID's or its IP's, here or everywhere. */
  active(call: IdentifiedCall, at: Instant): Ban | undefined
  /** Begins a ban; one that is already there for the same is replaced. */
  start(whom: Banned, cause: BanCause, lengthMs: number, at: Instant, words?: BanWords): Ban
}

export type OnBan = (whom: Banned, cause: BanCause, ban: Ban, at: Instant) => void

/** Above so many bans the ended ones are dropped. */
const sweepAbove = 10_000

export function createBanBook(onBan: OnBan): BanBook {
  const bans = new Map<string, Ban>()

  return {
    active({ endpoint, uid, ip }, at) {
      const places: Banned[] = [{ ip }, { ip, endpoint }]
      if (uid !== undefined) places.splice(1, 0, { uid, endpoint }, { uid })
      // The whole address first: an edge server stands in front of everything else.
      for (const place of places) {
        const ban = bans.get(keyOf(place))
        if (ban !== undefined && ban.untilMs > at.nowMs) return ban
      }
      return undefined
    },
    start(whom, cause, lengthMs, at, words = {}) {
      if (bans.size >= sweepAbove) {
        for (const [key, ban] of bans) if (ban.untilMs <= at.nowMs) bans.delete(key)
      }
      const ban: Ban = { ...words, untilMs: at.nowMs + lengthMs, untilEpochMs: at.epochMs + lengthMs }
      bans.set(keyOf(whom), ban)
      onBan(whom, cause, ban, at)
      return ban
    },
  }
}

/** The one whom a rule per endpoint holds to account: the UID, on calls without one the IP. */
export function callerOf({ endpoint, uid, ip }: IdentifiedCall): Banned {
  return uid === undefined ? { endpoint, ip } : { endpoint, uid }
}

export function keyOf({ endpoint, uid, ip }: Banned): string {
  return JSON.stringify([uid === undefined ? 'ip' : 'uid', uid ?? ip, endpoint ?? null])
}
