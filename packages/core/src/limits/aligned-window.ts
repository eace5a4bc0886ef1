import { SlidingWindow } from './sliding-window.ts'

/**
 * Windows at the multiples of their length on the server's clock: all tokens come back at the next of them. When that is,
 * only the server's own time in an answer can tell; without it each token is away for a window of its own.
 */
export class AlignedWindow extends SlidingWindow {
  readonly #windowMs: number
  #isTold = false

  constructor(windowMs: number) {
    super()
    this.#windowMs = windowMs
  }

  /** It may be before the call was sent: a window can end right after it. */
  override toldFromMs(latestMs: number, slidingMs: number, shiftMs: number): number {
    this.#isTold = true
    // Counted before `latestMs`: at a multiple itself the window before it is meant.
    const endsMs = Math.ceil(latestMs / this.#windowMs) * this.#windowMs
    return Math.min(slidingMs, endsMs - this.#windowMs + shiftMs)
  }

  override soonestMs(isAnyInFlight: boolean, nowMs: number, delayMs: number): number {
    return this.#isTold ? nowMs : super.soonestMs(isAnyInFlight, nowMs, delayMs)
  }
}
