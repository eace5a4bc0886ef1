import { carries, clientLimits, faultsOf, keyOf, type Labels, type Scenario } from '../scenario/scenario.ts'
import { type Attempt, NOBODYS, type RunLog } from '../world/log.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** A request that was under way for longer is stale whatever the clock; one this fast is not, with a clock that is right. */
const FAST_MS = 2_000
/** Half of a round trip is how far off the time may be that its answer tells: a second too much is too much. */
const GOOD_TRIP_MS = 1_000
/** After a question in vain the next may wait for so long (30 s), its own time-outs and the wait for its turn on top. */
const ASKS_WITHIN_MS = 60_000
/** The longest window of public calls (60 s) and a lost call's time; then it may still wait for its next turn to ask. */
const SPENT_MS = 65_000 + 30_000
/** A question waits for its turn no longer than so. */
const TURN_MS = 5_000
/** Ten minutes of use, after which it is asked anew, and as long as that may take. */
const IN_USE_MS = 15 * 60_000
/** A timestamp may be a second ahead; what is known of the time may be half of a round trip off. */
const TOO_FAR_MS = 400
const QUESTION = 'GET /openApi/swap/v2/server/time'

/**
 * A clock that is wrong is set by the server's, once: after a question for the time was answered, no call is refused for
 * its timestamp until a clock was set again or a machine slept. Who was told that its clock is wrong asks before it signs the call anew.
 */
export const clock: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'clock', what, atMs })
  // What a user asks for goes to the user.
  const questions = log.attempts.filter(({ call }) => call.load === NOBODYS)
  const wrong = log.attempts.filter(
    ({ errorKind, sentAtMs, arrivedAtMs }) => errorKind === 'time' && arrivedAtMs - sentAtMs < FAST_MS,
  )
  if (wrong.length > 0) excuse(judgement, 'refused for its timestamp', wrong.length)
  for (const attempt of wrong) {
    const { sentAtMs, arrivedAtMs, call } = attempt
    const own = questions.filter(each => isSame(each, attempt) && each.sentAtMs < sentAtMs)
    const asked = own.findLast(
      each => each.succeeded && each.answeredAtMs < sentAtMs && each.answeredAtMs - each.sentAtMs < GOOD_TRIP_MS,
    )
    if (asked !== undefined && !wasDisturbed(scenario, asked.sentAtMs, arrivedAtMs))
      say(
        `call ${call.id} was signed by a wrong clock, ${Math.round(sentAtMs - asked.answeredAtMs)} ms after it was asked for`,
        sentAtMs,
      )
    // Signed anew after such a refusal, it was signed by a clock that was asked for, and otherwise the question comes soon.
    const before = call.attempts[call.attempts.indexOf(attempt) - 1]
    const isAgain = before !== undefined && wrong.includes(before) && !Number.isNaN(before.failedAtMs)
    const earlier = isAgain
      ? before
      : wrong.findLast(each => isSame(each, attempt) && each.failedAtMs < sentAtMs - ASKS_WITHIN_MS)
    if (earlier === undefined) continue
    const isAnswered = own.some(({ endedAtMs }) => endedAtMs > earlier.sentAtMs && endedAtMs <= sentAtMs)
    const isAsked = own.some(({ endedAtMs }) => !(endedAtMs < earlier.sentAtMs - ASKS_WITHIN_MS))
    if (isAgain ? isAnswered : isAsked) continue
    if (!isAgain && log.attempts.some(each => isSame(each, attempt) && tellsTime(each, earlier, attempt))) continue
    if (isClosed(scenario, log, attempt, earlier.failedAtMs)) continue
    const sinceMs = Math.round(sentAtMs - earlier.failedAtMs)
    say(`call ${call.id} was signed by a wrong clock, and nobody asked since ${sinceMs} ms`, sentAtMs)
  }
  return judgement
}

/** A client is an address and a life. */
function isSame(a: Attempt, b: Attempt): boolean {
  return a.call.life === b.call.life && a.labels['ip'] === b.labels['ip']
}

/** Signed between the two and taken, it shows that the clock was right again, be it by what the first one's refusal said. */
function tellsTime({ labels, succeeded, sentAtMs }: Attempt, first: Attempt, second: Attempt): boolean {
  return succeeded && labels['uid'] !== undefined && sentAtMs > first.failedAtMs && sentAtMs < second.sentAtMs
}

function wasDisturbed(scenario: Scenario, fromMs: number, toMs: number): boolean {
  return (
    faultsOf(scenario, 'server-clock').some(({ atMs }) => atMs >= fromMs && atMs <= toMs) ||
    faultsOf(scenario, 'suspend').some(({ atMs, forMs }) => atMs <= toMs && atMs + forMs >= fromMs) ||
    hasDrifted(scenario, toMs - fromMs)
  )
}

/** In use it is asked again; of two clocks that parted while nobody asked, the first call finds out. */
function hasDrifted(scenario: Scenario, idleMs: number): boolean {
  const most = (kind: 'drift' | 'server-clock') =>
    Math.max(0, ...faultsOf(scenario, kind).map(({ ppm }) => Math.abs(ppm)))
  return idleMs > IN_USE_MS && (most('drift') + most('server-clock')) * 1e-6 * idleMs > TOO_FAR_MS
}

/** Whether the question for the time could not be asked: banned, held, stopped by errors, or all tokens spent from birth. */
function isClosed(
  scenario: Scenario,
  log: RunLog,
  { call, labels: { exchange = '', ip = '' } }: Attempt,
  fromMs: number,
): boolean {
  const labels = { exchange, ip, endpoint: QUESTION, group: '1' }
  const life = log.lives[call.life]
  return (
    (life?.coldStart === 'spent' && fromMs < life.bornAtMs + SPENT_MS) ||
    // Signed calls would wait for a question that waits for so long.
    clientLimits(scenario).some(rule => keyOf(rule, labels) && rule.limit * TURN_MS < rule.windowMs) ||
    faultsOf(scenario, 'own-limit').some(({ name, limit, atMs }) =>
      scenario.limits.some(
        rule => rule.name === name && keyOf(rule, labels) && atMs <= fromMs && limit * TURN_MS < rule.windowMs,
      ),
    ) ||
    log.holds.some(hold => hold.latestMs > fromMs && carries(labels, hold.labels)) ||
    isUsedUp(scenario, log, call.life, labels, fromMs) ||
    faultsOf(scenario, 'failing', 'lies', 'error').some(
      fault => fault.atMs <= fromMs && (fault.kind !== 'failing' || carries(labels, fault.labels)),
    )
  )
}

/** The user's own public calls leave no turn to the question, and will not in time. */
function isUsedUp(scenario: Scenario, log: RunLog, life: number, labels: Labels, atMs: number): boolean {
  return clientLimits(scenario).some(rule => {
    const key = keyOf(rule, labels)
    if (key === undefined) return false
    const used = log.attempts.filter(
      each =>
        each.call.life === life &&
        each.sentAtMs <= atMs &&
        each.sentAtMs > atMs + TURN_MS - rule.windowMs &&
        keyOf(rule, each.labels) === key,
    )
    return used.length >= rule.limit
  })
}
