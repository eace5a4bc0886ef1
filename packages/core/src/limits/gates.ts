import type { LedgerSetup, Passage } from '../ports/ledger.ts'
import { Bucket } from './bucket.ts'
import { Cap } from './cap.ts'
import type { Curbs } from './curbs.ts'
import { ErrorBudget } from './error-budget.ts'
import { keyOf, pick } from './keys.ts'
import type { ErrorBudgetLimit, InFlightLimit, Labels, Limit, TokenBucketLimit } from './limit.ts'
import { Route } from './route.ts'

const NONE: readonly never[] = Object.freeze([])

/** The labels that tell one way to a server from another. Those a request lacks count as one value. */
const [EXCHANGE, IP] = [['exchange'], ['ip']] as const

/** What stays closed or open by its own count. Holds come and go. */
export type MemoryGate = Bucket | Cap | ErrorBudget

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
  readonly #gates = new Map<string, MemoryGate>()
  readonly #routes = new Map<string, Route>()
  /** Limits changed at run time, by name. */
  readonly #changed = new Map<string, number>()
  /** Shared by all that no limit asks more of. A limit with a burst has two gates. */
  readonly #ones: readonly number[]
  readonly #recovered: (bucket: Bucket) => void
  readonly #news: Bucket[] = []
  #added = 0
  #sweep: Iterator<[string, MemoryGate]> | undefined
  #routeSweep: Iterator<[string, Route]> | undefined

  constructor(setup: LedgerSetup, curbs: Curbs) {
    this.#setup = setup
    this.#ones = new Array<number>(2 * setup.limits.length).fill(1)
    this.#curbs = curbs
    this.#recovered = bucket => this.#news.push(bucket)
  }

  resolve(labels: Labels): MemoryPassage {
    const route = this.#routeOf(labels)
    const passage: MemoryPassage = {
      labels,
      gates: NONE,
      budgets: NONE,
      fixedCosts: NONE,
      usualCosts: NONE,
      route,
    }
    this.refresh(passage)
    return passage
  }

  refresh(passage: MemoryPassage): void {
    // Taken over as a whole: a limit's own function may throw, and half the gates must not be taken for all.
    const gates: MemoryGate[] = []
    const fixedCosts: (number | undefined)[] = []
    this.#setup.limits.forEach((limit, index) => {
      const values = keyOf(limit.by, passage.labels)
      if (values === undefined) return
      if (limit.kind !== 'in-flight' && limit.where !== undefined && !limit.where(passage.labels)) return
      if (limit.kind !== 'token-bucket') {
        gates.push(this.#counting(limit, `${index}/${values}`, passage.labels))
        fixedCosts.push(1)
        return
      }
      const fixedCost = limit.cost === undefined ? undefined : wholeCost(limit, limit.cost(passage.labels))
      const tokens = this.#tokens(limit, passage.labels)
      gates.push(this.#bucket(limit, `${index}/${values}`, passage.labels, tokens, limit.windowMs, false))
      fixedCosts.push(fixedCost)
      if (limit.burst === undefined) return
      // A server with a smaller burst. Kept even where it changes nothing, for the limit may be raised.
      const burst = burstOf(limit, tokens)
      gates.push(this.#bucket(limit, `${index}/${values}burst`, passage.labels, burst.tokens, burst.windowMs, true))
      fixedCosts.push(fixedCost)
    })
    // A copy is as long as it need be: an array that was filled one by one keeps room for 17.
    passage.gates = gates.slice()
    const budgets = gates.filter(gate => gate.kind === 'budget')
    passage.budgets = budgets.length === 0 ? NONE : budgets
    if (fixedCosts.some(cost => cost !== undefined)) {
      passage.fixedCosts = fixedCosts.slice()
      passage.usualCosts = fixedCosts.map(cost => cost ?? 1)
    } else {
      passage.fixedCosts = NONE
      passage.usualCosts = this.#ones
    }
    if (passage.route.dropped) passage.route = this.#routeOf(passage.labels)
    // As if a lane waited there: the passage in hand must not lose the gates it was just given.
    for (const gate of passage.gates) gate.lanes++
    while (this.#added > 0) {
      this.#added--
      this.dropSomeIdle()
    }
    for (const gate of passage.gates) gate.lanes--
  }

  /** @returns the gates that changed */
  setLimit(name: string, tokens: number, nowMs: number): readonly MemoryGate[] {
    this.#changed.set(name, tokens)
    const changed: MemoryGate[] = []
    for (const gate of this.#gates.values()) {
      if (gate.name !== name) continue
      if (gate.kind === 'bucket' && gate.isBurst) {
        const burst = burstOf(gate.limit, tokens)
        gate.windowMs = burst.windowMs
        gate.setTokens(burst.tokens, nowMs)
      } else gate.setTokens(tokens, nowMs)
      changed.push(gate)
    }
    return changed
  }

  all(): Iterable<MemoryGate> {
    return this.#gates.values()
  }

  *buckets(): Iterable<Bucket> {
    for (const gate of this.#gates.values()) if (gate.kind === 'bucket') yield gate
  }

  /** Told after the judging, for an observer may schedule. */
  tellRecovered(): void {
    if (this.#news.length === 0) return
    for (const { name, limit, labels } of this.#news.splice(0))
      this.#setup.emit({ type: 'recovered', labels: pick(limit.by, labels), limit: name })
  }

  #counting(limit: InFlightLimit | ErrorBudgetLimit, key: string, labels: Labels): MemoryGate {
    let gate = this.#gates.get(key)
    if (gate === undefined) {
      const tokens = this.#tokens(limit, labels)
      gate =
        limit.kind === 'in-flight' ? new Cap(limit, key, labels, tokens) : new ErrorBudget(limit, key, labels, tokens)
      this.#keep(gate)
    }
    return gate
  }

  #bucket(
    limit: TokenBucketLimit,
    key: string,
    labels: Labels,
    tokens: number,
    windowMs: number,
    isBurst: boolean,
  ): Bucket {
    let bucket = this.#gates.get(key) as Bucket | undefined
    if (bucket === undefined) {
      const { coldStart, bornAtMs, lostCallMs, useFloor } = this.#setup
      bucket = new Bucket({
        limit,
        key,
        labels,
        tokens,
        windowMs,
        isBurst,
        coldStart,
        bornAtMs,
        lostCallMs,
        useFloor,
        recovered: this.#recovered,
      })
      this.#curbs.welcome(bucket)
      this.#keep(bucket)
    }
    return bucket
  }

  #tokens(limit: Limit, labels: Labels): number {
    const changed = this.#changed.get(limit.name)
    if (changed !== undefined) return changed
    if (typeof limit.limit === 'number') return limit.limit
    const tokens = limit.limit(labels)
    if (Number.isSafeInteger(tokens) && tokens > 0) return tokens
    throw new TypeError(
      `limit "${limit.name}": option "limit": expected a function that returns a whole number above 0, it returned ${String(tokens)}`,
    )
  }

  #keep(gate: MemoryGate): void {
    this.#gates.set(gate.key, gate)
    this.#added++
  }

  /**
   * Two looks at a time, for every new gate and now and then for calls that go: the map stays within about twice what is in
   * use, and nobody ever scans it.
   */
  dropSomeIdle(): void {
    for (let looks = 0; looks < 2; looks++) {
      this.#sweep ??= this.#gates.entries()
      const next = this.#sweep.next()
      if (next.done === true) {
        this.#sweep = undefined
        return
      }
      const [key, gate] = next.value
      if (!gate.isIdle(this.#setup.nowMs())) continue
      gate.dropped = true
      this.#gates.delete(key)
    }
  }

  #routeOf(labels: Labels): Route {
    const key = `${keyOf(EXCHANGE, labels) ?? ''}/${keyOf(IP, labels) ?? ''}`
    let route = this.#routes.get(key)
    if (route === undefined) {
      this.#dropIdleRoutes()
      route = new Route(this.#setup.nowMs())
      this.#routes.set(key, route)
    }
    return route
  }

  /** As with gates: two looks for every new one. */
  #dropIdleRoutes(): void {
    for (let looks = 0; looks < 2; looks++) {
      this.#routeSweep ??= this.#routes.entries()
      const next = this.#routeSweep.next()
      if (next.done === true) {
        this.#routeSweep = undefined
        return
      }
      const [key, route] = next.value
      if (!route.isIdle(this.#setup.nowMs())) continue
      route.dropped = true
      this.#routes.delete(key)
    }
  }
}

/** As many as may go at once, and the time in which the limit brings them back. */
function burstOf(limit: TokenBucketLimit, tokens: number): { tokens: number; windowMs: number } {
  const burst = Math.min(limit.burst as number, tokens)
  return { tokens: burst, windowMs: (burst * limit.windowMs) / tokens }
}

function wholeCost(limit: Limit, cost: number): number {
  if (Number.isSafeInteger(cost) && cost >= 0) return cost
  throw new TypeError(
    `limit "${limit.name}": option "cost": expected a function that returns a whole number from 0, it returned ${String(cost)}`,
  )
}
