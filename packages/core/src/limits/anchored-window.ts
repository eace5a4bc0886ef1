import { guardMs } from './guard.ts'
import { SlidingWindow } from './sliding-window.ts'
import type { TimeRing } from './time-ring.ts'

/**
 * A window that begins with the first call counted after the last one ended: all its tokens come back at its end.
 *
 * A call that goes while the whole bucket is free begins one, or another call does that overtakes it: no earlier than it was
 * sent. So what is answered less than a window after that was counted in this one window; and this began, at the latest,
 * with the first of its calls that the server is known to have counted. All other calls stay away for a window of their own.
 */
export class AnchoredWindow extends SlidingWindow {
  readonly #windowMs: number
  #sentAtMs = Number.POSITIVE_INFINITY
  /** Calls whose instants are not after it were counted in the window. */
  #untilMs = Number.NEGATIVE_INFINITY
  /** The last moment at which the window can have begun. */
  #firstMs = Number.POSITIVE_INFINITY

  constructor(windowMs: number) {
    super()
    this.#windowMs = windowMs
  }

  override began(nowMs: number): void {
    this.#sentAtMs = nowMs
    this.#untilMs = nowMs + this.#windowMs - guardMs(this.#windowMs)
    this.#firstMs = Number.POSITIVE_INFINITY
  }

  override enter(answers: TimeRing, fromMs: number, tokens: number): number {
    return super.enter(answers, fromMs > this.#untilMs ? fromMs : Math.min(fromMs, this.#firstMs), tokens)
  }

  override proved(answers: TimeRing, fromMs: number): number {
    if (fromMs < this.#sentAtMs || fromMs > this.#untilMs || fromMs >= this.#firstMs) return Number.POSITIVE_INFINITY
    this.#firstMs = fromMs
    const later: number[] = []
    for (let i = answers.length - answers.countFrom(fromMs); i < answers.length; i++) {
      const atMs = answers.at(i)
      if (atMs > fromMs && atMs <= this.#untilMs) later.push(atMs)
    }
    // From the back: so each is found at once.
    for (let i = later.length - 1; i >= 0; i--) answers.remove(later[i] as number)
    for (let i = 0; i < later.length; i++) answers.insert(fromMs)
    return fromMs
  }

  override soonestMs(_isAnyInFlight: boolean, nowMs: number, delayMs: number): number {
    return Math.min(this.#sentAtMs, nowMs) + delayMs
  }
}
