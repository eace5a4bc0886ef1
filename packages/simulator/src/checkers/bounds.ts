import { carries, faultsOf, keyOf, type Labels, type Scenario } from '../scenario/scenario.ts'
import type { ArrivalLog, RunLog } from '../world/log.ts'
import { withBursts } from '../world/server.ts'
import { type Checker, fresh } from './violation.ts'

/** Episodes shorter than this say nothing of whether a client backs off. */
const LONG_MS = 120_000
/** Of its calls, a client that backs off has at most so many refused, once it has had half the episode to learn. */
const MOST_REFUSED = 0.5

/**
 * Where refusals are unavoidable, they are few and become fewer. Against somebody else on the same key: fewer in the second
 * half than could be had by going on as before. From a route faster than any before: a window's worth for each change.
 */
export const bounds: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'bounds', what, atMs })
  for (const { atMs, forMs, labels, perSecond } of faultsOf(scenario, 'foreign')) {
    if (forMs < LONG_MS || hasCrash(scenario, atMs, forMs)) continue
    const first = share(log, labels, atMs, atMs + forMs / 2)
    const second = share(log, labels, atMs + forMs / 2, atMs + forMs)
    // Whoever halves a limit of two has one left, and may be refused for it for ever; so may who is left less than that.
    if (leftBy(scenario, labels, perSecond) < 2 || limitOf(scenario, labels) < 4 || Math.min(first.calls, second.calls) < 20) continue
    if (second.refused > Math.max(MOST_REFUSED * second.calls, 5)) {
      say(
        `${second.refused} of ${second.calls} calls refused beside a foreign caller, after ${first.refused} of ${first.calls}`,
        atMs + forMs,
      )
    }
  }
  return judgement
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

/** Tokens per window that a foreign caller leaves of the limits it draws on, as low as they ever are. */
function leftBy(scenario: Scenario, labels: Labels, perSecond: number): number {
  const changes = faultsOf(scenario, 'limit')
  const rules = withBursts(scenario.limits).filter(rule => keyOf(rule, labels) !== undefined)
  return Math.min(
    ...rules.map(({ name, limit, windowMs }) => {
      const lowest = Math.min(limit, ...changes.filter(change => change.name === name).map(change => change.limit))
      return lowest - (perSecond * windowMs) / 1_000
    }),
  )
}

function hasCrash(scenario: Scenario, atMs: number, forMs: number): boolean {
  return faultsOf(scenario, 'crash').some(crash => crash.atMs > atMs - 60_000 && crash.atMs < atMs + forMs)
}
