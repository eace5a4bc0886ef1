import type { Clock, Timer } from '../ports/clock.ts'

/** A wake that comes early by a rounding error is set again for later, never for the same instant. */
const SHORTEST_MS = 0.001

/** The one timer of a scheduler. */
export class WakeTimer {
  readonly #clock: Clock
  readonly #wake: () => void
  #timer: Timer | undefined
  #atMs = Number.POSITIVE_INFINITY
  #idle = false
  #checking = false

  readonly #now = Promise.resolve()
  readonly #check = () => {
    this.#checking = false
    if (!this.#idle) return
    this.#timer?.cancel()
    this.#timer = undefined
  }

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock
    this.#wake = wake
  }

  /** @param atMs Infinity: nothing is left to wake for */
  set(atMs: number): void {
    this.#idle = false
    // An earlier wake stays: it only looks again.
    if (this.#timer !== undefined && this.#atMs <= atMs && atMs !== Number.POSITIVE_INFINITY) return
    this.#timer?.cancel()
    this.#timer = undefined
    if (atMs === Number.POSITIVE_INFINITY) return
    this.#atMs = atMs
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timer = undefined
        this.#wake()
      },
      Math.max(atMs - this.#clock.nowMs(), SHORTEST_MS),
    )
  }

  /**
   * Nothing is left to wake for, unless something comes before the promises of this turn are through: a caller who calls
   * again as soon as it has its answer does not pay for a host timer each time.
   */
  cancelSoon(): void {
    this.#idle = true
    if (this.#checking || this.#timer === undefined) return
    this.#checking = true
    // Not queueMicrotask: on Node it costs as much as the timer.
    void this.#now.then(this.#check)
  }
}
