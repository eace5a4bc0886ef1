import { RefusedError } from '../errors.ts'
import type { Attempt } from './attempt.ts'

/** Refusals with a time use up no retry, but a server that bans every probe must not be asked for ever. */
const MOST_HOLDS = 10

/**
 * Counts a refusal.
 * @param error what the task threw, if it did
 * @param isLast nothing goes again any more
 * @returns undefined while its call may go again
 */
export function tooOften(attempt: Attempt, error: unknown, isLast: boolean): RefusedError | undefined {
  const { call, refusal = {} } = attempt
  const mayGoOn =
    refusal.holdMs === undefined ? call.refusals++ < call.retries : call.holds++ < MOST_HOLDS && call.retries > 0
  if (mayGoOn && !isLast) return undefined
  return new RefusedError(attempt.labels, call.refusals + call.holds, refusal, error)
}
