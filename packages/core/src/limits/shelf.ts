import type { LedgerSetup } from '../ports/ledger.ts'
import { Bucket, type BucketTerms } from './bucket.ts'
import { Cap } from './cap.ts'
import { ErrorBudget } from './error-budget.ts'
import type { Labels, Limit, TokenBucketLimit } from './limit.ts'

/** What stays closed or open by its own count. Holds come and go. */
export type MemoryGate = Bucket | Cap | ErrorBudget

/** Limits that are functions of the labels may give any number: terms are shared by so many sizes at a time. */
const MOST_TERMS = 64

export type ShelfSetup = Pick<LedgerSetup, 'coldStart' | 'bornAtMs' | 'lostCallMs' | 'useFloor'> & {
  readonly recovered: (bucket: Bucket) => void
}

/** The gates of one limit, by the values of its labels. A limit with a burst has two shelves. */
export class Shelf {
  readonly limit: Limit
  readonly gates = new Map<string, MemoryGate>()
  readonly #id: string
  readonly #isBurst: boolean
  readonly #setup: ShelfSetup
  readonly #terms = new Map<number, BucketTerms>()
  /** Changed at run time. */
  #changed: number | undefined

  /** @param index the limit's, among all */
  constructor(limit: Limit, index: number, isBurst: boolean, setup: ShelfSetup) {
    this.limit = limit
    this.#id = isBurst ? `${index}burst` : `${index}`
    this.#isBurst = isBurst
    this.#setup = setup
  }

  make(values: string, labels: Labels): MemoryGate {
    const { limit } = this
    const tokens = this.#tokens(labels)
    if (limit.kind === 'token-bucket') return new Bucket(this.#termsOf(limit, tokens), values)
    return limit.kind === 'in-flight'
      ? new Cap(limit, this.#id, values, tokens)
      : new ErrorBudget(limit, this.#id, values, tokens)
  }

  /** For all its gates, now and later. */
  setLimit(tokens: number, nowMs: number): void {
    this.#changed = tokens
    for (const gate of this.gates.values()) {
      if (gate.kind === 'bucket') gate.renew(this.#termsOf(gate.limit, tokens), nowMs)
      else gate.setTokens(tokens)
    }
  }

  #tokens(labels: Labels): number {
    const { name, limit } = this.limit
    if (this.#changed !== undefined) return this.#changed
    if (typeof limit === 'number') return limit
    const tokens = limit(labels)
    if (Number.isSafeInteger(tokens) && tokens > 0) return tokens
    throw new TypeError(
      `limit "${name}": option "limit": expected a function that returns a whole number above 0, it returned ${String(tokens)}`,
    )
  }

  #termsOf(limit: TokenBucketLimit, limitTokens: number): BucketTerms {
    let terms = this.#terms.get(limitTokens)
    if (terms === undefined) {
      const size = this.#isBurst ? burstOf(limit, limitTokens) : { tokens: limitTokens, windowMs: limit.windowMs }
      terms = { limit, id: this.#id, isBurst: this.#isBurst, ...size, ...this.#setup }
      if (this.#terms.size === MOST_TERMS) this.#terms.clear()
      this.#terms.set(limitTokens, terms)
    }
    return terms
  }
}

/** As many as may go at once, and the time in which the limit brings them back. */
function burstOf(limit: TokenBucketLimit, tokens: number): { tokens: number; windowMs: number } {
  const burst = Math.min(limit.burst as number, tokens)
  return { tokens: burst, windowMs: (burst * limit.windowMs) / tokens }
}
