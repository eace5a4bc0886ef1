/** "1 200" is no number of theirs, and more digits than this no time and no count. */
const WHOLE = /^\d{1,16}$/

/** A longer window than any that BingX has; what is above an epoch in milliseconds is one (facts, 2026). */
const EPOCH_MS = 1e12

/** Requests left in the window of the endpoint, and how long until it ends. */
export interface Remaining {
  readonly remaining: number
  readonly resetMs: number
}

/**
 * Reads `X-RateLimit-Requests-Remain` and `-Expire`, which is a countdown in milliseconds (facts, 2026). Both are needed:
 * without them, or when one is no number, there is no news.
 * @param nowMs the server's epoch time now, for an Expire that is an epoch.
 */
export function usageOf(header: (name: string) => string | null, nowMs: number): Remaining | undefined {
  const remaining = numberIn(header('x-ratelimit-requests-remain'))
  const expire = numberIn(header('x-ratelimit-requests-expire'))
  if (remaining === undefined || expire === undefined) return undefined
  return { remaining, resetMs: expire > EPOCH_MS ? Math.max(0, expire - nowMs) : expire }
}

function numberIn(text: string | null): number | undefined {
  const trimmed = text?.trim() ?? ''
  return WHOLE.test(trimmed) ? Number(trimmed) : undefined
}
