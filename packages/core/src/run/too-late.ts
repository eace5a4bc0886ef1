import { MaxWaitError } from '../errors.ts'
import type { ScheduleRequest } from '../request.ts'

/** @param earliestMs when the call could have started at the earliest, where that is known */
export function tooLate(
  call: { readonly request: ScheduleRequest; readonly queuedAtMs: number },
  nowMs: number,
  earliestMs?: number,
): MaxWaitError {
  const { labels, maxWaitMs = 0 } = call.request
  const { queuedAtMs } = call
  return new MaxWaitError(
    labels,
    maxWaitMs,
    nowMs - queuedAtMs,
    earliestMs === undefined ? undefined : earliestMs - queuedAtMs,
  )
}
