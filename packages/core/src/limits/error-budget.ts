import type { Gate } from '../ports/ledger.ts'
import { guardMs } from './guard.ts'
import type { ErrorBudgetLimit } from './limit.ts'
import { LimitGate } from './limit-gate.ts'

/** A budget that is used up. */
export interface Spent {
  /** From then on one call may go again. */
  readonly untilMs: number
  /** The code that used it up; of budgets that count all codes together, the last one. */
  readonly code: string
}

/** Below one error there is nothing to stay: calls would stop for ever, and with them the news that all is well again. */
const LEAST = 2

/** All codes together. */
const ALL = ''

/**
 * A limit on failures, for one set of label values. The next answer's code is unknown, so any code that has used the
 * budget up stops all calls; and a call in flight may come to be an error, so it counts as one until its answer is in.
 */
export class ErrorBudget extends LimitGate implements Gate {
  readonly limit: ErrorBudgetLimit
  /** The server's number of errors. */
  tokens: number
  protected readonly id: string
  /** Until when each error counts, ascending, by code. */
  readonly #errors = new Map<string, number[]>()
  #lastCode = ''

  constructor(limit: ErrorBudgetLimit, id: string, values: string, tokens: number) {
    super(values)
    this.limit = limit
    this.id = id
    this.tokens = Math.max(LEAST, tokens)
  }

  get kind(): 'budget' {
    return 'budget'
  }

  get windowMs(): number {
    return 0
  }

  setTokens(tokens: number): void {
    this.tokens = Math.max(LEAST, tokens)
  }

  /** Calls that may go now. */
  free(nowMs: number): number {
    const errors = this.#mostErrors(nowMs)
    // Errors and calls in flight stay below the server's number; after one error there is reason to fear the next.
    return (errors === 0 ? this.tokens - 1 : this.#stop) - errors - this.inFlight
  }

  readyAtMs(tokens: number, nowMs: number): number {
    if (this.free(nowMs) >= tokens) return nowMs
    return this.spent(nowMs)?.untilMs ?? Number.POSITIVE_INFINITY
  }

  /** A call in flight can end at any moment. */
  earliestMs(_tokens: number, nowMs: number): number {
    return this.spent(nowMs)?.untilMs ?? nowMs
  }

  /** @returns undefined while errors alone don't stop anybody */
  spent(nowMs: number): Spent | undefined {
    if (this.#errors.size === 0) return undefined
    this.#forget(nowMs)
    let found: Spent | undefined
    for (const [code, times] of this.#errors) {
      if (times.length < this.#stop) continue
      const untilMs = times[times.length - this.#stop] as number
      if (found === undefined || untilMs > found.untilMs)
        found = { untilMs, code: code === ALL ? this.#lastCode : code }
    }
    return found
  }

  /**
   * A call was answered with an error.
   * @returns whether that used the budget up
   */
  failed(code: string, nowMs: number): boolean {
    const { codes, count, windowMs } = this.limit
    if (codes !== undefined && !codes.includes(code)) return false
    const wasSpent = this.spent(nowMs) !== undefined
    const key = count === 'together' ? ALL : code
    const times = this.#errors.get(key)
    // Counted by the server at the latest now, and on a clock that may run faster than ours.
    const untilMs = nowMs + windowMs + guardMs(windowMs)
    this.#lastCode = code
    if (times === undefined) this.#errors.set(key, [untilMs])
    else times.push(untilMs)
    return !wasSpent && this.spent(nowMs) !== undefined
  }

  isIdle(nowMs: number): boolean {
    return this.lanes === 0 && this.inFlight === 0 && this.#mostErrors(nowMs) === 0
  }

  get #stop(): number {
    return Math.min(this.tokens - 1, Math.max(1, Math.floor(this.tokens * this.limit.stopAt + 1e-9)))
  }

  #mostErrors(nowMs: number): number {
    if (this.#errors.size === 0) return 0
    this.#forget(nowMs)
    let most = 0
    for (const times of this.#errors.values()) most = Math.max(most, times.length)
    return most
  }

  #forget(nowMs: number): void {
    for (const [code, times] of this.#errors) {
      let old = 0
      while (old < times.length && (times[old] as number) <= nowMs) old++
      if (old === times.length) this.#errors.delete(code)
      else if (old > 0) times.splice(0, old)
    }
  }
}
