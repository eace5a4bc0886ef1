import type { Instant } from './clock.ts'
import { SlidingWindow } from './sliding-window.ts'

/** Above so many keys the empty counts are dropped. */
const sweepAbove = 10_000

/** Counts events by key in sliding windows, until `trip` of them fall into one. */
export class EventCounts {
  readonly #trip: number
  readonly #windowMs: number
  readonly #counts = new Map<string, SlidingWindow>()

  constructor(trip: number, windowMs: number) {
    this.#trip = trip
    this.#windowMs = windowMs
  }

  /** Counts one event; true when it is the one that trips the rule, and the count starts again. */
  trips(key: string, { nowMs }: Instant): boolean {
    let count = this.#counts.get(key)
    if (count === undefined) {
      if (this.#counts.size >= sweepAbove) this.#sweep(nowMs)
      count = new SlidingWindow(this.#trip, this.#windowMs)
      this.#counts.set(key, count)
    }
    count.push(nowMs)
    if (count.used(nowMs) < this.#trip) return false
    this.#counts.delete(key)
    return true
  }

  #sweep(nowMs: number): void {
    for (const [key, count] of this.#counts) if (count.used(nowMs) === 0) this.#counts.delete(key)
  }
}
