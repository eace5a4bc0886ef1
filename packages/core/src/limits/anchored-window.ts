import { guardMs } from './guard.ts'
import { SlidingWindow } from './sliding-window.ts'

/**
 * A window that begins with the first call counted after the last one ended: all its tokens come back at its end.
 *
 * A call that goes while the whole bucket is free begins one, or another call does that overtakes it: no earlier than it was
 * sent. Where only the last window is surely over, a straggler may have begun the next: no earlier than the last one ended.
 * What is answered less than a window after that was counted in this one window, or in the last; and this began, at the
 * latest, with the first call sent since that the server is known to have counted. Of all others nothing is known: they
 * stay away for a window of their own.
 */
export class AnchoredWindow extends SlidingWindow {
  readonly #windowMs: number
  /** Calls sent from then on are none of the last window's. */
  #sentAtMs = Number.POSITIVE_INFINITY
  /** Calls whose instants are not after it are none of the next window's. */
  #untilMs = Number.NEGATIVE_INFINITY
  /** The last moment at which the window can have begun. */
  #firstMs = Number.POSITIVE_INFINITY

  constructor(windowMs: number) {
    super()
    this.#windowMs = windowMs
  }

  override get heedsTaking(): boolean {
    return true
  }

  override taken(isFirst: boolean, nowMs: number, delayMs: number): void {
    if (isFirst) this.#begin(nowMs, nowMs)
    else if (this.#firstMs + delayMs <= nowMs) this.#begin(nowMs, this.#untilMs)
  }

  override enter(fromMs: number, tokens: number): number {
    return super.enter(fromMs > this.#untilMs ? fromMs : Math.min(fromMs, this.#firstMs), tokens)
  }

  override proved(fromMs: number, sentAtMs: number): number {
    if (sentAtMs < this.#sentAtMs || fromMs > this.#untilMs || fromMs >= this.#firstMs) return Number.POSITIVE_INFINITY
    this.#firstMs = fromMs
    const later: number[] = []
    for (let i = this.length - this.countFrom(fromMs); i < this.length; i++) {
      const atMs = this.at(i)
      if (atMs > fromMs && atMs <= this.#untilMs) later.push(atMs)
    }
    // From the back: so each is found at once.
    for (let i = later.length - 1; i >= 0; i--) this.remove(later[i] as number)
    for (let i = 0; i < later.length; i++) this.insert(fromMs)
    return fromMs
  }

  override soonestMs(_isAnyInFlight: boolean, nowMs: number, delayMs: number): number {
    return Math.min(this.#sentAtMs, nowMs) + delayMs
  }

  /** The window may be over, and another call begin the next: of what is still to be answered nothing is known. */
  override slept(): void {
    this.#sentAtMs = Number.POSITIVE_INFINITY
    this.#untilMs = Number.NEGATIVE_INFINITY
    this.#firstMs = Number.POSITIVE_INFINITY
  }

  #begin(sentAtMs: number, notBeforeMs: number): void {
    this.#sentAtMs = sentAtMs
    this.#untilMs = notBeforeMs + this.#windowMs - guardMs(this.#windowMs)
    this.#firstMs = Number.POSITIVE_INFINITY
  }
}
