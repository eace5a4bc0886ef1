import type { Gate } from '../ports/ledger.ts'
import { labelsOf } from './keys.ts'
import type { InFlightLimit, Labels } from './limit.ts'

/** A cap on the calls that have been sent and not settled, for one set of label values. */
export class Cap implements Gate {
  readonly limit: InFlightLimit
  /** The values of the labels it is kept by. */
  readonly values: string
  tokens: number
  inFlight = 0
  lanes = 0
  dropped = false
  readonly #id: string

  /** @param id tells the gates of one limit from those of others */
  constructor(limit: InFlightLimit, id: string, values: string, tokens: number) {
    this.limit = limit
    this.#id = id
    this.values = values
    this.tokens = tokens
  }

  get kind(): 'cap' {
    return 'cap'
  }

  get windowMs(): number {
    return 0
  }

  get key(): string {
    return `${this.#id}/${this.values}`
  }

  get labels(): Labels {
    return labelsOf(this.by, this.values)
  }

  get name(): string {
    return this.limit.name
  }

  get by(): readonly string[] {
    return this.limit.by
  }

  setTokens(tokens: number): void {
    this.tokens = tokens
  }

  free(): number {
    return this.tokens - this.inFlight
  }

  readyAtMs(tokens: number, nowMs: number): number {
    return this.free() >= tokens ? nowMs : Number.POSITIVE_INFINITY
  }

  /** A call in flight can end at any moment. */
  earliestMs(_tokens: number, nowMs: number): number {
    return nowMs
  }

  isIdle(): boolean {
    return this.lanes === 0 && this.inFlight === 0
  }
}
