import type { BanBook } from '../ban-book.ts'
import type { Instant } from '../clock.ts'
import type { IdentifiedCall } from '../dialect.ts'
import type { Rule } from '../rule.ts'
import { commandLimit } from './limits.ts'

/** CoinW's escalation ladder. Defaults: CoinW's "API Rate Limiting Policy", read 2026 (facts/coinw.md). */
export interface LadderRule {
  /** Refusals that a UID is forgiven per window; one more is a step up. Default 60. */
  uidRefusals?: number
  /** The same of an IP. Default 80. */
  ipRefusals?: number
  /** Length of the fixed windows. Milliseconds, default 10 000. */
  windowMs?: number
  /** How long the limits stay halved. Milliseconds, default 300 000. */
  warningMs?: number
  /** Milliseconds, default 30 000. */
  banMs?: number
  /** Bans that a UID is forgiven within `historyMs`; instead of one more it is blacklisted. Default 10. */
  uidBans?: number
  /** The same of an IP. Default 5: "one device and IP". */
  ipBans?: number
  /** Milliseconds, default 28 800 000 (8 h). */
  historyMs?: number
  /** Milliseconds, default 28 800 000 (8 h). */
  blacklistMs?: number
}

export const ladderDefaults: Required<LadderRule> = {
  uidRefusals: 60,
  ipRefusals: 80,
  windowMs: 10_000,
  warningMs: 300_000,
  banMs: 30_000,
  uidBans: 10,
  ipBans: 5,
  historyMs: 28_800_000,
  blacklistMs: 28_800_000,
}

/** Where one UID or IP stands. */
export interface LadderStats {
  scope: 'uid' | 'ip'
  key: string
  state: 'normal' | 'warning' | 'banned' | 'blacklisted'
  /** Monotonic end of the state; `null` when it is normal. */
  untilMs: number | null
  /** Refusals that the present window has counted since the state began. */
  refusals: number
  warnings: number
  bans: number
  /** Bans within the last `historyMs`. */
  recentBans: number
  blacklists: number
  /** Calls that arrived during a ban or a blacklist of this UID or IP. */
  intoBan: number
}

interface Rung {
  readonly scope: 'uid' | 'ip'
  readonly key: string
  state: LadderStats['state']
  untilMs: number
  window: number
  refusals: number
  warnings: number
  bans: number
  banInstants: number[]
  blacklists: number
  intoBan: number
}

export interface Ladder extends Rule {
  stats(at: Instant): LadderStats[]
}

/** Above so many rungs those that stand on the ground without a history are dropped. */
const sweepAbove = 10_000

export function createLadder(rule: Required<LadderRule>, bans: BanBook): Ladder {
  const rungs = new Map<string, Rung>()

  /** A rung as it stands now: states that have run out and windows that are over are forgotten. */
  function settle(rung: Rung, nowMs: number): Rung {
    const window = Math.floor(nowMs / rule.windowMs)
    if (rung.state !== 'normal' && nowMs >= rung.untilMs) {
      rung.state = 'normal'
      rung.refusals = 0
    }
    if (rung.window !== window) {
      rung.window = window
      rung.refusals = 0
    }
    rung.banInstants = rung.banInstants.filter(instant => nowMs - instant < rule.historyMs)
    return rung
  }

  function rungOf(scope: Rung['scope'], key: string, nowMs: number): Rung {
    const id = `${scope} ${key}`
    const known = rungs.get(id)
    if (known !== undefined) return settle(known, nowMs)
    if (rungs.size >= sweepAbove) sweep(nowMs)
    const fresh: Rung = {
      scope,
      key,
      state: 'normal',
      untilMs: 0,
      window: Math.floor(nowMs / rule.windowMs),
      refusals: 0,
      warnings: 0,
      bans: 0,
      banInstants: [],
      blacklists: 0,
      intoBan: 0,
    }
    rungs.set(id, fresh)
    return fresh
  }

  function sweep(nowMs: number): void {
    for (const [id, rung] of rungs) {
      const { state, refusals, banInstants } = settle(rung, nowMs)
      if (state === 'normal' && refusals === 0 && banInstants.length === 0) rungs.delete(id)
    }
  }

  /** Only rungs that exist: asking must not fill the map. */
  function standing({ uid, ip }: IdentifiedCall, nowMs: number): Rung[] {
    const ids = uid === undefined ? [`ip ${ip}`] : [`uid ${uid}`, `ip ${ip}`]
    return ids.flatMap(id => rungs.get(id) ?? []).map(rung => settle(rung, nowMs))
  }

  function enter(rung: Rung, state: Rung['state'], forMs: number, nowMs: number): void {
    rung.state = state
    rung.untilMs = nowMs + forMs
    // What led here is spent: "over again" counts anew.
    rung.refusals = 0
  }

  function count(rung: Rung, at: Instant): ReturnType<BanBook['start']> | undefined {
    const { scope, key } = rung
    rung.refusals++
    if (rung.refusals <= (scope === 'uid' ? rule.uidRefusals : rule.ipRefusals)) return undefined
    if (rung.state === 'normal') {
      rung.warnings++
      enter(rung, 'warning', rule.warningMs, at.nowMs)
      return undefined
    }
    if (rung.state !== 'warning') return undefined
    const whom = scope === 'uid' ? { uid: key } : { ip: key }
    if (rung.banInstants.length < (scope === 'uid' ? rule.uidBans : rule.ipBans)) {
      rung.bans++
      rung.banInstants.push(at.nowMs)
      enter(rung, 'banned', rule.banMs, at.nowMs)
      return bans.start(whom, 'ladder', rule.banMs, at)
    }
    rung.blacklists++
    enter(rung, 'blacklisted', rule.blacklistMs, at.nowMs)
    return bans.start(whom, 'blacklist', rule.blacklistMs, at)
  }

  return {
    // Whether an IP's warning halves the limits of the UIDs behind it is not said; "every endpoint limit" is.
    lowered(call, at) {
      if (!standing(call, at.nowMs).some(({ state }) => state === 'warning')) return undefined
      return call.limits.map(limit =>
        limit.name === commandLimit ? { ...limit, lowered: Math.max(1, Math.floor(limit.limit / 2)) } : limit,
      )
    },
    refused({ uid, ip }, at) {
      const own = uid === undefined ? undefined : count(rungOf('uid', uid, at.nowMs), at)
      return count(rungOf('ip', ip, at.nowMs), at) ?? own
    },
    calledInto(call, _, at) {
      for (const rung of standing(call, at.nowMs)) {
        if (rung.state === 'banned' || rung.state === 'blacklisted') rung.intoBan++
      }
    },
    stats: ({ nowMs }) =>
      Array.from(rungs.values(), rung => {
        const { scope, key, state, untilMs, refusals, warnings, bans, banInstants, blacklists, intoBan } = settle(
          rung,
          nowMs,
        )
        return {
          scope,
          key,
          state,
          untilMs: state === 'normal' ? null : untilMs,
          refusals,
          warnings,
          bans,
          recentBans: banInstants.length,
          blacklists,
          intoBan,
        }
      }),
  }
}
