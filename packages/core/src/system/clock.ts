import type { Clock, Timer } from '../ports/clock.ts'

/** The longest delay a host timer takes; beyond it, it would fire at once. */
const LONGEST_DELAY_MS = 2 ** 31 - 1

/** The host's clocks and timers. */
export const systemClock: Clock = Object.freeze({
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  setTimer(callback: () => void, delayMs: number): Timer {
    // Rounded up: a host truncates fractions, and an early wake only costs a second one.
    const handle = setTimeout(callback, Math.min(Math.ceil(Math.max(delayMs, 0)), LONGEST_DELAY_MS))
    return { cancel: () => clearTimeout(handle) }
  },
})
