import { TimeoutError } from '../errors.ts'
import { isLostCall } from '../feedback/lost-call.ts'
import type { Outcome, Ticket } from '../ports/ledger.ts'
import type { SchedulerEvent } from '../ports/observer.ts'
import { Attempt, type AttemptSetup } from './attempt.ts'
import type { Call } from './call.ts'
import { Running } from './running.ts'
import type { Counters } from './view.ts'

export interface RunnerSetup extends AttemptSetup {
  readonly counters: Counters
  readonly timeoutMs: number
  /** Undefined when nobody listens: no event need be made. */
  readonly emit: ((event: SchedulerEvent) => void) | undefined
  /** A server refused the attempt, whose task may have thrown `error`: its call goes again, or is settled. */
  readonly again: (attempt: Attempt, error: unknown) => void
}

/** Runs the tasks of admitted calls, and none of them for ever. */
export class Runner {
  readonly #setup: RunnerSetup
  readonly #running = new Running()
  /** Admitted, and not started yet: a chain, for a list that fills anew for every call is the better part of what a call allocates. */
  #firstToStart: Attempt | undefined
  #lastToStart: Attempt | undefined
  #launching = false

  constructor(setup: RunnerSetup) {
    this.#setup = setup
  }

  get size(): number {
    return this.#running.size
  }

  /** When the first task will have had its time; Infinity when none runs. */
  get timeoutAtMs(): number {
    const { first } = this.#running
    return first === undefined ? Number.POSITIVE_INFINITY : first.ticket.sentAtMs + this.#setup.timeoutMs
  }

  admit(call: Call, ticket: Ticket): void {
    call.stopListening()
    this.#setup.counters.admitted++
    const attempt = new Attempt(call, ticket, this.#setup)
    this.#running.add(attempt)
    if (this.#lastToStart === undefined) this.#firstToStart = attempt
    else this.#lastToStart.nextToStart = attempt
    this.#lastToStart = attempt
    call.started(ticket.sentAtMs, ticket.passage)
  }

  /** Tasks run after the judging, for they may schedule more, and after each other, for else ten thousand would be one stack. */
  launch(): void {
    if (this.#launching) return
    this.#launching = true
    for (let attempt = this.#firstToStart; attempt !== undefined; attempt = this.#firstToStart) {
      this.#firstToStart = attempt.nextToStart
      if (this.#firstToStart === undefined) this.#lastToStart = undefined
      attempt.nextToStart = undefined
      this.#run(attempt)
    }
    this.#launching = false
  }

  /** Gives up the tasks whose time is over; what they do later is ignored. */
  giveUpLate(nowMs: number): void {
    const { timeoutMs } = this.#setup
    for (
      let attempt = this.#running.first;
      attempt !== undefined && attempt.ticket.sentAtMs + timeoutMs <= nowMs;
      attempt = this.#running.first
    ) {
      const error = new TimeoutError(attempt.labels, timeoutMs)
      this.#ended(attempt, 'lost', undefined, error, true)
      attempt.abort(error)
    }
  }

  #run(attempt: Attempt): void {
    const { call } = attempt
    this.#setup.emit?.({ type: 'admitted', labels: attempt.labels, waitedMs: attempt.waitedMs })
    const resolved = (value: unknown) => this.#ended(attempt, 'answered', value, undefined, false)
    const rejected = (error: unknown) => this.#ended(attempt, outcomeOf(call, error), undefined, error, true)
    let result: unknown
    let isThenable: boolean
    try {
      result = call.task(attempt)
      isThenable = typeof (result as PromiseLike<unknown> | undefined)?.then === 'function'
    } catch (error) {
      rejected(error)
      return
    }
    // A native promise is taken as it is; any other thenable may do what it likes.
    if (isThenable) Promise.resolve(result).then(resolved, rejected)
    else resolved(result)
  }

  #ended(attempt: Attempt, outcome: Outcome, value: unknown, error: unknown, threw: boolean): void {
    if (attempt.ended) return
    const { counters, again, heard } = this.#setup
    this.#running.take(attempt)
    attempt.end(outcome)
    const said = attempt.outcome ?? outcome
    counters[attempt.refusal !== undefined ? 'refused' : said === 'failed' ? 'answered' : said]++
    const { call } = attempt
    if (attempt.refusal !== undefined && attempt.outcome === undefined) again(attempt, error)
    else if (threw) call.reject(error)
    else call.resolve(value)
    heard()
  }
}

/** How a call ended whose task threw. An abort may have any reason, and a task rejects with it as it is. */
function outcomeOf({ request: { signal } }: Call, error: unknown): Outcome {
  return isLostCall(error) || (signal?.aborted === true && error === signal.reason) ? 'lost' : 'failed'
}
