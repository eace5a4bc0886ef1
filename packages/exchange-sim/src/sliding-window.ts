/**
 * An exact sliding window: of any two counted calls that stand `limit` places apart, the later came at least `windowMs`
 * after the earlier. A call counted at t is inside until t + windowMs, and at that very instant no longer.
 *
 * Only the last `limit` instants are kept, since older ones can never decide anything: the memory is fixed.
 */
export class SlidingWindow {
  readonly limit: number
  readonly windowMs: number
  readonly #instants: Float64Array
  #oldest = 0
  #length = 0

  constructor(limit: number, windowMs: number) {
    this.limit = limit
    this.windowMs = windowMs
    this.#instants = new Float64Array(limit)
  }

  /** How many counted calls are inside the window at `nowMs`. */
  used(nowMs: number): number {
    while (this.#length > 0 && nowMs - this.#at(0) >= this.windowMs) {
      this.#oldest = (this.#oldest + 1) % this.limit
      this.#length--
    }
    return this.#length
  }

  /** Counts a call. In a full window it takes the oldest one's place, which then decides nothing any more. */
  push(nowMs: number): void {
    if (this.used(nowMs) === this.limit) {
      this.#oldest = (this.#oldest + 1) % this.limit
      this.#length--
    }
    this.#instants[(this.#oldest + this.#length) % this.limit] = nowMs
    this.#length++
  }

  /** Milliseconds until the oldest call leaves, 0 when there is none. */
  resetMs(nowMs: number): number {
    return this.used(nowMs) === 0 ? 0 : this.#at(0) + this.windowMs - nowMs
  }

  #at(index: number): number {
    return this.#instants[(this.#oldest + index) % this.limit] ?? 0
  }
}
