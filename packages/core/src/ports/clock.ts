/** A timer that can be taken back. */
export interface Timer {
  /** After this the callback does not run. Cancelling twice, or after it ran, does nothing. */
  cancel(): void
}

/**
 * Time, as the scheduler sees it. Two kinds that never share a name: `nowMs` is monotonic and serves every decision;
 * `epochMs` is the wall clock, may step, and serves only to read a server's epochs and to sign.
 */
export interface Clock {
  /** Milliseconds on a monotonic clock, with fractions. Its zero means nothing. */
  nowMs(): number
  /** Milliseconds since 1970-01-01 UTC on the wall clock. */
  epochMs(): number
  /**
   * Calls `callback` once, `delayMs` from now or as soon after it as the host can; it may also come early (hosts round),
   * so whoever sets a timer judges again when it fires.
   */
  setTimer(callback: () => void, delayMs: number): Timer
}
