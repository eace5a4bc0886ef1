/**
 * The wall clock is whole milliseconds, and is put right by a little all the time. What it is put forward by at once is taken
 * for a sleep, which costs little.
 */
const JUMP_MS = 20

/** Tells when a machine has slept and its monotonic clock with it, by the wall clock, which went on. */
export class SleepWatch {
  readonly #epochMs: () => number
  /** The wall clock less the monotonic one. */
  #gapMs: number

  constructor(epochMs: () => number, nowMs: number) {
    this.#epochMs = epochMs
    this.#gapMs = epochMs() - nowMs
  }

  /** Whether it has slept since it was last asked. */
  hasSlept(nowMs: number): boolean {
    const gapMs = this.#epochMs() - nowMs
    const byMs = gapMs - this.#gapMs
    this.#gapMs = gapMs
    return byMs > JUMP_MS
  }
}
