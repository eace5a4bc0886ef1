import type { Ban, BanCause, Banned } from './ban-book.ts'
import type { Instant } from './clock.ts'
import type { LadderStats } from './coinw/ladder.ts'
import type { ExchangeName } from './dialect.ts'
import type { LimitStats } from './limit-book.ts'

/**
 * What became of a call. `accepted`: let in and answered well. `failed`: let in, but answered with an error.
 * `refused`: a limit was full. `into-ban`: refused because of a ban. `faulted`: a fault that counts nothing befell it.
 * `unknown`: no such endpoint.
 */
export type Outcome = 'accepted' | 'failed' | 'refused' | 'into-ban' | 'faulted' | 'unknown'

/** One call, noted at the instant at which it was judged. */
export interface LoggedCall {
  /** Monotonic milliseconds of the exchange's clock. */
  readonly atMs: number
  readonly exchange: ExchangeName
  /** `null` on public calls and where the key is unknown. */
  readonly uid: string | null
  readonly ip: string
  /** `null` when there is no such endpoint. */
  readonly endpoint: string | null
  readonly outcome: Outcome
  /** Whether the windows counted it. */
  readonly counted: boolean
}

/** Calls by what became of them. */
export interface CallCounts {
  /** Calls that bans and limits let in, the failed ones included. */
  accepted: number
  /** Of these, the ones answered with an error. */
  failed: number
  /** Calls turned away by a limit or a ban. */
  refused: number
  /** Of these, the ones turned away by a ban. */
  intoBan: number
  /** Bans begun, those that a test imposed included. */
  banned: number
  /** Of these, the ones that repeated errors have earned. */
  errorBanned: number
}

export interface EndpointStats extends CallCounts {
  exchange: ExchangeName
  uid: string | null
  endpoint: string
}

export interface BanRecord {
  exchange: ExchangeName
  /** Exactly one of `uid` and `ip` is set. */
  uid: string | null
  ip: string | null
  /** `null`: all endpoints. */
  endpoint: string | null
  cause: BanCause
  atMs: number
  /** As it was when it began, were it extended later. */
  untilMs: number
}

/** Plain data, a copy. */
export interface ExchangeStats extends CallCounts {
  /** Calls that a fault befell before they were counted. */
  faulted: number
  /** Calls to endpoints that do not exist. */
  unknown: number
  exchanges: Record<ExchangeName, CallCounts>
  /** Per UID and endpoint, in the order of their first calls. */
  endpoints: EndpointStats[]
  /** Per limit and key. Above 10 000 windows idle ones are forgotten. */
  limits: LimitStats[]
  /** Where UIDs and IPs that CoinW has refused stand on its ladder; empty without one. */
  ladder: LadderStats[]
  /** The last 1000 bans. */
  bans: BanRecord[]
  /** Calls that the log no longer holds: a checker of windows wants 0 here. */
  logDropped: number
}

const bansKept = 1000

export interface Recorder {
  call(entry: LoggedCall): void
  ban(exchange: ExchangeName, whom: Banned, cause: BanCause, ban: Ban, at: Instant): void
  stats(limits: LimitStats[], ladder: LadderStats[]): ExchangeStats
  log(): LoggedCall[]
}

export function createRecorder(options: { logSize: number }): Recorder {
  const exchanges: Record<ExchangeName, CallCounts> = { bingx: noCalls(), coinw: noCalls() }
  const endpoints = new Map<string, EndpointStats>()
  const bans: BanRecord[] = []
  const log: LoggedCall[] = []
  let logged = 0
  let faulted = 0
  let unknown = 0

  function endpointStats(exchange: ExchangeName, uid: string | null, endpoint: string): EndpointStats {
    const id = JSON.stringify([exchange, uid, endpoint])
    let stats = endpoints.get(id)
    if (stats === undefined) {
      stats = { exchange, uid, endpoint, ...noCalls() }
      endpoints.set(id, stats)
    }
    return stats
  }

  return {
    call(entry) {
      // Once full, the log is a ring: the newest takes the oldest one's place.
      if (options.logSize > 0) log[logged % options.logSize] = entry
      logged++
      if (entry.outcome === 'unknown') unknown++
      else if (entry.outcome === 'faulted') faulted++
      if (entry.endpoint === null) return
      add(exchanges[entry.exchange], entry.outcome)
      add(endpointStats(entry.exchange, entry.uid, entry.endpoint), entry.outcome)
    },
    ban(exchange, { endpoint = null, uid = null, ip = null }, cause, ban, at) {
      const counts: CallCounts[] = [exchanges[exchange]]
      if (endpoint !== null) counts.push(endpointStats(exchange, uid, endpoint))
      for (const count of counts) {
        count.banned++
        if (cause === 'error-count') count.errorBanned++
      }
      if (bans.length === bansKept) bans.shift()
      bans.push({ exchange, uid, ip, endpoint, cause, atMs: at.nowMs, untilMs: ban.untilMs })
    },
    stats(limits, ladder) {
      const { bingx, coinw } = exchanges
      return {
        accepted: bingx.accepted + coinw.accepted,
        failed: bingx.failed + coinw.failed,
        refused: bingx.refused + coinw.refused,
        intoBan: bingx.intoBan + coinw.intoBan,
        banned: bingx.banned + coinw.banned,
        errorBanned: bingx.errorBanned + coinw.errorBanned,
        faulted,
        unknown,
        exchanges: { bingx: { ...bingx }, coinw: { ...coinw } },
        endpoints: Array.from(endpoints.values(), stats => ({ ...stats })),
        limits,
        ladder,
        bans: bans.map(ban => ({ ...ban })),
        logDropped: Math.max(0, logged - options.logSize),
      }
    },
    log() {
      const oldest = logged > options.logSize && options.logSize > 0 ? logged % options.logSize : 0
      return [...log.slice(oldest), ...log.slice(0, oldest)]
    },
  }
}

function noCalls(): CallCounts {
  return { accepted: 0, failed: 0, refused: 0, intoBan: 0, banned: 0, errorBanned: 0 }
}

function add(counts: CallCounts, outcome: Outcome): void {
  if (outcome === 'accepted' || outcome === 'failed') counts.accepted++
  if (outcome === 'failed') counts.failed++
  if (outcome === 'refused' || outcome === 'into-ban') counts.refused++
  if (outcome === 'into-ban') counts.intoBan++
}
