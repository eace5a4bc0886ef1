export interface BackoffOptions {
  /** The ceiling of attempt 0. */
  baseMs: number
  /** The highest ceiling. Must be finite. */
  capMs: number
  /** What the ceiling grows by per attempt, from 1. Default 2. */
  factor?: number
}

/**
 * How long to wait before the next attempt: exponential, capped, with full jitter, that is anything from 0 to the
 * ceiling `min(capMs, baseMs · factor^attempt)`. Full jitter is Marc Brooker's, "Exponential Backoff And Jitter", AWS
 * Architecture Blog, 2015: spread over the whole range, clients that failed together don't come back together.
 *
 * `attempt` counts from 0, `random01` is uniform in [0, 1). Nothing is checked: options are checked where they come in.
 */
export function backoffMs(attempt: number, { baseMs, capMs, factor = 2 }: BackoffOptions, random01: number): number {
  const grownMs = baseMs * factor ** attempt
  // Written so that an overflow ends at the cap; 0 · Infinity is NaN, and a base of 0 stays 0.
  const ceilingMs = grownMs < capMs ? grownMs : baseMs > 0 ? capMs : 0
  return random01 * ceilingMs
}
