import { clientLimits, faultsOf, keyOf, type Rule, type Scenario } from '../scenario/scenario.ts'
import type { ArrivalLog, RunLog } from '../world/log.ts'
import { type Checker, excuse, fresh } from './violation.ts'
import { Excuses, sum } from './windows.ts'

/**
 * A limit that somebody sets lower than the server's is kept as if it were the server's: by calls sent from then on, and
 * counting those before.
 */
export const ownLimits: Checker = (scenario, log) => {
  const judgement = fresh()
  const own = namesOf(scenario)
  if (own.size === 0) return judgement
  const rules = clientLimits(scenario).filter(({ name }) => own.has(name))
  const excuses = new Excuses(scenario, log)
  const windows = new Map<string, ArrivalLog[]>()
  for (const arrival of log.arrivals) {
    const { attempt, atMs, labels, cost, verdict } = arrival
    if (attempt === undefined || verdict === 'banned') continue
    for (const rule of rules) {
      const key = keyOf(rule, labels)
      if (key === undefined) continue
      const counted = (windows.get(key) ?? []).filter(each => each.atMs > atMs - rule.windowMs)
      windows.set(key, counted)
      const limit = limitAt(rule, log, attempt.sentAtMs, atMs)
      if (sum(counted) + cost > limit) {
        const why = excuses.of(attempt, atMs, { rule: { ...rule, limit }, key, counted, used: sum })
        if (why !== undefined) excuse(judgement, why)
        else {
          const what = `${key}: ${sum(counted)} in ${rule.windowMs} ms where the client's own limit is ${limit}, and one more came`
          judgement.violations.push({ checker: 'own-limits', what, atMs })
        }
      }
      if (verdict === 'accepted') counted.push(arrival)
    }
  }
  return judgement
}

function namesOf(scenario: Scenario): Set<string> {
  return new Set([...Object.keys(scenario.ownLimits ?? {}), ...faultsOf(scenario, 'own-limit').map(({ name }) => name)])
}

/** What the client knew when it sent; at the instant of a change, either. Raised while it was under way, others may have gone by more. */
function limitAt(rule: Rule, { ownLimits: changes }: RunLog, sentAtMs: number, atMs: number): number {
  let limit = rule.limit
  for (const change of changes) {
    if (change.name !== rule.name) continue
    if (change.atMs >= sentAtMs && change.atMs <= atMs) limit = Math.max(limit, change.limit)
    else if (change.atMs < sentAtMs) limit = change.limit
  }
  return limit
}
