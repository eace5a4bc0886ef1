import { clientLimits, faultsOf, keyOf, type Scenario } from '../scenario/scenario.ts'
import type { Attempt, CallLog, RunLog } from '../world/log.ts'
import { slept } from './away.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** "One that has waited 10 s, and two windows of the limit that refuses it, is overtaken there by at most ten tokens" (docs of `priority`). */
const OLD_MS = 10_000
const OLD_WINDOWS = 2
const OVERTAKING = 10
const DRIFT = 1e-3
/** The one that was going when the call became old, and the last that overtook it. */
const EDGE = 2

/**
 * Nothing starves: of the tokens that go once a call is old, at most ten go to higher priorities for each that goes to it or
 * to others that are old. Where all draw on the same limits, a token each, and nothing is held or refused.
 */
export const ageing: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'ageing', what, atMs })
  if (!isPlain(scenario)) return judgement
  const windowMs = Math.max(...clientLimits(scenario).map(rule => rule.windowMs))
  const oldMs = Math.max(OLD_MS, OLD_WINDOWS * windowMs) * (1 + DRIFT)
  let old = 0
  for (let life = 0; life < log.lives.length; life++) old += checkLife(scenario, log, life, oldMs, say)
  if (old > 0) excuse(judgement, 'old and overtaken, as it may be', old)
  return judgement
}

type Say = (what: string, atMs: number) => void

function isPlain(scenario: Scenario): boolean {
  const { loads, pollers = [], caps, budgets = [], limits, clients = 1 } = scenario
  const all = [...loads, ...pollers]
  const keysOf = (labels: (typeof all)[number]['labels']) =>
    clientLimits(scenario)
      .map(rule => keyOf(rule, labels))
      .join()
  return (
    clients === 1 &&
    caps.length + budgets.length === 0 &&
    // Nobody touches what is reserved for others.
    limits.every(({ reserve }) => reserve === undefined) &&
    new Set(loads.map(({ priority }) => priority)).size > 1 &&
    all.every(({ cost, labels }) => cost === 1 && keysOf(labels) === keysOf(loads[0]?.labels ?? {})) &&
    loads.every(({ shares }) => shares === undefined) &&
    pollers.every(({ coalesce }) => coalesce === undefined)
  )
}

function checkLife(scenario: Scenario, log: RunLog, life: number, oldMs: number, say: Say): number {
  const { loads, pollers = [] } = scenario
  const own = log.attempts.filter(({ call }) => call.life === life)
  // From then on calls go at their own time, or not at all.
  const endMs = Math.min(
    log.epilogueAtMs,
    ...own.filter(({ verdict }) => verdict === 'refused' || verdict === 'banned').map(({ sentAtMs }) => sentAtMs),
    ...log.holds.filter(hold => hold.life >= life).map(({ fromMs }) => fromMs),
    ...faultsOf(scenario, 'limit', 'own-limit').map(({ atMs }) => atMs),
  )
  const priorities = new Map<CallLog, number>()
  for (const poll of log.polls)
    for (const { attempt } of poll.runs) priorities.set(attempt.call, pollers[poll.plan]?.priority ?? 0)
  const priorityOf = (call: CallLog) => priorities.get(call) ?? loads[call.load]?.priority ?? 0
  const starts = own.filter(({ sentAtMs }) => sentAtMs < endMs)
  let old = 0
  for (const call of log.calls) {
    if (call.life !== life) continue
    const goesAtMs = Math.min(call.attempts[0]?.sentAtMs ?? call.settledAtMs, endMs)
    const fromMs = slept(scenario, call.scheduledAtMs, call.scheduledAtMs + oldMs)
    if (!(goesAtMs > fromMs)) continue
    old++
    const goesOrder = call.attempts[0]?.order ?? call.settledOrder
    let high = 0
    let others = 1
    for (let i = firstFrom(starts, fromMs); i < starts.length; i++) {
      const start = starts[i] as Attempt
      if (start.order >= goesOrder) break
      // Those that came before it overtake nobody, and may be older; of polls nobody knows when they came.
      if (priorityOf(start.call) <= priorityOf(call) || start.call.scheduledAtMs <= call.scheduledAtMs) others++
      else if (start.outcome !== 'unsent') high++
    }
    // Older ones that left had been overtaken too.
    if (high > OVERTAKING * others + others + EDGE) others += leavers(log, call, fromMs, goesAtMs)
    if (high <= OVERTAKING * others + others + EDGE + pollers.length) continue
    say(
      `call ${call.id} was overtaken by ${high} of higher priority once it was old, where ${others} were old`,
      goesAtMs,
    )
    return old
  }
  return old
}

/** The first of ascending starts that is not before. */
function firstFrom(starts: readonly Attempt[], atMs: number): number {
  let low = 0
  let high = starts.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((starts[middle] as Attempt).sentAtMs < atMs) low = middle + 1
    else high = middle
  }
  return low
}

function leavers({ calls }: RunLog, { life, scheduledAtMs }: CallLog, fromMs: number, toMs: number): number {
  return calls.filter(
    each =>
      each.life === life &&
      each.scheduledAtMs <= scheduledAtMs &&
      each.attempts.length === 0 &&
      each.settledAtMs >= fromMs &&
      each.settledAtMs <= toMs,
  ).length
}
