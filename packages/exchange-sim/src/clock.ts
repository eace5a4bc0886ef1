/**
 * The server's two clocks. Windows and bans are kept on the monotonic one, which never steps; the epoch one serves only
 * to read timestamps of calls and to tell the times in answers.
 */
export interface Clock {
  /** Monotonic milliseconds, fractions welcome. Default `performance.now()`. Must never go back. */
  nowMs(): number
  /** Milliseconds since 1970, the exchange's own idea of it. Default `Date.now()`; add an offset to test clock skew. */
  epochMs(): number
}

/** One moment on both clocks, read once per call so that all that is decided about a call is decided at one instant. */
export interface Instant {
  readonly nowMs: number
  readonly epochMs: number
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
}

export function readClock(clock: Clock): Instant {
  return { nowMs: clock.nowMs(), epochMs: clock.epochMs() }
}
