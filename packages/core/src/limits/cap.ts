import type { Gate } from '../ports/ledger.ts'
import type { InFlightLimit, Labels } from './limit.ts'

/** A cap on the calls that have been sent and not settled, for one set of label values. */
export class Cap implements Gate {
  readonly kind = 'cap'
  readonly windowMs = 0
  readonly limit: InFlightLimit
  readonly key: string
  /** Any labels that lead here. */
  readonly labels: Labels
  tokens: number
  inFlight = 0
  lanes = 0
  dropped = false

  constructor(limit: InFlightLimit, key: string, labels: Labels, tokens: number) {
    this.limit = limit
    this.key = key
    this.labels = labels
    this.tokens = tokens
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
