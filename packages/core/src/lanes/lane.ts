import type { Gate, Head, Passage } from '../ports/ledger.ts'
import { Age } from './age.ts'
import type { Cohort, Room } from './room.ts'

/** A call as its lane sees it: a link in a chain. */
export interface Queued {
  readonly cost: Head['cost']
  /** Since when it waits, also for an attempt before. */
  readonly queuedAtMs: number
  lane: Lane | undefined
  previous: Queued | undefined
  next: Queued | undefined
}

/**
 * The waiting calls with the same labels at the same priority, first come, first served. Same labels, not only same
 * buckets: a hold may fall on any label, and must not block calls behind it that it doesn't speak of.
 */
export class Lane {
  readonly key: string
  readonly passage: Passage
  readonly priority: number
  /** The value of the `fairBy` label: lanes of one group share one turn. */
  readonly group: string
  first: Queued | undefined
  size = 0
  /** Its head is being judged: it stands in no room. */
  judging = false
  #last: Queued | undefined

  // What follows belongs to the waiting rooms.
  heapIndex = -1
  /** What its priority counts as: more than that once its call has been overtaken for long. */
  standing: number
  /** Its place in the order of turns; smaller goes first. Kept while it moves from room to room. */
  turn = 0
  /** The turn, or that of its group where this is later. */
  rank = 0
  readonly age = new Age()
  /** Tokens for which this call was passed over while it waited for longest. */
  overtaken = 0
  overtakenCall: Queued | undefined
  /** The room whose elder it is, and the call that is. */
  elderOf: Room | undefined
  elderCall: Queued | undefined
  cohort: Cohort | undefined
  /** Where it waits by itself; undefined while it waits within its cohort, or is being judged. */
  room: Room | undefined
  /** The gate whose room woke it. */
  wokenBy: Gate | undefined
  /** How often since its last admission it was woken by one gate and refused by another. */
  bounces = 0
  claims: Room[] | undefined

  constructor(key: string, passage: Passage, priority: number, group: string) {
    this.key = key
    this.passage = passage
    this.priority = this.standing = priority
    this.group = group
  }

  append(call: Queued): void {
    call.lane = this
    call.previous = this.#last
    if (this.#last === undefined) this.first = call
    else this.#last.next = call
    this.#last = call
    this.size++
  }

  prepend(call: Queued): void {
    call.lane = this
    call.next = this.first
    if (this.first === undefined) this.#last = call
    else this.first.previous = call
    this.first = call
    this.size++
  }

  take(call: Queued): void {
    if (call.previous === undefined) this.first = call.next
    else call.previous.next = call.next
    if (call.next === undefined) this.#last = call.previous
    else call.next.previous = call.previous
    call.lane = call.previous = call.next = undefined
    this.size--
  }
}

/** What tells who goes first. */
export interface Ranked {
  readonly standing: number
  readonly rank: number
  readonly turn: number
}

/** Higher standing first, then the smaller rank; lanes of one group often share it, and take turns. */
export function goesBefore(a: Ranked, b: Ranked): boolean {
  if (a.standing !== b.standing) return a.standing > b.standing
  return a.rank !== b.rank ? a.rank < b.rank : a.turn < b.turn
}
