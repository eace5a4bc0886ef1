import { carries, type PollPlan, type Scenario } from '../scenario/scenario.ts'
import { POLLED, type PollLog, type PollRun, type ReadingLog, type RunLog } from '../world/log.ts'
import { asleepMs } from './asleep.ts'
import { DRIFT, GUARD_MS, latestTimerMs } from './away.ts'
import { type Checker, fresh } from './violation.ts'

/** Times are sums of fractions. */
const ROUNDED_MS = 0.01
/** A poller may be put off by so much of its interval, to fall between the others (`waitedMs` counts from then). */
const PUT_OFF = 0.1
const LONGEST_START_MS = 1_000
/** What fails a poll before it is sent. */
const UNSENT: ReadonlySet<string | undefined> = new Set(['QueueFullError', 'ErrorBudgetError', 'NeverFitsError'])

/**
 * A poller has one call under way at a time, never sooner than it was asked to, and none after its end. Who reads gets the
 * newest reading, no backlog, and times that are true; and with `maxAgeMs` is never left in the dark for longer.
 */
export const polls: Checker = (scenario, log) => {
  const judgement = fresh()
  for (const poll of log.polls) {
    const plan = scenario.pollers?.[poll.plan] as PollPlan
    const say = (what: string, atMs: number) =>
      judgement.violations.push({ checker: 'polls', what: `poller ${poll.plan} ${what}`, atMs })
    checkRuns(poll, plan, log, say)
    checkEnd(poll, plan, log, say)
    for (const [at, reading] of poll.readings.entries()) checkReading(poll, plan, log, reading, at, say)
    checkSilence(scenario, poll, plan, log, say)
  }
  return judgement
}

type Say = (what: string, atMs: number) => void

/** Refused, a call may go again as the same poll. */
export function isAgain({ retries }: PollPlan, before: PollRun | undefined): boolean {
  const { verdict } = before?.attempt ?? { verdict: 'none' }
  return retries > 0 && (verdict === 'refused' || verdict === 'banned')
}

function checkRuns({ runs }: PollLog, plan: PollPlan, _log: RunLog, say: Say): void {
  for (const [at, { attempt, startedClientMs }] of runs.entries()) {
    const before = runs[at - 1]
    if (before === undefined) continue
    if (!(before.overAtMs <= attempt.sentAtMs)) say('has two calls under way', attempt.sentAtMs)
    const sinceMs = startedClientMs - before.startedClientMs
    // Its time counts from the first of several attempts.
    if (!isAgain(plan, before) && !isAgain(plan, runs[at - 2]) && sinceMs < plan.everyMs - ROUNDED_MS)
      say(`went after ${sinceMs.toFixed(1)} ms, where it was to every ${plan.everyMs} ms`, attempt.sentAtMs)
  }
}

function checkEnd(poll: PollLog, plan: PollPlan, log: RunLog, say: Say): void {
  const { endedAtMs, endedOrder, how, runs, doneAtMs, askedAtMs, readings } = poll
  if (how === 'open') {
    if (log.lives[poll.life]?.diedAtMs === Number.POSITIVE_INFINITY) say('never ended', poll.beganAtMs)
    return
  }
  const late = runs.find(({ attempt }) => attempt.order > endedOrder)
  // Those who share one run the first one's task, should it have left.
  if (late !== undefined && plan.coalesce === undefined)
    say(`sent a call after its end by ${how}`, late.attempt.sentAtMs)
  // What runs when its scheduler is closed comes to its end; what others share is theirs.
  const last = runs.at(-1)
  if (how !== 'close' && plan.coalesce === undefined && last !== undefined && last.attempt.endedAtMs > endedAtMs)
    say(
      `had a call under way for ${Math.round(last.attempt.endedAtMs - endedAtMs)} ms after its end by ${how}`,
      endedAtMs,
    )
  const waits = askedAtMs !== readings.at(-1)?.askedAtMs
  if (waits && !(doneAtMs <= Math.max(endedAtMs, askedAtMs))) say(`did not tell of its end by ${how}`, endedAtMs)
  if (how === 'threw' && plan.onError === 'yield') say('ended by an error', endedAtMs)
}

function checkReading(poll: PollLog, plan: PollPlan, log: RunLog, reading: ReadingLog, at: number, say: Say): void {
  const { gotAtMs, gotClientMs, askedAtMs, readAtMs, waitedMs, sincePreviousMs, answer, ok, ageMs } = reading
  const { runs, readings } = poll
  const wrong = (what: string) => say(`gave a reading ${what}`, gotAtMs)
  if (gotAtMs > poll.endedAtMs) wrong('after its end')
  const previous = readings[at - 1]
  if (Math.abs(sincePreviousMs - (previous === undefined ? 0 : readAtMs - previous.readAtMs)) > ROUNDED_MS)
    wrong(`that says ${sincePreviousMs.toFixed(1)} ms since the one before, which were not`)
  if (previous !== undefined && readAtMs < previous.readAtMs) wrong('older than the one before')
  // At once, what was there already; else what has come just now.
  if (gotAtMs > askedAtMs && Math.abs(gotClientMs - readAtMs) > ROUNDED_MS) wrong('late')
  // Refused, a call that goes again has brought nothing yet.
  const newer = runs.find(
    run =>
      run.overAtMs < askedAtMs &&
      run.overClientMs > readAtMs + ROUNDED_MS &&
      run.attempt.outcome !== 'crashed' &&
      !isAgain(plan, run),
  )
  if (newer !== undefined) wrong('that was not the newest')
  if (waitedMs < 0) wrong(`that waited ${waitedMs} ms`)
  const index = runs.findIndex(({ attempt }) => attempt === answer)
  // One that a plain call brought is over when that says so.
  if (answer?.call.load === POLLED) {
    const run = runs[index] ?? runOf(log, poll.life, answer)
    if (run === undefined || Math.abs(run.overClientMs - readAtMs) > ROUNDED_MS)
      wrong('at a time when nothing was read')
  }
  const isFirst = !isAgain(plan, runs[index - 1]) && !isAgain(plan, runs[index - 2])
  // What a spent budget or a full queue failed in between was a poll too, of which nobody sees the start but who reads it.
  const sinceMs = runs[index - 1]?.overClientMs ?? 0
  const isSeen =
    plan.coalesce === undefined &&
    plan.consumerMs === 0 &&
    !readings.some(each => UNSENT.has(each.error) && each.readAtMs >= sinceMs && each.readAtMs < readAtMs)
  if (ok && index >= 0 && isFirst && isSeen) checkWaited(poll, plan, index, waitedMs, wrong)
  if (reading.error === 'StaleError') checkStale(poll, plan, log, reading, ageMs ?? Number.NaN, wrong)
}

function runOf({ polls: all }: RunLog, life: number, answer: ReadingLog['answer']): PollRun | undefined {
  for (const poll of all) {
    const run = poll.life === life ? poll.runs.find(({ attempt }) => attempt === answer) : undefined
    if (run !== undefined) return run
  }
  return undefined
}

/** How much later than its time it started, which comes an interval after the last start and not before that was over. */
function checkWaited(
  { runs, beganClientMs }: PollLog,
  { everyMs }: PollPlan,
  index: number,
  waitedMs: number,
  wrong: (what: string) => void,
) {
  const { startedClientMs } = runs[index] as PollRun
  const before = runs[index - 1]
  const putOffMs = before === undefined ? Math.min(LONGEST_START_MS, PUT_OFF * everyMs) : PUT_OFF * everyMs
  const dueMs = before === undefined ? beganClientMs : Math.max(before.startedClientMs + everyMs, before.overClientMs)
  const latestMs =
    before === undefined ? dueMs + putOffMs : Math.max(before.startedClientMs + everyMs + putOffMs, before.overClientMs)
  const mostMs = startedClientMs - dueMs + ROUNDED_MS
  const leastMs = startedClientMs - latestMs - ROUNDED_MS
  // Before its time it is found out elsewhere.
  if (mostMs >= 0 && (waitedMs > mostMs || waitedMs < leastMs))
    wrong(
      `that says it waited ${waitedMs.toFixed(1)} ms, not ${Math.max(0, leastMs).toFixed(1)} to ${mostMs.toFixed(1)}`,
    )
}

/** It says so when it is so, and why. */
function checkStale(
  { runs, life, beganClientMs }: PollLog,
  { maxAgeMs, labels, coalesce }: PollPlan,
  log: RunLog,
  { readAtMs, gotAtMs, askedAtMs, heldUntilMs }: ReadingLog,
  ageMs: number,
  wrong: (what: string) => void,
) {
  if (maxAgeMs === null || ageMs < maxAgeMs - ROUNDED_MS) wrong(`that calls ${ageMs.toFixed(1)} ms too old`)
  const good = runs.findLast(({ attempt, overClientMs }) => attempt.succeeded && overClientMs < readAtMs - ROUNDED_MS)
  const isShared = coalesce !== undefined
  // An answer may be good and its reader be told of a refusal's end: only plain successes bound the age.
  const sinceMs = readAtMs - (good?.overClientMs ?? beganClientMs)
  if (!isShared && ageMs > sinceMs + ROUNDED_MS && good?.attempt.errorCode === undefined)
    wrong(`that says nothing good came for ${Math.round(ageMs)} ms, where something did ${Math.round(sinceMs)} ms ago`)
  if (gotAtMs > askedAtMs) {
    const held = log.holds.find(
      hold =>
        hold.life === life &&
        carries(labels, hold.labels) &&
        hold.fromMs < gotAtMs - GUARD_MS &&
        hold.untilMs > gotAtMs + GUARD_MS &&
        !log.holds.some(
          ({ labels: same, releasedAtMs }) =>
            // What is released is all that holds these labels.
            releasedAtMs >= hold.fromMs &&
            releasedAtMs <= gotAtMs &&
            JSON.stringify(same) === JSON.stringify(hold.labels),
        ),
    )
    if (held === undefined) return
    const leftMs = (held.untilMs - gotAtMs) * (1 - DRIFT) - GUARD_MS
    if (heldUntilMs === undefined) wrong('that is old for a hold, and does not say so')
    else if (heldUntilMs - readAtMs < leftMs)
      wrong(`that says it is held for ${Math.round(heldUntilMs - readAtMs)} ms, not ${Math.round(leftMs)}`)
  }
}

/** Whoever waits hears something at least so often. */
function checkSilence(scenario: Scenario, poll: PollLog, { maxAgeMs, everyMs }: PollPlan, log: RunLog, say: Say): void {
  if (maxAgeMs === null) return
  const mostMs = Math.max(maxAgeMs, everyMs) * (1 + DRIFT) + latestTimerMs(scenario) + GUARD_MS
  const diedAtMs = log.lives[poll.life]?.diedAtMs ?? Number.POSITIVE_INFINITY
  const waits = poll.readings.map(({ askedAtMs, gotAtMs }) => [askedAtMs, gotAtMs] as const)
  if (poll.askedAtMs !== poll.readings.at(-1)?.askedAtMs)
    waits.push([poll.askedAtMs, Math.min(poll.endedAtMs, diedAtMs)])
  for (const [fromMs, toMs] of waits) {
    const silentMs = toMs - fromMs - asleepMs(scenario, fromMs, toMs)
    if (silentMs <= mostMs) continue
    say(`said nothing for ${Math.round(silentMs)} ms, where ${Math.round(mostMs)} were the most`, toMs)
    return
  }
}
