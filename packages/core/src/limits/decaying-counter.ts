import { DRIFT, guardMs } from './guard.ts'
import { SlidingWindow } from './sliding-window.ts'

/**
 * A counter that decays by `limit` per window and never holds more than `limit`: a leaky bucket. Tokens come back one after
 * another. Whoever fills such a counter later than was true never finds it lower than it is.
 */
export class DecayingCounter extends SlidingWindow {
  readonly #windowMs: number
  #tokens: number

  constructor(windowMs: number, tokens: number) {
    super()
    this.#windowMs = windowMs
    this.#tokens = tokens
  }

  override get isPaced(): boolean {
    return true
  }

  override enter(fromMs: number, tokens: number): number {
    let lastMs = this.length === 0 ? Number.NEGATIVE_INFINITY : this.at(this.length - 1)
    // Instants are a window before the return, as in every kind.
    lastMs = Math.max(lastMs, fromMs - this.#windowMs)
    const firstMs = lastMs + this.#stepMs()
    for (let i = 0; i < tokens; i++) {
      lastMs += this.#stepMs()
      this.insert(lastMs)
    }
    return firstMs
  }

  /** How the counter stood at each moment before is not kept. It would win nothing while it never empties. */
  override bringForward(): number {
    return Number.POSITIVE_INFINITY
  }

  override soonestMs(isAnyInFlight: boolean, nowMs: number, delayMs: number): number {
    return isAnyInFlight ? nowMs + delayMs - this.#windowMs + this.#stepMs() : Number.POSITIVE_INFINITY
  }

  /** The server may count the call as late as then, and only from then on it surely decays. */
  override lostUntilMs(backAtMs: number): number {
    return backAtMs - this.#windowMs
  }

  /** Should the counter be empty by then. */
  override lostBackMs(backAtMs: number): number {
    return this.lostUntilMs(backAtMs) + this.#stepMs() + guardMs(this.#windowMs)
  }

  /** No answer of it was under way: the floor, which judging takes off, is none of its. */
  override enterLost(backAtMs: number, floorMs: number): void {
    this.enter(this.lostUntilMs(backAtMs) + floorMs, 1)
  }

  /** What is in the counter stays in it, and decays at the new rate. */
  override pace(tokens: number, freeMs: number): void {
    if (tokens === this.#tokens) return
    const slower = this.#tokens / tokens
    this.#tokens = tokens
    const later: number[] = []
    for (let i = this.length - this.countFrom(freeMs); i < this.length; i++) later.push(this.at(i))
    // From the back: so each is found at once.
    for (let i = later.length - 1; i >= 0; i--) this.remove(later[i] as number)
    for (const atMs of later) this.insert(freeMs + (atMs - freeMs) * slower)
  }

  /** Clocks drift apart: in a counter that never empties that would add up. */
  #stepMs(): number {
    return (this.#windowMs * (1 + DRIFT)) / this.#tokens
  }
}
