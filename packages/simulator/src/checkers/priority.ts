import { clientLimits, keyOf, type Scenario } from '../scenario/scenario.ts'
import type { Attempt, CallLog, RunLog } from '../world/log.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** "One that has waited 10 s, and two windows of the limit that refuses it" is old, and may go before others (docs of `priority`). */
const OLD_MS = 10_000
const OLD_WINDOWS = 2
/** Two clocks drift apart. */
const DRIFT = 1e-3

/**
 * Larger goes first: while a call waits, none of the same labels and lower priority starts, of no fewer tokens, unless it is
 * old. A call that others share has the highest priority of them all.
 */
export const priority: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'priority', what, atMs })
  for (const loads of families(scenario)) {
    const windowMs = Math.min(
      ...clientLimits(scenario)
        .filter(rule => keyOf(rule, scenario.loads[loads[0] as number]?.labels ?? {}) !== undefined)
        .map(rule => (rule.burst === undefined ? rule.windowMs : (rule.burst * rule.windowMs) / rule.limit)),
    )
    // A cap has no window, and neither has a budget while it is one.
    const gates = [...scenario.caps, ...(scenario.budgets ?? [])]
    const isCapped = gates.some(gate => keyOf(gate, scenario.loads[loads[0] as number]?.labels ?? {}) !== undefined)
    const oldMs = isCapped ? OLD_MS * (1 - DRIFT) : Math.max(OLD_MS, OLD_WINDOWS * windowMs) * (1 - DRIFT)
    const old = checkFamily(scenario, log, new Set(loads), oldMs, say)
    if (old > 0) excuse(judgement, 'overtaken by an old call', old)
  }
  return judgement
}

type Say = (what: string, atMs: number) => void

/** Loads of the same labels, be it by any address, and different priorities. */
function families({ loads, roams }: Scenario): number[][] {
  const byLabels = new Map<string, number[]>()
  for (const [index, { labels }] of loads.entries()) {
    const key = JSON.stringify(roams ? { ...labels, ip: '' } : labels)
    const family = byLabels.get(key)
    if (family === undefined) byLabels.set(key, [index])
    else family.push(index)
  }
  return [...byLabels.values()].filter(family => new Set(family.map(index => loads[index]?.priority)).size > 1)
}

interface Event {
  readonly order: number
  readonly kind: 'comes' | 'goes' | 'starts'
  readonly call: CallLog
  readonly attempt: Attempt | undefined
}

/** @returns how many were overtaken by old calls */
function checkFamily(
  { loads, pollers = [] }: Scenario,
  log: RunLog,
  family: ReadonlySet<number>,
  oldMs: number,
  say: Say,
): number {
  const events: Event[] = []
  for (const call of log.calls) {
    if (!family.has(call.load) || Number.isNaN(call.cameAtMs)) continue
    const started = call.coalesce === undefined ? call.attempts[0] : call.sharedBy
    events.push({ order: call.order, kind: 'comes', call, attempt: undefined })
    events.push({
      order: Math.min(started?.order ?? Number.POSITIVE_INFINITY, call.settledOrder),
      kind: 'goes',
      call,
      attempt: undefined,
    })
    for (const attempt of call.attempts) events.push({ order: attempt.order + 0.5, kind: 'starts', call, attempt })
  }
  events.sort((a, b) => a.order - b.order)
  const waiting = new Map<number, Set<CallLog>>()
  const priorityOf = (call: CallLog) => loads[call.load]?.priority ?? 0
  const sharersOf = sharers(log, family)
  let old = 0
  for (const { kind, call, attempt } of events) {
    if (kind === 'comes') {
      const same = waiting.get(priorityOf(call)) ?? new Set()
      waiting.set(priorityOf(call), same)
      same.add(call)
    } else if (kind === 'goes') waiting.get(priorityOf(call))?.delete(call)
    if (attempt === undefined) continue
    const { sentAtMs } = attempt
    const all = call.coalesce === undefined ? [call] : [call, ...sharersOf(attempt)]
    // Who polls the same may be one of them.
    const polled = pollers.filter(({ coalesce }) => coalesce !== undefined && coalesce === call.coalesce)
    const own = Math.max(...all.map(priorityOf), ...polled.map(plan => plan.priority))
    const cost = loads[call.load]?.cost ?? 1
    for (const [level, calls] of waiting) {
      if (level <= own) continue
      // First come, first served: behind one that needs more tokens the others wait. And whoever came at this very instant may
      // have come after it, as whoever left in it (aborted, dropped) may have left before, and hears of that a turn later.
      const hasLeft = (each: CallLog) => each.abortedAtMs <= sentAtMs || each.settledAtMs <= sentAtMs
      const passed = [...calls].find(each => each.life === call.life && !hasLeft(each))
      if (passed === undefined || passed.cameAtMs >= sentAtMs) continue
      // Of a shared call the first one's cost counts.
      if ((loads[(passed.sharedBy?.call ?? passed).load]?.cost ?? 1) > cost) continue
      if (sentAtMs - Math.min(...all.map(each => each.scheduledAtMs)) >= oldMs) {
        old++
        continue
      }
      say(
        `call ${passed.id} of priority ${level} waited while call ${call.id} of priority ${own} and the same labels went`,
        sentAtMs,
      )
      return old
    }
  }
  return old
}

/** All who came to share a call since the last other one for the same went: whoever left it has lifted it for good. */
function sharers({ calls }: RunLog, family: ReadonlySet<number>): (attempt: Attempt) => CallLog[] {
  const own = calls.filter(({ load, coalesce }) => coalesce !== undefined && family.has(load))
  return ({ call, order }) => {
    const same = own.filter(each => each.coalesce === call.coalesce && each.life === call.life)
    const others = same.filter(each => each !== call).flatMap(each => each.attempts.map(other => other.order))
    const before = Math.max(-1, ...others.filter(at => at < order))
    return same.filter(each => each.order < order && (each.order > before || each.settledOrder > before))
  }
}
