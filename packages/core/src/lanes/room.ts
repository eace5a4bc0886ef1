import type { Gate } from '../ports/ledger.ts'
import { Heap } from './heap.ts'
import { goesBefore, type Lane } from './lane.ts'

/**
 * Lanes that draw on the same shared gates, that is on those not kept by the `fairBy` label. What refuses one of them
 * refuses all, so they wait as one: a thousand accounts behind two limits are judged as one waiter, not as a thousand.
 */
export class Cohort {
  readonly key: string
  readonly gates: readonly Gate[]
  readonly lanes = new Heap<Lane>(goesBefore)
  /** Lanes that belong here, waiting here or not. */
  members = 0
  room: Room | undefined
  heapIndex = -1

  constructor(key: string, gates: readonly Gate[]) {
    this.key = key
    this.gates = gates
  }

  get priority(): number {
    return (this.lanes.peek() as Lane).priority
  }

  get rank(): number {
    return (this.lanes.peek() as Lane).rank
  }

  get turn(): number {
    return (this.lanes.peek() as Lane).turn
  }
}

/** Those who wait for one gate: cohorts, and lanes by themselves. */
export class Room {
  readonly gate: Gate
  readonly waiters = new Heap<Lane | Cohort>(goesBefore)
  /** The latest turn served, by group, since the gate is contended. */
  readonly served = new Map<string, number>()
  /** From how many on the kept turns are sorted out. */
  forgetFrom = 64
  /** Cohorts that draw on this gate, wherever they wait. */
  cohorts = 0
  /** A lane for which this gate's tokens are kept until its other gates have theirs. */
  claim: Lane | undefined
  wakeAtMs = Number.POSITIVE_INFINITY
  heapIndex = -1

  constructor(gate: Gate) {
    this.gate = gate
  }

  /** The first lane in the order of turns. */
  get top(): Lane | undefined {
    const waiter = this.waiters.peek()
    return waiter instanceof Cohort ? waiter.lanes.peek() : waiter
  }
}
