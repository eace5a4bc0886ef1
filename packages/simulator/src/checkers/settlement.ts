import { type Checker, fresh } from './violation.ts'

/** What a call may settle with, besides its value. */
const KNOWN = new Set([
  'ok',
  'Error',
  'AbortError',
  'MaxWaitError',
  'QueueFullError',
  'NeverFitsError',
  'RefusedError',
  'TimeoutError',
  'BingxError',
  'CoinwError',
  'ErrorBudgetError',
])

/** Every call settles, exactly once, in a known way; one that may start no later than X has started by then. */
export const settlement: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'settlement', what, atMs })
  const lateness = Math.max(
    0,
    ...scenario.faults.map(fault => (fault.kind === 'timers' ? fault.lateMs + fault.tickMs : 0)),
  )
  const asleepMs = scenario.faults.reduce((sum, fault) => sum + (fault.kind === 'suspend' ? fault.forMs : 0), 0)
  for (const call of log.calls) {
    const diedAtMs = log.lives[call.life]?.diedAtMs ?? Number.POSITIVE_INFINITY
    if (call.settled === 0 && diedAtMs === Number.POSITIVE_INFINITY)
      say(`call ${call.id} never settled`, call.scheduledAtMs)
    if (call.settled > 1) say(`call ${call.id} settled ${call.settled} times`, call.settledAtMs)
    // Over HTTP a refusal is the exchange's own error.
    const isKnown = KNOWN.has(call.how) && !(scenario.kind === 'http' && call.how === 'RefusedError')
    if (call.settled > 0 && !isKnown) say(`call ${call.id} settled with ${call.how}`, call.settledAtMs)
    // Nobody leaves a shared call by another's signal.
    if (call.how === 'AbortError' && Number.isNaN(call.abortedAtMs))
      say(`call ${call.id} was aborted, and not by its own signal`, call.settledAtMs)
    const first = call.coalesce === undefined ? call.attempts[0] : call.sharedBy
    const startMs = first?.sentAtMs ?? call.settledAtMs
    const latestMs = call.scheduledAtMs + call.maxWaitMs * 1.001 + lateness + asleepMs + 1
    if (startMs > latestMs) say(`call ${call.id} had to start within ${call.maxWaitMs} ms`, startMs)
    if (
      first !== undefined &&
      call.how === 'MaxWaitError' &&
      first.verdict === 'accepted' &&
      // One that left a shared call as it went did not go, nor did one that came as it went.
      (call.coalesce === undefined || (first.sentAtMs < call.settledAtMs && first.sentAtMs > call.scheduledAtMs)) &&
      first.call.attempts.length === 1
    )
      say(`call ${call.id} had started when it was told that it could not`, call.settledAtMs)
    if (call.abortedAtMs < startMs && first !== undefined) say(`call ${call.id} started after it was aborted`, startMs)
  }
  for (const mishap of log.mishaps) say(mishap, 0)
  return judgement
}
