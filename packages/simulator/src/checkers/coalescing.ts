import type { Scenario } from '../scenario/scenario.ts'
import { shareKeyOf } from '../world/books.ts'
import type { Attempt, CallLog, RunLog } from '../world/log.ts'
import { type Checker, fresh } from './violation.ts'

/**
 * Of calls for the same, while one waits, one goes, and all who share it get its answer. None joins one that runs. Whoever
 * leaves leaves the others theirs; with the last one the call ends.
 */
export const coalescing: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'coalescing', what, atMs })
  for (const calls of groups(scenario, log)) {
    for (const call of calls) {
      checkAnswer(scenario, call, say)
      checkNoneBeside(call, say)
    }
    checkOneWent(calls, say)
    if (!isPolled(scenario, calls[0] as CallLog)) checkNobodyLeft(log, calls, say)
  }
  const polled = new Set(log.polls.flatMap(({ runs }) => runs.map(({ attempt }) => attempt.call)))
  for (const call of polled) checkNoneBeside(call, say)
  return judgement
}

type Say = (what: string, atMs: number) => void

/** Calls that may share one, in the order in which they came. */
function groups(scenario: Scenario, { calls }: RunLog): CallLog[][] {
  const byKey = new Map<string, CallLog[]>()
  for (const call of calls) {
    if (call.coalesce === undefined) continue
    const key = keyOf(scenario, call)
    const group = byKey.get(key)
    if (group === undefined) byKey.set(key, [call])
    else group.push(call)
  }
  return [...byKey.values()]
}

function keyOf(scenario: Scenario, call: CallLog): string {
  return shareKeyOf(scenario, call, scenario.loads[call.load]?.labels ?? {})
}

function checkAnswer(scenario: Scenario, call: CallLog, say: Say): void {
  const { answer } = call
  if (answer === undefined) return
  if (shareKeyOf(scenario, answer.call, answer.labels) !== keyOf(scenario, call))
    say(`call ${call.id} was answered by call ${answer.call.id}, which asked for something else`, call.settledAtMs)
  if (answer.order < call.order) say(`call ${call.id} joined call ${answer.call.id}, which ran`, call.settledAtMs)
}

/** Whoever came while the first of those who were answered together waited was answered with it, or left for reasons of its own. */
function checkOneWent(calls: readonly CallLog[], say: Say): void {
  const byRunner = new Map<CallLog, CallLog[]>()
  for (const call of calls) {
    const runner = call.answer?.call
    if (runner === undefined) continue
    const members = byRunner.get(runner)
    if (members === undefined) byRunner.set(runner, [call])
    else members.push(call)
  }
  for (const [runner, members] of byRunner) {
    // One that went and was refused has joined it only on its way back.
    const waiting = members.filter(({ attempts, sharedBy }) => attempts.length === 0 && !hasFailed(sharedBy))
    const { order: toOrder = 0, sentAtMs = 0, again } = runner.attempts[0] ?? {}
    // What it had shared before may have failed, so that it came anew.
    const fromOrder = Math.min(again?.order ?? runner.order, ...waiting.map(({ order }) => order))
    for (const call of calls) {
      if (call.order <= fromOrder || call.order >= toOrder) continue
      const { how, answer, settled, outcome, maxWaitMs, abortedAtMs } = call
      // It had its leave at that instant, and began when those of others had theirs; or it never came so far.
      if (call.cameAtMs === sentAtMs || Number.isNaN(call.cameAtMs)) continue
      // Over HTTP each goes again by itself, after what they shared has failed; and a key's stop takes out who waits.
      if (hasFailed(call.sharedBy) || (outcome as { kind?: unknown } | undefined)?.kind === 'key') continue
      if (answer?.call === runner || settled === 0) continue
      if (how === 'AbortError' && !Number.isNaN(abortedAtMs)) continue
      if (how === 'MaxWaitError' && maxWaitMs < Number.POSITIVE_INFINITY) continue
      if (members.some(member => member.outcome === outcome)) continue
      say(
        `call ${call.id} came while call ${runner.id} waited for the same, and ended by itself: ${how}`,
        call.settledAtMs,
      )
      return
    }
  }
}

/** Over HTTP: what was shared had no answer, or one that says no. */
function hasFailed(shared: Attempt | undefined): boolean {
  return shared !== undefined && shared.call.comings > 0 && !(shared.succeeded && shared.outcome === 'answered')
}

/** Who shares an attempt sends none of its own as long as that is under way. */
function checkNoneBeside(call: CallLog, say: Say): void {
  const { sharedBy: shared, attempts } = call
  if (shared === undefined || call.cameAtMs === shared.sentAtMs) return
  const beside = attempts.find(({ order }) => order > shared.order && order < shared.endedOrder)
  if (beside !== undefined)
    say(`call ${call.id} went beside call ${shared.call.id}, whose attempt it shared`, beside.sentAtMs)
}

/** An attempt goes on for as long as somebody wants it, and is answered to somebody. */
function checkNobodyLeft(log: RunLog, calls: readonly CallLog[], say: Say): void {
  const runs = new Map<Attempt, CallLog[]>()
  for (const call of calls) {
    for (const attempt of call.attempts) if (!runs.has(attempt)) runs.set(attempt, [])
  }
  for (const [attempt, wanted] of runs) {
    for (const call of calls) if (call.order < attempt.order && call.settledOrder > attempt.order) wanted.push(call)
    const { id, life } = attempt.call
    if (log.lives[life]?.diedAtMs !== Number.POSITIVE_INFINITY && wanted.some(({ settled }) => settled === 0)) continue
    const leftAtMs = Math.max(attempt.sentAtMs, ...wanted.map(({ settledAtMs }) => settledAtMs))
    if (attempt.endedAtMs > leftAtMs || (wanted.length === 0 && attempt.outcome !== 'unsent'))
      say(
        `call ${id} ran on for nobody, ${Math.round(attempt.endedAtMs - leftAtMs)} ms after the last had left`,
        leftAtMs,
      )
  }
}

/** Whether pollers share it: they want it too, and what they read may be read late or never. */
function isPolled({ pollers = [], loads }: Scenario, { coalesce, load }: CallLog): boolean {
  const labels = JSON.stringify(loads[load]?.labels)
  return pollers.some(plan => plan.coalesce === coalesce && JSON.stringify(plan.labels) === labels)
}
