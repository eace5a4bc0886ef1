import type { Gate } from '../ports/ledger.ts'
import { Age, isOlder } from './age.ts'
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
  /** Of its oldest lane. */
  readonly age = new Age()
  /** Lanes that belong here, waiting here or not. */
  members = 0
  room: Room | undefined
  heapIndex = -1
  readonly #ages = new Heap<Age>(isOlder)

  constructor(key: string, gates: readonly Gate[]) {
    this.key = key
    this.gates = gates
  }

  get standing(): number {
    return (this.lanes.peek() as Lane).standing
  }

  get rank(): number {
    return (this.lanes.peek() as Lane).rank
  }

  get turn(): number {
    return (this.lanes.peek() as Lane).turn
  }

  // The room that it waits in is told of it by `Room.update`.

  add(lane: Lane): void {
    this.lanes.push(lane)
    this.#ages.push(lane.age)
    this.age.take(this.#ages.peek() as Age)
  }

  remove(lane: Lane): void {
    this.lanes.remove(lane)
    this.#ages.remove(lane.age)
    const oldest = this.#ages.peek()
    if (oldest !== undefined) this.age.take(oldest)
  }

  update(lane: Lane): void {
    this.lanes.update(lane)
    this.#ages.update(lane.age)
    this.age.take(this.#ages.peek() as Age)
  }
}

/** Turns served are sorted out when so many are kept, and again whenever twice what was left. */
const SERVED_AT_LEAST = 64

/** Those who wait for one gate: cohorts, and lanes by themselves. */
export class Room {
  readonly gate: Gate
  readonly waiters = new Heap<Lane | Cohort>(goesBefore)
  /** The latest turn served, by group, since the gate is contended. */
  readonly served = new Map<string, number>()
  /** Cohorts that draw on this gate, wherever they wait. */
  cohorts = 0
  /** A lane for which this gate's tokens are kept until its other gates have theirs. */
  claim: Lane | undefined
  /** A lane that goes first, here and elsewhere, for it was overtaken here for long. */
  elder: Lane | undefined
  wakeAtMs = Number.POSITIVE_INFINITY
  heapIndex = -1
  readonly #ages = new Heap<Age>(isOlder)
  #forgetFrom = SERVED_AT_LEAST

  constructor(gate: Gate) {
    this.gate = gate
  }

  /** The first lane in the order of turns. */
  get top(): Lane | undefined {
    const waiter = this.waiters.peek()
    return waiter instanceof Cohort ? waiter.lanes.peek() : waiter
  }

  /** The lane whose head waits for longest. */
  get oldest(): Lane | undefined {
    return this.#ages.peek()?.lane
  }

  add(waiter: Lane | Cohort): void {
    this.waiters.push(waiter)
    this.#ages.push(waiter.age)
  }

  remove(waiter: Lane | Cohort): void {
    this.waiters.remove(waiter)
    this.#ages.remove(waiter.age)
  }

  /** A lane of the group was served, with the turn that it gets next. */
  serve(group: string, turn: number): void {
    this.served.set(group, turn)
    if (this.served.size <= this.#forgetFrom) return
    // A turn served before that of everybody who waits changes nobody's rank.
    const oldest = this.top?.rank ?? Number.POSITIVE_INFINITY
    for (const [each, servedAt] of this.served) if (servedAt < oldest) this.served.delete(each)
    this.#forgetFrom = 2 * this.served.size + SERVED_AT_LEAST
  }

  /** The waiter's rank or age has changed. */
  update(waiter: Lane | Cohort): void {
    this.waiters.update(waiter)
    this.#ages.update(waiter.age)
  }
}

/** Where the lane waits, by itself or within its cohort. Undefined while it is judged. */
export function roomOf(lane: Lane): Room | undefined {
  return lane.room ?? (lane.cohort?.lanes.has(lane) ? lane.cohort.room : undefined)
}
