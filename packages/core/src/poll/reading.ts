import { checkKeys, checkNumber, wrongOption } from '../options.ts'

/** How a poller is to go. */
export interface PollOptions {
  /** From start to start, milliseconds, at least 1. Longer where the limits give less than all pollers together ask for. */
  everyMs: number
  /** Its share where there is not enough for all: a poller of weight 2 gets twice what one of weight 1 gets. Default 1. */
  weight?: number
  /** Ends the poller, and what it has under way. */
  signal?: AbortSignal
  /** `yield` (default): a failed call is a reading with `ok: false`, and polling goes on. `throw`: it ends the iteration. */
  onError?: 'yield' | 'throw'
  /**
   * When nothing good was read for so long, milliseconds, a reading says so (`ok: false` with a StaleError, and
   * `heldUntilMs` where a hold is why), and again after as long, or after `everyMs` where that is longer. Default: never.
   */
  maxAgeMs?: number
}

interface ReadingTimes {
  /** When the answer was in, on the scheduler's monotonic clock (`clock.nowMs()`). */
  readonly readAtMs: number
  /** How much later than its time the call started: for the limits, behind others, or in a hold. */
  readonly waitedMs: number
  /** Since the `readAtMs` of the reading taken before this one; 0 for the first. */
  readonly sincePreviousMs: number
}

/** What a poller has read, or why it has not. */
export type Reading<T> =
  | ({ readonly ok: true; readonly value: T } & ReadingTimes)
  | ({
      readonly ok: false
      readonly error: unknown
      /** Nothing goes before it, on the same clock as `readAtMs`: a hold is in force. */
      readonly heldUntilMs?: number
    } & ReadingTimes)

const WHERE = 'poll'
const KNOWN: readonly (keyof PollOptions)[] = ['everyMs', 'weight', 'signal', 'onError', 'maxAgeMs']

/** @throws {TypeError} names the option, what was expected and what came */
export function checkPollOptions(options: PollOptions): void {
  checkKeys(WHERE, options, KNOWN)
  const { everyMs, weight, signal, onError, maxAgeMs } = options
  checkNumber(WHERE, 'everyMs', everyMs, 1)
  if (weight !== undefined && !(Number.isFinite(weight) && weight > 0))
    throw wrongOption(WHERE, 'weight', 'a finite number above 0', weight)
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw wrongOption(WHERE, 'signal', 'an AbortSignal', signal)
  if (onError !== undefined && onError !== 'yield' && onError !== 'throw')
    throw wrongOption(WHERE, 'onError', '"yield" or "throw"', onError)
  if (maxAgeMs !== undefined) checkNumber(WHERE, 'maxAgeMs', maxAgeMs, 1)
}
