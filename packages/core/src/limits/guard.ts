/** Instants are compared across machines that round: a token comes back this much later than the arithmetic says. */
const GUARD_MS = 1

/** Two clocks of common quality drift apart by less than this share (crystals: up to 100 ppm each). In a minute that is more than the guard. */
export const DRIFT = 200e-6

/** What is added to a window that a server counts on its own clock. */
export function guardMs(windowMs: number): number {
  return Math.max(GUARD_MS, windowMs * DRIFT)
}
