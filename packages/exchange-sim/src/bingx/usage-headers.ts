import type { Instant } from '../clock.ts'
import type { Usage } from '../dialect.ts'
import { between, type Random } from '../random.ts'

/**
 * How true `X-RateLimit-Requests-Remain` and `-Expire` are. `honest` (default): calls left for this endpoint path, and
 * milliseconds until the next one comes free, a countdown (facts, 2026). `epoch`: the same, the time as epoch
 * milliseconds. `missing`: neither is sent. `lying`: any numbers, chosen by the seed.
 */
export type UsageHeaders = 'honest' | 'missing' | 'epoch' | 'lying'

export function usageHeaders(mode: UsageHeaders, usage: Usage, at: Instant, random: Random): Record<string, string> {
  const { remaining, resetMs } = usage
  switch (mode) {
    case 'missing':
      return {}
    case 'honest':
      return pair(remaining, Math.ceil(resetMs))
    case 'epoch':
      return pair(remaining, Math.ceil(at.epochMs + resetMs))
    case 'lying':
      return pair(between(random, -1, 1000), between(random, -1000, 600_000))
  }
}

function pair(remain: number, expire: number): Record<string, string> {
  return { 'x-ratelimit-requests-remain': String(remain), 'x-ratelimit-requests-expire': String(expire) }
}
