import type { Ticket } from '../ports/ledger.ts'
import type { Bucket } from './bucket.ts'
import type { Cap } from './cap.ts'
import type { MemoryPassage } from './gates.ts'
import type { Hold } from './hold.ts'

interface HoldPass {
  readonly hold: Hold
  readonly generation: number
}

/** A call's leave to go, with what it took and what has become of it. */
export class MemoryTicket implements Ticket {
  readonly passage: MemoryPassage
  readonly gates: readonly (Bucket | Cap)[]
  readonly costs: readonly number[]
  readonly sentAtMs: number
  warm: boolean
  receivedAtMs = Number.NaN
  /** The last moment at which the server can have counted the call, as far as is known. */
  backFromMs = Number.NaN
  refused = false
  settled = false
  holds: readonly HoldPass[] | undefined

  constructor(passage: MemoryPassage, costs: readonly number[], sentAtMs: number, warm: boolean) {
    this.passage = passage
    this.gates = passage.gates
    this.costs = costs
    this.sentAtMs = sentAtMs
    this.warm = warm
  }

  get isCounted(): boolean {
    return !Number.isNaN(this.receivedAtMs)
  }
}
