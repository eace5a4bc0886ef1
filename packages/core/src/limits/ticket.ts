import type { Ticket } from '../ports/ledger.ts'
import type { MemoryPassage } from './gates.ts'
import type { Hold } from './hold.ts'
import type { MemoryGate } from './shelf.ts'

interface HoldPass {
  readonly hold: Hold
  readonly generation: number
}

/** A call's leave to go, with what it took and what has become of it. */
export class MemoryTicket implements Ticket {
  readonly passage: MemoryPassage
  readonly gates: readonly MemoryGate[]
  readonly costs: readonly number[]
  readonly sentAtMs: number
  warm: boolean
  receivedAtMs = Number.NaN
  /** The last moment at which the server can have counted the call, as far as is known. */
  backFromMs = Number.NaN
  /** The same for each gate, where the server told more of some. */
  toldFromMs: number[] | undefined
  refused = false
  /** Its error was counted: it is no call in flight any more that may come to be one. */
  hasFailed = false
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
