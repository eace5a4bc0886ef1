/**
 * The server's two clocks. Windows and bans are kept on the monotonic one, which never steps; the epoch one serves only
 * to read timestamps of calls and to tell the times in answers.
 */
export interface Clock {
  /** Monotonic milliseconds, fractions welcome. Default `performance.now()`. Must never go back. */
  nowMs(): number
  /** Milliseconds since 1970, the exchange's own idea of it. Default `Date.now()`. */
  epochMs(): number
}

/** The clocks to use, `nowMs` and `epochMs` both or neither, and how wrong the epoch one is. */
export interface ClockOptions extends Partial<Clock> {
  /** The server's epoch clock is so many milliseconds ahead; behind when negative. Default 0. */
  skewMs?: number
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

/** A clock whose epoch one is off, and can be set at run time. */
export interface SkewedClock extends Clock {
  step(byMs: number): void
}

export function createSkewedClock(clock: Clock, skewMs: number): SkewedClock {
  let offsetMs = skewMs
  return {
    nowMs: () => clock.nowMs(),
    epochMs: () => clock.epochMs() + offsetMs,
    step(byMs) {
      offsetMs += byMs
    },
  }
}

export function readClock(clock: Clock): Instant {
  return { nowMs: clock.nowMs(), epochMs: clock.epochMs() }
}
