import {
  carries,
  clientLimits,
  type FaultOf,
  faultsOf,
  keyOf,
  type Labels,
  type Rule,
  type Scenario,
} from '../scenario/scenario.ts'
import type { ArrivalLog, RunLog } from '../world/log.ts'
import { withBursts } from '../world/server.ts'
import { type Checker, fresh } from './violation.ts'

/** Episodes shorter than this say nothing of whether a client backs off. */
const LONG_MS = 120_000
/** Of its calls, a client that backs off has at most so many refused, once it has had half the episode to learn. */
const MOST_REFUSED = 0.5

/**
 * Where refusals are unavoidable, they are few and become fewer. Against somebody else on the same key: fewer in the second
 * half than could be had by going on as before. Into a ban that names no time: as many as are on their way while the limit halves
 * down to one, and then one at a time. (A route faster than any before is bounded where it is excused: `windows`.)
 */
export const bounds: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'bounds', what, atMs })
  for (const foreign of faultsOf(scenario, 'foreign')) {
    const { atMs, forMs, labels } = foreign
    if (forMs < LONG_MS || hasCrash(scenario, atMs, forMs)) continue
    const first = share(log, labels, atMs, atMs + forMs / 2)
    const second = share(log, labels, atMs + forMs / 2, atMs + forMs)
    // Whoever halves a limit of two has one left, and may be refused for it for ever; so may who is left less than that.
    if (leftBy(scenario, foreign) < 2 || limitOf(scenario, labels) < 4 || Math.min(first.calls, second.calls) < 20)
      continue
    if (second.refused > Math.max(MOST_REFUSED * second.calls, 5)) {
      say(
        `${second.refused} of ${second.calls} calls refused beside a foreign caller, after ${first.refused} of ${first.calls}`,
        atMs + forMs,
      )
    }
  }
  for (const ban of faultsOf(scenario, 'ban')) {
    if (isTimed(scenario, ban)) continue
    for (const [key, { tokens, most }] of untold(scenario, log, ban)) {
      if (tokens > most) {
        const what = `${key}: ${tokens} tokens went into a ban that named no time, where halving leaves ${Math.floor(most)}`
        say(what, ban.atMs + ban.forMs)
      }
    }
  }
  return judgement
}

/** CoinW never says until when. */
function isTimed({ kind }: Scenario, { tells, labels }: FaultOf<'ban'>): boolean {
  return kind === 'core' ? tells !== 'nothing' : labels['exchange'] !== 'coinw'
}

/** Back comes a twentieth of the limit per quiet time, which soon is a minute (design, section 4). */
const STEP = 1 / 20
const QUIET_MS = 60_000
/** Quiet times from one second on until there: 1, 2, 4 … */
const SHORT_STEPS = 6
/** What was under way when the ban began or when a life did, and the odd one at the edges of windows. */
const EDGE = 5

/**
 * Per life and most specific limit: what went into a ban that named no time, and what may. Who remembers does not begin
 * again with the whole limit.
 */
function untold(scenario: Scenario, { attempts }: RunLog, { atMs, forMs, labels }: FaultOf<'ban'>) {
  const sums = new Map<string, { tokens: number; most: number; lives: Set<number> }>()
  // What is kept is kept by the wall clock.
  const remembers = scenario.memory === true && faultsOf(scenario, 'wall-step').length === 0
  const banned = attempts.filter(
    each =>
      each.verdict === 'banned' &&
      Number.isNaN(each.toldUntilMs) &&
      each.arrivedAtMs >= atMs &&
      each.arrivedAtMs < atMs + forMs &&
      carries(each.labels, labels),
  )
  const tripMs = Math.max(0, ...banned.map(each => each.endedAtMs - each.sentAtMs || 0))
  for (const { labels: own, cost, call } of banned) {
    const rule = mostSpecific(scenario, own)
    if (rule === undefined) continue
    const key = `${keyOf(rule, own)}${remembers ? '' : ` in life ${call.life}`}`
    const { limit, windowMs } = rule
    const falling = 2 * limit * (1 + tripMs / windowMs)
    const rising = STEP * limit * (SHORT_STEPS + forMs / QUIET_MS)
    const sum = sums.get(key) ?? {
      tokens: 0,
      most: falling + rising + (cost * forMs) / windowMs,
      lives: new Set<number>(),
    }
    sum.tokens += cost
    if (!sum.lives.has(call.life)) sum.most += EDGE * cost
    sum.lives.add(call.life)
    sums.set(key, sum)
  }
  return sums
}

/** The limit with the most labels; undefined where two have as many, and no document says which is meant. */
function mostSpecific(scenario: Scenario, labels: Labels): Rule | undefined {
  const rules = clientLimits(scenario).filter(rule => keyOf(rule, labels) !== undefined)
  const most = Math.max(...rules.map(rule => rule.by.length))
  const found = rules.filter(rule => rule.by.length === most)
  return found.length === 1 ? found[0] : undefined
}

function share({ arrivals }: RunLog, labels: Labels, fromMs: number, toMs: number): { calls: number; refused: number } {
  const ours = arrivals.filter(
    (arrival: ArrivalLog) =>
      arrival.attempt !== undefined && arrival.atMs >= fromMs && arrival.atMs < toMs && carries(arrival.labels, labels),
  )
  return { calls: ours.length, refused: ours.filter(({ verdict }) => verdict === 'refused').length }
}

/** The least of the limits that these labels are under. */
function limitOf(scenario: Scenario, labels: Labels): number {
  return Math.min(
    ...withBursts(scenario.limits)
      .filter(rule => rule.by.some(name => labels[name] !== undefined))
      .map(rule => rule.limit),
  )
}

/** Tokens per window that foreign callers at the same time leave of the limits that this one draws on, as low as they ever are. */
function leftBy(scenario: Scenario, { labels, atMs, forMs }: FaultOf<'foreign'>): number {
  const others = faultsOf(scenario, 'foreign').filter(each => each.atMs < atMs + forMs && atMs < each.atMs + each.forMs)
  const changes = faultsOf(scenario, 'limit')
  const rules = withBursts(scenario.limits).filter(rule => keyOf(rule, labels) !== undefined)
  return Math.min(
    ...rules.map(rule => {
      const { name, limit, windowMs } = rule
      const perSecond = others
        .filter(other => keyOf(rule, other.labels) === keyOf(rule, labels))
        .reduce((sum, other) => sum + other.perSecond, 0)
      const lowest = Math.min(limit, ...changes.filter(change => change.name === name).map(change => change.limit))
      // What comes back one by one is anybody's: after a quiet while the next that go find it taken as well.
      if (rule.window === 'decay') return 0
      const left = lowest - (perSecond * windowMs) / 1_000
      // A small rest of a wide limit is found late: what is halved first is the limit kept by most labels.
      return left < lowest / 4 ? 0 : left
    }),
  )
}

function hasCrash(scenario: Scenario, atMs: number, forMs: number): boolean {
  return faultsOf(scenario, 'crash').some(crash => crash.atMs > atMs - 60_000 && crash.atMs < atMs + forMs)
}
