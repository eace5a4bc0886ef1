import { carries, type Labels, type PollPlan, type Scenario } from '../scenario/scenario.ts'
import { type Attempt, POLLED, type PollLog, type PollRun, type ReadingLog, type RunLog } from '../world/log.ts'
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
    checkEnd(scenario, poll, plan, log, say)
    for (const [at, reading] of poll.readings.entries()) checkReading(poll, plan, log, reading, at, say)
    checkSilence(scenario, poll, plan, log, say)
  }
  return judgement
}

type Say = (what: string, atMs: number) => void

/** Whether a run may be the same poll as the one before it: refused, a call goes again. Over HTTP that was seen. */
export function isAgain({ retries }: PollPlan, before: PollRun | undefined, run: PollRun | undefined): boolean {
  if (isWhole(run)) return before?.attempt.call === run.attempt.call
  const { verdict } = before?.attempt ?? { verdict: 'none' }
  return retries > 0 && (verdict === 'refused' || verdict === 'banned')
}

/** Over HTTP a poll is a call, whose attempts it is. */
function isWhole(run: PollRun | undefined): run is PollRun {
  return run !== undefined && run.attempt.call.comings > 0
}

function checkRuns({ runs }: PollLog, plan: PollPlan, _log: RunLog, say: Say): void {
  for (const [at, run] of runs.entries()) {
    const { attempt, startedClientMs } = run
    const before = runs[at - 1]
    if (before === undefined) continue
    if (!(before.overAtMs <= attempt.sentAtMs)) say('has two calls under way', attempt.sentAtMs)
    if (isWhole(run)) {
      checkWhole(runs, at, plan, say)
      continue
    }
    const sinceMs = startedClientMs - before.startedClientMs
    // Its time counts from the first of several attempts.
    if (!isAgain(plan, before, run) && !isAgain(plan, runs[at - 2], before) && sinceMs < plan.everyMs - ROUNDED_MS)
      say(`went after ${sinceMs.toFixed(1)} ms, where it was to every ${plan.everyMs} ms`, attempt.sentAtMs)
  }
}

/** A poll is over before the next begins, which its first attempt does; it goes on after a refusal or a failure, no oftener than it may. */
function checkWhole(runs: readonly PollRun[], at: number, plan: PollPlan, say: Say): void {
  const { attempt } = runs[at] as PollRun
  const before = runs[at - 1] as PollRun
  if (isAgain(plan, before, runs[at])) {
    if (isGood(before)) say('went again after it had its answer', attempt.sentAtMs)
    const failures = attempt.call.attempts.filter(each => each.order < attempt.order && !wasRefused(each)).length
    // Once more after a wrong timestamp.
    if (failures > plan.retries + 1) say(`went again after ${failures} failures`, attempt.sentAtMs)
    return
  }
  if (!((before.doneAtMs ?? Number.NaN) <= attempt.sentAtMs))
    say('began a poll before the last was over', attempt.sentAtMs)
  const [first, previous] = [runs[at] as PollRun, firstOf(runs, at - 1)]
  // What somebody else sent for it began it.
  if ([first, previous].some(each => startOf(each) !== each.attempt)) return
  const sinceMs = first.startedClientMs - previous.startedClientMs
  if (sinceMs < plan.everyMs - ROUNDED_MS)
    say(`went after ${sinceMs.toFixed(1)} ms, where it was to every ${plan.everyMs} ms`, attempt.sentAtMs)
}

function isGood({ attempt }: PollRun): boolean {
  return attempt.succeeded && attempt.outcome === 'answered'
}

function wasRefused({ verdict, outcome }: Attempt): boolean {
  return outcome === 'answered' && (verdict === 'refused' || verdict === 'banned')
}

/** The first attempt of the poll that a run belongs to. */
function firstOf(runs: readonly PollRun[], at: number): PollRun {
  let first = at
  while (first > 0 && runs[first - 1]?.attempt.call === runs[at]?.attempt.call) first--
  return runs[first] as PollRun
}

function startOf({ attempt: { call } }: PollRun): Attempt | undefined {
  return call.sharedBy ?? call.attempts[0]
}

function checkEnd(scenario: Scenario, poll: PollLog, plan: PollPlan, log: RunLog, say: Say): void {
  const { endedAtMs, endedOrder, how, runs, doneAtMs, askedAtMs, readings } = poll
  if (how === 'open') {
    if (log.lives[poll.life]?.diedAtMs === Number.POSITIVE_INFINITY) say('never ended', poll.beganAtMs)
    return
  }
  const late = runs.find(({ attempt }) => attempt.order > endedOrder)
  // Those who share one run the first one's task, should it have left.
  if (late !== undefined && !isWanted(scenario, log, poll, late.attempt.sentAtMs))
    say(`sent a call after its end by ${how}`, late.attempt.sentAtMs)
  // What runs when its scheduler is closed comes to its end; what others share is theirs.
  const last = runs.at(-1)
  if (
    how !== 'close' &&
    last !== undefined &&
    last.attempt.endedAtMs > endedAtMs &&
    !isWanted(scenario, log, poll, endedAtMs)
  )
    say(
      `had a call under way for ${Math.round(last.attempt.endedAtMs - endedAtMs)} ms after its end by ${how}`,
      endedAtMs,
    )
  const waits = askedAtMs !== readings.at(-1)?.askedAtMs
  if (waits && !(doneAtMs <= Math.max(endedAtMs, askedAtMs))) say(`did not tell of its end by ${how}`, endedAtMs)
  if (how === 'threw' && plan.onError === 'yield') say('ended by an error', endedAtMs)
}

/** Whether others may share what it polls, at that time. */
function isWanted({ pollers = [], loads }: Scenario, log: RunLog, poll: PollLog, atMs: number): boolean {
  const { coalesce, labels } = pollers[poll.plan] as PollPlan
  if (coalesce === undefined) return false
  const same = (each: Labels) => carries(each, labels) && carries(labels, each)
  return (
    loads.some(load => load.shares !== undefined && same(load.labels)) ||
    log.polls.some(
      each =>
        each !== poll &&
        each.life === poll.life &&
        each.beganAtMs <= atMs &&
        each.endedAtMs >= atMs &&
        pollers[each.plan]?.coalesce === coalesce &&
        same(pollers[each.plan]?.labels ?? {}),
    )
  )
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
      (run.doneAtMs ?? run.overAtMs) < askedAtMs &&
      (run.doneClientMs ?? run.overClientMs) > readAtMs + ROUNDED_MS &&
      run.attempt.outcome !== 'crashed' &&
      (isWhole(run) ? run.doneAtMs !== undefined : !isAgain(plan, run, undefined)),
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
  if (ok && answer === undefined && plan.coalesce === undefined) wrong('that none of its calls brought')
  // Of several attempts the first began it.
  const first = isWhole(runs[index]) ? runs.indexOf(firstOf(runs, index)) : index
  const isFirst =
    isWhole(runs[index]) ||
    (!isAgain(plan, runs[index - 1], runs[index]) && !isAgain(plan, runs[index - 2], runs[index - 1]))
  // What a spent budget or a full queue failed in between was a poll too, of which nobody sees the start but who reads it.
  const sinceMs = runs[first - 1]?.overClientMs ?? 0
  const isSeen =
    plan.coalesce === undefined &&
    plan.consumerMs === 0 &&
    !poll.vain.some(atMs => atMs >= sinceMs && atMs < readAtMs) &&
    !readings.some(each => UNSENT.has(each.error) && each.readAtMs >= sinceMs && each.readAtMs < readAtMs)
  if (ok && index >= 0 && isFirst && isSeen) checkWaited(poll, plan, first, waitedMs, wrong)
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
  const last = runs[index - 1]
  const overMs = last?.doneClientMs ?? last?.overClientMs ?? 0
  const before = isWhole(last) ? firstOf(runs, index - 1) : last
  const putOffMs = before === undefined ? Math.min(LONGEST_START_MS, PUT_OFF * everyMs) : PUT_OFF * everyMs
  const dueMs = before === undefined ? beganClientMs : Math.max(before.startedClientMs + everyMs, overMs)
  const latestMs =
    before === undefined ? dueMs + putOffMs : Math.max(before.startedClientMs + everyMs + putOffMs, overMs)
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
  const good = runs.findLast(run => isGood(run) && run.overClientMs < readAtMs - ROUNDED_MS)
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
