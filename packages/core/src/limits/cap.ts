import type { Gate } from '../ports/ledger.ts'
import type { InFlightLimit } from './limit.ts'
import { LimitGate } from './limit-gate.ts'

/** A cap on the calls that have been sent and not settled, for one set of label values. */
export class Cap extends LimitGate implements Gate {
  readonly limit: InFlightLimit
  tokens: number
  protected readonly id: string

  constructor(limit: InFlightLimit, id: string, values: string, tokens: number) {
    super(values)
    this.limit = limit
    this.id = id
    this.tokens = tokens
  }

  get kind(): 'cap' {
    return 'cap'
  }

  get windowMs(): number {
    return 0
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
