import { ErrorBudgetError, type MaxWaitError, NeverFitsError } from '../errors.ts'
import type { LedgerSession } from '../ports/ledger.ts'
import type { Call, Place } from './call.ts'
import type { Sharer } from './sharers.ts'
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
    let tooLarge = this.#tooLarge(call)
    if (call.ways !== undefined) for (const way of call.ways) tooLarge ??= this.#tooLarge(way)
    return tooLarge
  }

  overBudget(call: Call, nowMs: number): ErrorBudgetError | undefined {
    let first: Place = call
    let spent = this.#ledger.spent(call, nowMs)
    if (spent === undefined) return undefined
    for (const way of call.ways ?? []) {
      const other = this.#ledger.spent(way, nowMs)
      // By another of its labels it may still go.
      if (other === undefined) return undefined
      if (other.untilMs >= spent.untilMs) continue
      first = way
      spent = other
    }
    return new ErrorBudgetError(first.passage.labels, spent.limit, spent.errorCode, spent.untilMs - nowMs)
  }

  /** The deadline of a call holds for each of its starts. Of those who share a call only the ones whose own it is are told. */
  tooLate(call: Call, nowMs: number): MaxWaitError | undefined {
    if (call.deadlineMs === Number.POSITIVE_INFINITY) return undefined
    const earliestMs = this.#earliestMs(call, nowMs)
    if (earliestMs <= call.deadlineMs) return undefined
    this.#counters.expired += call.sharers?.expire(nowMs, earliestMs) ?? 1
    return call.sharers?.isEmpty === false ? undefined : tooLate(call, nowMs, earliestMs)
  }

  /** The waiting call goes too late for somebody who would share it. */
  tooLateToJoin(call: Call, sharer: Sharer, nowMs: number): MaxWaitError | undefined {
    if (sharer.deadlineMs === Number.POSITIVE_INFINITY) return undefined
    const earliestMs = this.#earliestMs(call, nowMs)
    if (earliestMs <= sharer.deadlineMs) return undefined
    this.#counters.expired++
    return tooLate(sharer, nowMs, earliestMs)
  }

  /** By any of its labels. */
  #earliestMs(call: Call, nowMs: number): number {
    return call.ways === undefined
      ? this.#ledger.earliestMs(call, nowMs)
      : Math.min(...call.places.map(place => this.#ledger.earliestMs(place, nowMs)))
  }

  #tooLarge(place: Place): NeverFitsError | undefined {
    const gate = this.#ledger.neverFits(place)
    if (gate === undefined) return undefined
    const { labels } = place.passage
    return new NeverFitsError(labels, gate.name, this.#ledger.costOf(gate, place), this.#ledger.sizeOf(gate, place))
  }
}
