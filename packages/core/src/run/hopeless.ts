import { ErrorBudgetError, type MaxWaitError, NeverFitsError } from '../errors.ts'
import type { LedgerSession } from '../ports/ledger.ts'
import type { Call } from './call.ts'
import { tooLate } from './too-late.ts'
import type { Counters } from './view.ts'

/** Why a call need not wait: it can't go, or not while it would want to. */
export class Hopeless {
  readonly #ledger: LedgerSession
  readonly #counters: Counters

  constructor(ledger: LedgerSession, counters: Counters) {
    this.#ledger = ledger
    this.#counters = counters
  }

  /** However long it waits. */
  tooLarge(call: Call): NeverFitsError | undefined {
    const gate = this.#ledger.neverFits(call)
    if (gate === undefined) return undefined
    const { labels } = call.request
    return new NeverFitsError(labels, gate.name, this.#ledger.costOf(gate, call), this.#ledger.sizeOf(gate, call))
  }

  overBudget(call: Call, nowMs: number): ErrorBudgetError | undefined {
    const spent = this.#ledger.spent(call, nowMs)
    if (spent === undefined) return undefined
    return new ErrorBudgetError(call.request.labels, spent.limit, spent.errorCode, spent.untilMs - nowMs)
  }

  /** The deadline of a call holds for each of its starts. Of those who share a call only the ones whose own it is are told. */
  tooLate(call: Call, nowMs: number): MaxWaitError | undefined {
    if (call.deadlineMs === Number.POSITIVE_INFINITY) return undefined
    const earliestMs = this.#ledger.earliestMs(call, nowMs)
    if (earliestMs <= call.deadlineMs) return undefined
    this.#counters.expired += call.sharers?.expire(nowMs, earliestMs) ?? 1
    return call.sharers?.isEmpty === false ? undefined : tooLate(call, nowMs, earliestMs)
  }
}
