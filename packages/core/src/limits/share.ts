import type { Usage } from '../request.ts'
import type { Labels, Limit } from './limit.ts'
import { readUsage } from './usage.ts'

/** Products of fractions fall short of the whole number that they are: 0.29 of 100 is 29. */
const ROUNDING = 1e-9

/** A part of a whole number, never more than that part, but for the least without which nothing would ever go. */
export function shareOf(whole: number, share: number, least = 1): number {
  return Math.max(least, Math.floor(whole * share + ROUNDING))
}

/** Errors and calls in flight stay below the number of a budget: with less than 2 none could ever go. */
const leastOf = (limit: Limit): number => (limit.kind === 'error-budget' ? 2 : 1)

/** The limit of one process out of several that share a server's limit. */
export function sharedLimit(limit: Limit, share: number): Limit {
  const { limit: whole } = limit
  const tokens =
    typeof whole === 'number'
      ? shareOfLimit(limit, whole, share)
      : (labels: Labels) => shareOfLimit(limit, whole(labels), share)
  if (limit.kind !== 'token-bucket') return { ...limit, limit: tokens }
  const { burst, window, ...rest } = limit
  return {
    ...rest,
    limit: tokens,
    ...(burst !== undefined && { burst: shareOf(burst, share) }),
    // Whose call has begun a window that others share nobody knows: each token is away for a window of its own.
    ...(window !== undefined && window !== 'anchored' && { window }),
  }
}

/** What a function of the labels or `setLimit` gives; what is no limit is left as it is, to be refused as ever. */
export function shareOfLimit(limit: Limit, whole: number, share: number): number {
  if (!Number.isSafeInteger(whole) || whole <= 0) return whole
  const part = shareOf(whole, share, leastOf(limit))
  if (limit.kind !== 'token-bucket' || limit.burst === undefined || limit.burst >= whole) return part
  // A burst is allowed in `burst·windowMs/limit`: rounded down more than the limit, its part would come round sooner.
  return Math.min(part, shareOf(shareOf(limit.burst, share), whole / limit.burst))
}

/**
 * Headers tell of the whole limit, of which the others may use their part: only what they use beyond it is taken from ours.
 * @param documented the whole limit
 */
export function sharedUsage(seen: Usage, documented: number, share: number): Usage {
  const { limit, resetMs } = seen
  const { whole: told, remaining } = readUsage(seen, documented)
  const whole = Math.floor(told)
  const max = shareOf(whole, share)
  return {
    limit,
    resetMs,
    ...(whole !== documented && { max }),
    ...(remaining !== undefined && { remaining: Math.max(0, Math.min(remaining, max)) }),
  }
}
