import { clientLimits, faultsOf, keyOf, reservedOf, type Scenario } from '../scenario/scenario.ts'
import { shareKeyOf } from '../world/books.ts'
import type { ArrivalLog, Attempt, CallLog, RunLog } from '../world/log.ts'
import { type Checker, excuse, fresh } from './violation.ts'
import { Excuses, sum } from './windows.ts'

/**
 * What is reserved of a limit for urgent calls is left by all others: with what was sent before it, none of theirs is counted
 * beyond the rest.
 */
export const reserves: Checker = (scenario, log) => {
  const judgement = fresh()
  const changed = new Set(faultsOf(scenario, 'limit').map(({ name }) => name))
  const rules = clientLimits(scenario).filter(
    ({ reserve, window, name }) => reserve !== undefined && window === undefined && !changed.has(name),
  )
  // What is stuck on one way while another answers comes when it heals, more of it than a reserve leaves: `windows` judges
  // that, and the probes that go into a silence in the place of what was given up.
  if (rules.length === 0 || (scenario.clients ?? 1) > 1 || scenario.roams) return judgement
  const priorityOf = priorities(scenario, log)
  const excuses = new Excuses(scenario, log)
  const windows = new Map<string, ArrivalLog[]>()
  for (const arrival of log.arrivals) {
    const { attempt, atMs, labels, cost, verdict } = arrival
    if (verdict === 'banned') continue
    for (const rule of rules) {
      const key = keyOf(rule, labels)
      if (key === undefined) continue
      const counted = (windows.get(key) ?? []).filter(each => each.atMs > atMs - rule.windowMs)
      windows.set(key, counted)
      if (attempt !== undefined) {
        const limit = rule.limit - reservedOf(rule, priorityOf(attempt))
        // Urgent calls that went after it may be there before it.
        const before = counted.filter(
          ({ attempt: each }) => each === undefined || (each.order < attempt.order && !isGivenUp(each, attempt)),
        )
        if (limit < rule.limit && sum(before) + cost > limit) {
          const why = excuses.of(attempt, atMs, { rule: { ...rule, limit }, key, counted: before, used: sum })
          if (why !== undefined) excuse(judgement, why)
          else {
            const what = `${key}: ${sum(before)} of ${rule.limit}, of which ${rule.limit - limit} are reserved, and call ${attempt.call.id} came`
            judgement.violations.push({ checker: 'reserves', what, atMs })
          }
        }
      }
      if (verdict === 'accepted') counted.push(arrival)
    }
  }
  return judgement
}

/** It was stuck, and given up when the other went. */
function isGivenUp({ stuckFromMs, outcome, endedAtMs }: Attempt, { sentAtMs }: Attempt): boolean {
  return !Number.isNaN(stuckFromMs) && outcome === 'lost' && endedAtMs <= sentAtMs
}

/** Of shared calls the highest of all who share it. */
function priorities(scenario: Scenario, log: RunLog): (attempt: Attempt) => number {
  const { loads, pollers = [] } = scenario
  const known = new Map<CallLog, number>()
  const raise = (call: CallLog, priority: number) =>
    known.set(call, Math.max(priority, known.get(call) ?? Number.NEGATIVE_INFINITY))
  for (const poll of log.polls)
    for (const { attempt } of poll.runs) raise(attempt.call, pollers[poll.plan]?.priority ?? 0)
  // Who polls the same may share any of them.
  for (const { coalesce, priority } of pollers)
    if (coalesce !== undefined)
      for (const { call } of log.attempts) if (call.coalesce === coalesce) raise(call, priority)
  const byKey = new Map<string, CallLog[]>()
  for (const call of log.calls) {
    if (call.coalesce !== undefined) {
      const key = shareKeyOf(scenario, call, loads[call.load]?.labels ?? {})
      const same = byKey.get(key)
      if (same === undefined) byKey.set(key, [call])
      else same.push(call)
    }
    const own = loads[call.load]?.priority ?? 0
    raise(call, own)
  }
  // Whoever shared a call has lifted it for good, also one that has left it.
  for (const { call: runner, labels } of log.attempts) {
    if (runner.coalesce === undefined) continue
    const key = shareKeyOf(scenario, runner, labels)
    for (const call of byKey.get(key) ?? [])
      if (call.settledOrder > runner.order && call.order < (runner.attempts.at(-1)?.order ?? 0))
        raise(runner, loads[call.load]?.priority ?? 0)
  }
  return ({ call }) => known.get(call) ?? 0
}
