import type { Labels } from './limits/limit.ts'
import type { GateState } from './ports/ledger.ts'

/** What every error of the scheduler has: a `code` that stays the same when its words change. */
export abstract class HeadgateError extends Error {
  abstract readonly code: string
}

/** The scheduler was closed before the call could start. */
export class ClosedError extends HeadgateError {
  override readonly name = 'ClosedError'
  readonly code = 'CLOSED'

  constructor() {
    super('the scheduler is closed')
  }
}

/** The call did not start, or could not have started, within its `maxWaitMs`. */
export class MaxWaitError extends HeadgateError {
  override readonly name = 'MaxWaitError'
  readonly code = 'MAX_WAIT'
  readonly labels: Labels
  readonly maxWaitMs: number
  readonly waitedMs: number
  /** The least time after which it could have started, where that was known, milliseconds from the call. */
  readonly earliestMs: number | undefined

  constructor(labels: Labels, maxWaitMs: number, waitedMs: number, earliestMs?: number) {
    super(
      earliestMs === undefined
        ? `not started within ${maxWaitMs} ms: ${show(labels)}`
        : `cannot start within ${maxWaitMs} ms, at the earliest in ${Math.ceil(earliestMs)} ms: ${show(labels)}`,
    )
    this.labels = labels
    this.maxWaitMs = maxWaitMs
    this.waitedMs = waitedMs
    this.earliestMs = earliestMs
  }
}

/** As many calls wait as may wait. */
export class QueueFullError extends HeadgateError {
  override readonly name = 'QueueFullError'
  readonly code = 'QUEUE_FULL'
  readonly labels: Labels
  readonly maxQueued: number

  constructor(labels: Labels, maxQueued: number) {
    super(`${maxQueued} calls wait already: ${show(labels)}`)
    this.labels = labels
    this.maxQueued = maxQueued
  }
}

/** The call costs more than a limit ever gives. */
export class NeverFitsError extends HeadgateError {
  override readonly name = 'NeverFitsError'
  readonly code = 'NEVER_FITS'
  readonly labels: Labels
  readonly limit: string
  readonly cost: number
  readonly size: number

  constructor(labels: Labels, limit: string, cost: number, size: number) {
    super(`costs ${cost}, and limit "${limit}" never gives more than ${size}: ${show(labels)}`)
    this.labels = labels
    this.limit = limit
    this.cost = cost
    this.size = size
  }
}

/**
 * So many calls like this one ended in an error that the server would ban them soon: it was not sent. Other endpoints and
 * accounts go on.
 */
export class ErrorBudgetError extends HeadgateError {
  override readonly name = 'ErrorBudgetError'
  readonly code = 'ERROR_BUDGET'
  readonly labels: Labels
  /** The name of the spent budget. */
  readonly limit: string
  /** The server's error code that used it up. */
  readonly errorCode: string
  /** Milliseconds after which such calls may go again. */
  readonly retryAfterMs: number

  constructor(labels: Labels, limit: string, errorCode: string, retryAfterMs: number) {
    super(
      `not sent: code ${errorCode} came so often that budget "${limit}" is spent, to go again in ${Math.ceil(retryAfterMs)} ms: ${show(labels)}`,
    )
    this.labels = labels
    this.limit = limit
    this.errorCode = errorCode
    this.retryAfterMs = retryAfterMs
  }
}

/** The server refused the call as often as it may be tried. `cause` is what the last attempt ended with, if it threw. */
export class RefusedError extends HeadgateError {
  override readonly name = 'RefusedError'
  readonly code = 'REFUSED'
  readonly labels: Labels
  readonly attempts: number
  readonly holdMs: number | undefined
  readonly reason: string | undefined

  constructor(labels: Labels, attempts: number, how: { holdMs?: number; reason?: string }, cause: unknown) {
    const reason = how.reason === undefined ? '' : ` (${how.reason})`
    super(
      `refused ${attempts} ${attempts === 1 ? 'time' : 'times'}${reason}: ${show(labels)}`,
      cause === undefined ? {} : { cause },
    )
    this.labels = labels
    this.attempts = attempts
    this.holdMs = how.holdMs
    this.reason = how.reason
  }
}

/** The task ran longer than `timeoutMs`. It may run on; what it does later is ignored, and its call counts as lost. */
export class TimeoutError extends HeadgateError {
  override readonly name = 'TimeoutError'
  readonly code = 'TIMEOUT'
  readonly labels: Labels
  readonly timeoutMs: number

  constructor(labels: Labels, timeoutMs: number) {
    super(`no end after ${timeoutMs} ms: ${show(labels)}`)
    this.labels = labels
    this.timeoutMs = timeoutMs
  }
}

/** A poller has read nothing good for longer than its `maxAgeMs`. */
export class StaleError extends HeadgateError {
  override readonly name = 'StaleError'
  readonly code = 'STALE'
  readonly labels: Labels
  /** Since the last good reading, or since the poller began. */
  readonly ageMs: number
  /** The hold or limit that keeps the call back. Undefined: it is under way, or only waits its turn. */
  readonly because: GateState | undefined

  constructor(labels: Labels, ageMs: number, because: GateState | undefined) {
    super(`nothing read for ${Math.round(ageMs)} ms, ${why(because)}: ${show(labels)}`)
    this.labels = labels
    this.ageMs = ageMs
    this.because = because
  }
}

function why(because: GateState | undefined): string {
  if (because === undefined) return 'the call is under way'
  if (because.kind !== 'hold') return `limit "${because.name}" gives no more`
  return because.waitMs === null
    ? `held, and being probed (${because.name})`
    : `held for another ${Math.ceil(because.waitMs)} ms (${because.name})`
}

function show(labels: Labels): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}
