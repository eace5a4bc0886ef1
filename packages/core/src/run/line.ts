import { QueueFullError } from '../errors.ts'
import type { Call } from './call.ts'
import type { Hopeless } from './hopeless.ts'
import type { Queue } from './queue.ts'
import { absorb, join, type Sharer } from './sharers.ts'
import { tooLate } from './too-late.ts'
import type { Turns } from './turns.ts'
import type { Counters } from './view.ts'

export interface LineSetup {
  readonly queue: Queue
  readonly turns: Turns
  readonly hopeless: Hopeless
  readonly counters: Counters
  readonly maxQueued: number
  readonly nowMs: () => number
  /** A caller has taken its call back: others may have waited for what it claimed. */
  readonly left: () => void
}

/** Waiting calls, as their callers see it: how they get in line, and out of it without having gone. */
export class Line {
  readonly #setup: LineSetup
  /** Who has lost its place to another. */
  readonly #lost = new WeakSet<Call>()
  readonly #aborted = (call: Call): void => {
    if (call.lane === undefined) return
    this.#setup.counters.aborted++
    this.takeOut(call, call.request.signal?.reason)
    this.#setup.left()
  }

  constructor(setup: LineSetup) {
    this.#setup = setup
  }

  /**
   * Puts a new call at the end of its lanes.
   * @returns false when it was refused a place
   */
  append(call: Call, nowMs: number): boolean {
    const tooLate = this.#setup.hopeless.tooLate(call, nowMs)
    if (tooLate !== undefined) {
      call.reject(tooLate)
      return false
    }
    call.listen(this.#aborted)
    this.#setup.queue.append(call)
    return true
  }

  /** Puts a call that its server has refused at the head of its lanes. */
  prepend(call: Call, nowMs: number): void {
    const { queue, turns } = this.#setup
    call.waitingSinceMs = nowMs
    call.listen(this.#aborted)
    const other = call.sharers && queue.sharedBy(call.request)
    if (other !== undefined) {
      // Somebody has asked for the same meanwhile: the two become one.
      turns.leave(other, nowMs)
      absorb(call, other)
    }
    queue.prepend(call)
    turns.cameBack(call, nowMs)
  }

  /**
   * One more for a call that waits, if that can go in time.
   * @returns true when the call has come to other lanes, of its new priority
   */
  join(call: Call, sharer: Sharer, nowMs: number): boolean {
    const { queue, turns, hopeless } = this.#setup
    const tooLate = hopeless.tooLateToJoin(call, sharer, nowMs)
    if (tooLate !== undefined) {
      sharer.reject(tooLate)
      return false
    }
    join(call, sharer)
    queue.retime(call)
    const { priority = 0 } = sharer.request
    if (priority <= call.priority) return false
    turns.leave(call, nowMs)
    call.request = { ...call.request, priority }
    queue.append(call)
    turns.came(call, nowMs)
    return true
  }

  get isFull(): boolean {
    return this.#setup.queue.size >= this.#setup.maxQueued
  }

  /** A call that would have to wait, unless it has heard so already. */
  turnAway(call: Call): void {
    if (!call.settled) call.reject(this.#full(call))
  }

  /**
   * A newcomer stands in a line that was full, if it has not gone: one call loses its place. Those that wait may be of other
   * accounts, and a call that need not wait takes nobody's.
   * @returns false when that was nobody, or the newcomer itself
   */
  makeRoom(newcomer: Call): boolean {
    const { queue, maxQueued } = this.#setup
    // One that lost its place to who came while room was still to be made for it: that one needs room as well.
    const isLost = this.#lost.delete(newcomer)
    if ((newcomer.lane === undefined && !isLost) || queue.size <= maxQueued) return false
    const dropped = queue.dropFor(newcomer)
    this.takeOut(dropped, this.#full(dropped))
    if (dropped === newcomer) return false
    this.#lost.add(dropped)
    return true
  }

  takeOut(call: Call, error: unknown): void {
    this.#setup.turns.leave(call, this.#setup.nowMs())
    call.reject(error)
  }

  /** @param hopeless why the call need not wait any more; undefined: it waits on */
  takeOutAll(hopeless: (call: Call) => Error | undefined): void {
    for (const call of this.#setup.queue.calls()) {
      const error = hopeless(call)
      if (error !== undefined) this.takeOut(call, error)
    }
  }

  /** Takes out those whose deadline has come. */
  expire(nowMs: number): void {
    const { queue, counters } = this.#setup
    for (let call = queue.late(nowMs); call !== undefined; call = queue.late(nowMs)) {
      counters.expired += call.sharers?.expire(nowMs) ?? 1
      if (call.sharers?.isEmpty === false) queue.retime(call)
      else this.takeOut(call, tooLate(call, nowMs))
    }
  }

  #full(call: Call): QueueFullError {
    return new QueueFullError(call.request.labels, this.#setup.maxQueued)
  }
}
