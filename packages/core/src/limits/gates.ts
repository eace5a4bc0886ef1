import type { LedgerSetup, Passage } from '../ports/ledger.ts'
import type { Bucket } from './bucket.ts'
import type { Curbs } from './curbs.ts'
import type { ErrorBudget } from './error-budget.ts'
import { keyOf } from './keys.ts'
import type { Labels, Limit } from './limit.ts'
import type { Route } from './route.ts'
import { Routes } from './routes.ts'
import { type MemoryGate, Shelf } from './shelf.ts'

// Not frozen: to find a frozen array empty takes ten times as long, and every call does.
const NONE: readonly never[] = []

/**
 * For every new gate so many are looked at: so of those that nobody uses any more about a third as many are kept as of those
 * in use, and nobody ever scans them all.
 */
const LOOKS_PER_GATE = 4
const LOOKS_NOW_AND_THEN = 2

export interface MemoryPassage extends Passage {
  gates: readonly MemoryGate[]
  /** Those of the gates that can be spent. */
  budgets: readonly ErrorBudget[]
  /** What the limit's own `cost` says, which wins over the request's. Empty when none has one. */
  fixedCosts: readonly (number | undefined)[]
  /** What a request takes that names no cost, by gate; it may go on beyond the last. */
  usualCosts: readonly number[]
  route: Route
}

/** Every bucket, cap and budget in use, found by limit and label values. Idle ones are dropped as others come. */
export class Gates {
  readonly #setup: LedgerSetup
  readonly #curbs: Curbs
  readonly #shelves: readonly Shelf[]
  readonly #routes: Routes
  /** Shared by all that no limit asks more of. */
  readonly #ones: readonly number[]
  readonly #news: Bucket[] = []
  #added = 0
  /** The shelf that is looked through, and how far. */
  #swept = 0
  #sweep: Iterator<MemoryGate>

  constructor(setup: LedgerSetup, curbs: Curbs) {
    this.#setup = setup
    this.#curbs = curbs
    this.#routes = new Routes(setup.nowMs)
    const { coldStart, bornAtMs, lostCallMs, useFloor } = setup
    const ofAll = { coldStart, bornAtMs, lostCallMs, useFloor, recovered: (bucket: Bucket) => this.#news.push(bucket) }
    this.#shelves = setup.limits.flatMap((limit, index) =>
      // A server with a smaller burst. Kept even where it changes nothing, for the limit may be raised.
      limit.kind === 'token-bucket' && limit.burst !== undefined
        ? [new Shelf(limit, index, false, ofAll), new Shelf(limit, index, true, ofAll)]
        : [new Shelf(limit, index, false, ofAll)],
    )
    this.#sweep = (this.#shelves[0] as Shelf).gates.values()
    this.#ones = new Array<number>(this.#shelves.length).fill(1)
  }

  resolve(labels: Labels): MemoryPassage {
    const passage: MemoryPassage = {
      labels,
      gates: NONE,
      budgets: NONE,
      fixedCosts: NONE,
      usualCosts: NONE,
      route: this.#routes.of(labels),
    }
    this.refresh(passage)
    return passage
  }

  refresh(passage: MemoryPassage): void {
    const { labels } = passage
    // Taken over as a whole: a limit's own function may throw, and half the gates must not be taken for all.
    const gates: MemoryGate[] = []
    let budgets: ErrorBudget[] | undefined
    let fixedCosts: (number | undefined)[] | undefined
    for (const shelf of this.#shelves) {
      const { limit } = shelf
      const values = keyOf(limit.by, labels)
      if (values === undefined) continue
      if (limit.kind !== 'in-flight' && limit.where !== undefined && !limit.where(labels)) continue
      const fixedCost = fixedCostOf(limit, labels)
      let gate = shelf.gates.get(values)
      if (gate === undefined) {
        gate = shelf.make(values, labels)
        if (gate.kind === 'bucket') this.#curbs.welcome(gate)
        shelf.gates.set(values, gate)
        this.#added++
      }
      if (gate.kind === 'budget') {
        budgets ??= []
        budgets.push(gate)
      }
      if (fixedCost !== undefined) {
        fixedCosts ??= []
        fixedCosts[gates.length] = fixedCost
      }
      gates.push(gate)
    }
    // A copy is as long as it need be: an array that was filled one by one keeps room for 17.
    passage.gates = gates.slice()
    passage.budgets = budgets ?? NONE
    passage.fixedCosts = fixedCosts ?? NONE
    passage.usualCosts = fixedCosts === undefined ? this.#ones : gates.map((_, index) => fixedCosts[index] ?? 1)
    if (passage.route.dropped) passage.route = this.#routes.of(labels)
    if (this.#added === 0) return
    // As if a lane waited there: the passage in hand must not lose the gates it was just given.
    for (const gate of passage.gates) gate.lanes++
    this.#look(LOOKS_PER_GATE * this.#added, this.#setup.nowMs())
    this.#added = 0
    for (const gate of passage.gates) gate.lanes--
  }

  /** @returns the gates that changed */
  setLimit(name: string, tokens: number, nowMs: number): readonly MemoryGate[] {
    return this.#shelves
      .filter(shelf => shelf.limit.name === name)
      .flatMap(shelf => {
        shelf.setLimit(tokens, nowMs)
        return [...shelf.gates.values()]
      })
  }

  *all(): Iterable<MemoryGate> {
    for (const { gates } of this.#shelves) yield* gates.values()
  }

  *buckets(): Iterable<Bucket> {
    for (const gate of this.all()) if (gate.kind === 'bucket') yield gate
  }

  /** Told after the judging, for an observer may schedule. */
  tellRecovered(): void {
    if (this.#news.length === 0) return
    for (const { name, labels } of this.#news.splice(0)) this.#setup.emit({ type: 'recovered', labels, limit: name })
  }

  dropSomeIdle(nowMs: number): void {
    this.#look(LOOKS_NOW_AND_THEN, nowMs)
  }

  #look(looks: number, nowMs: number): void {
    for (let look = 0; look < looks; look++) {
      const next = this.#sweep.next()
      if (next.done === true) {
        this.#swept = (this.#swept + 1) % this.#shelves.length
        this.#sweep = (this.#shelves[this.#swept] as Shelf).gates.values()
        return
      }
      const gate = next.value
      if (!gate.isIdle(nowMs)) continue
      gate.dropped = true
      ;(this.#shelves[this.#swept] as Shelf).gates.delete(gate.values)
    }
  }
}

/** What the limit's own functions say that a call takes: nobody else counts then. Of caps and budgets always one. */
function fixedCostOf(limit: Limit, labels: Labels): number | undefined {
  if (limit.kind !== 'token-bucket') return 1
  if (limit.cost === undefined) return undefined
  const cost = limit.cost(labels)
  if (Number.isSafeInteger(cost) && cost >= 0) return cost
  throw new TypeError(
    `limit "${limit.name}": option "cost": expected a function that returns a whole number from 0, it returned ${String(cost)}`,
  )
}
