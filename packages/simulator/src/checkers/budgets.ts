import { type Budget, Keys, type Labels, type Scenario } from '../scenario/scenario.ts'
import type { Attempt, CallLog, RunLog } from '../world/log.ts'
import { DRIFT, GUARD_MS, slept } from './away.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/**
 * No ban for errors is deserved, and no call is failed for one that would not come. Errors and calls in flight stay below
 * the server's number, and once an error is in, at most `stopAt` of it: at every instant at which a call is sent. What the
 * client cannot know of is left out, and excused: errors of lost calls and of an earlier life.
 */
export const budgets: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'budgets', what, atMs })
  for (const budget of scenario.budgets ?? []) {
    for (const [key, { attempts, calls }] of grouped(scenario, budget, log)) {
      const isServers = (what: string, atMs: number) => say(`${key}: ${what}`, atMs)
      log.lives.forEach((_, life) => {
        const own = attempts.filter(({ call }) => call.life === life)
        const ended = calls.filter(call => call.life === life && call.stopped?.budget === budget.name)
        checkLife(scenario, budget, own, ended, isServers)
      })
      const unknown = checkServer(budget, attempts, isServers)
      if (unknown > 0) excuse(judgement, 'errors that the client could not know of', unknown)
    }
  }
  const told = log.calls.filter(({ stopped }) => stopped !== undefined).length
  if (told > 0) excuse(judgement, 'stopped by an error budget', told)
  return judgement
}

/** From there on one error is reason to fear the next. */
function stopOf({ limit, stopAt }: Budget): number {
  return Math.min(limit - 1, Math.max(1, Math.floor(limit * stopAt + 1e-9)))
}

function grouped(scenario: Scenario, budget: Budget, { attempts, calls }: RunLog) {
  const groups = new Map<string, { attempts: Attempt[]; calls: CallLog[] }>()
  const keys = new Keys([budget])
  const groupOf = (labels: Labels | undefined) => {
    const key = labels && keys.of(labels)[0]
    if (key === undefined) return undefined
    const group = groups.get(key) ?? { attempts: [], calls: [] }
    groups.set(key, group)
    return group
  }
  for (const attempt of attempts) groupOf(attempt.labels)?.attempts.push(attempt)
  for (const call of calls) groupOf(scenario.loads[call.load]?.labels)?.calls.push(call)
  return groups
}

interface Event {
  readonly order: number
  readonly attempt?: Attempt
  readonly call?: CallLog
  readonly kind: 'sent' | 'failed' | 'over' | 'stopped'
}

function eventsOf(attempts: readonly Attempt[], calls: readonly CallLog[]): Event[] {
  const events: Event[] = calls.map(call => ({ order: call.settledOrder, call, kind: 'stopped' }))
  for (const attempt of attempts) {
    events.push({ order: attempt.order, attempt, kind: 'sent' })
    if (attempt.failedOrder < Number.POSITIVE_INFINITY)
      events.push({ order: attempt.failedOrder, attempt, kind: 'failed' })
    if (attempt.endedOrder < Number.POSITIVE_INFINITY) events.push({ order: attempt.endedOrder, attempt, kind: 'over' })
  }
  return events.sort((a, b) => a.order - b.order)
}

/** What one life of the client did with what it knew. */
function checkLife(
  scenario: Scenario,
  budget: Budget,
  attempts: readonly Attempt[],
  stopped: readonly CallLog[],
  say: (what: string, atMs: number) => void,
): void {
  const { limit, windowMs } = budget
  const stop = stopOf(budget)
  const flying = new Set<Attempt>()
  const lateMs = (fromMs: number, forMs: number) => slept(scenario, fromMs, fromMs + forMs * (1 + DRIFT) + GUARD_MS)
  let known: Attempt[] = []
  let heard = 0
  /** When one may go by the latest that was told, and how many errors had been heard of then. */
  let told = { untilMs: Number.POSITIVE_INFINITY, heard: 0 }
  for (const { kind, attempt, call } of eventsOf(attempts, stopped)) {
    if (kind === 'over') flying.delete(attempt as Attempt)
    if (kind === 'failed') {
      flying.delete(attempt as Attempt)
      const { failedAtMs: nowMs } = attempt as Attempt
      known = known.filter(({ failedAtMs }) => lateMs(failedAtMs, windowMs) >= nowMs)
      known.push(attempt as Attempt)
      heard++
    }
    if (kind === 'sent') {
      const { sentAtMs } = attempt as Attempt
      // The scheduler's own time-out is told to its call a turn later.
      const open = [...flying].filter(each => each.outcome !== 'lost' || each.endedAtMs !== sentAtMs).length
      const isAlive = ({ errorAtMs }: Attempt) => errorAtMs + windowMs > sentAtMs
      const errors = most(budget, known.filter(isAlive))
      flying.add(attempt as Attempt)
      if (errors + open + 1 > limit - 1)
        say(`${errors} errors and ${open} in flight of ${limit}, and one more went`, sentAtMs)
      // What came at this very instant may have come after it.
      else if (known.some(each => isAlive(each) && each.failedAtMs < sentAtMs) && errors + open + 1 > stop)
        say(`${errors} errors and ${open} in flight where ${stop} of ${limit} is the end, and one more went`, sentAtMs)
    }
    if (kind === 'stopped') {
      const { settledAtMs: atMs, stopped: said } = call as CallLog
      const againAfterMs = said?.againAfterMs ?? Number.NaN
      const doubtful = attempts.filter(({ doubtfulAtMs }) => doubtfulAtMs <= atMs)
      const alive = [
        ...known.filter(({ failedAtMs }) => lateMs(failedAtMs, windowMs) >= atMs),
        ...doubtful.filter(({ doubtfulAtMs }) => lateMs(doubtfulAtMs, windowMs) >= atMs),
      ]
      if (most(budget, alive) < stop)
        say(`call ${call?.id} failed for ${most(budget, alive)} errors where ${stop} of ${limit} is the end`, atMs)
      if (heard === told.heard && atMs > told.untilMs)
        say(`call ${call?.id} failed though its like could go again since ${Math.round(atMs - told.untilMs)} ms`, atMs)
      if (!(againAfterMs <= windowMs * (1 + DRIFT) + GUARD_MS && againAfterMs >= 0))
        say(`call ${call?.id} was told to wait ${againAfterMs} ms, in windows of ${windowMs} ms`, atMs)
      told = { untilMs: lateMs(atMs, againAfterMs), heard }
    }
  }
}

/** What the server counted, as far as the client could know of it. @returns how many errors more there were */
function checkServer(budget: Budget, attempts: readonly Attempt[], say: (what: string, atMs: number) => void): number {
  const { limit, windowMs } = budget
  const errors = attempts.filter(({ errorAtMs }) => !Number.isNaN(errorAtMs))
  errors.sort((a, b) => a.errorAtMs - b.errorAtMs)
  let unknown = 0
  let window: Attempt[] = []
  for (const error of errors) {
    if (!isKnown(error)) {
      unknown++
      continue
    }
    window = window.filter(each => each.errorAtMs > error.errorAtMs - windowMs && each.call.life === error.call.life)
    window.push(error)
    const many = most(budget, window)
    if (many > limit - 1)
      say(`the server counted ${many} errors in ${windowMs} ms where ${limit} are allowed`, error.errorAtMs)
  }
  return unknown
}

function isKnown({ failedOrder }: Attempt): boolean {
  return failedOrder < Number.POSITIVE_INFINITY
}

/** Of the code that came most often, or of all together. */
function most({ count }: Budget, errors: readonly Attempt[]): number {
  if (count === 'together') return errors.length
  const codes = new Map<string | undefined, number>()
  for (const { errorCode } of errors) codes.set(errorCode, (codes.get(errorCode) ?? 0) + 1)
  return Math.max(0, ...codes.values())
}
