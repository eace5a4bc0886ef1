import { type Labels, type Limit, tokenBucket } from '@headgate/core'
import type { News, SeenCall, SeenResponse } from './news.ts'
import { headerOf, refusal, textOf, usageOf, wholeHeader } from './read.ts'

// Numbers: kucoin.com/docs-new/rate-limit and its doc-338149, read 2026-11. Those of VIP 0; of others by `setLimit`.

const WINDOW_MS = 30_000

/** Weight per window of each pool, by the label `group`. */
const POOLS = { spot: 4_000, futures: 2_000, management: 2_000, public: 2_000 } as const

/**
 * KuCoin's pools: each endpoint takes its weight, the request's `cost`, from one of them, named by the label `group`. By user
 * ID; `public` by address. A window begins with the first call. Headers tell the pool of a higher tier.
 */
export const kucoinLimits: readonly Limit[] = Object.freeze(
  Object.entries(POOLS).map(([pool, limit]) =>
    tokenBucket({
      name: `kucoin ${pool}`,
      limit,
      windowMs: WINDOW_MS,
      by: ['exchange', pool === 'public' ? 'ip' : 'uid'],
      where: (labels: Labels) => labels['exchange'] === 'kucoin' && labels['group'] === pool,
      window: 'anchored',
      trustHeaders: 'raise',
    }),
  ),
)

/** An overloaded server names no time. */
const OVERLOAD_HOLD_MS = 1_000

/** A refusal comes with the pool's headers; one without them is an overloaded server, which counts nothing. */
export function readKucoin(response: SeenResponse, call: SeenCall): News {
  const { group = '' } = call.labels
  const max = wholeHeader(response, 'gw-ratelimit-limit')
  const remaining = wholeHeader(response, 'gw-ratelimit-remaining')
  const resetMs = wholeHeader(response, 'gw-ratelimit-reset')
  const seen = { ...(max !== undefined && max > 0 && { max }), ...(remaining !== undefined && { remaining }) }
  const usage =
    resetMs === undefined || Object.keys(seen).length === 0
      ? []
      : usageOf(call, kucoinLimits, { limit: `kucoin ${group}`, ...seen, resetMs })
  if (response.status !== 429 && textOf(response.body, 'code') !== '429000') return { usage }
  if (['limit', 'remaining', 'reset'].every(name => headerOf(response, `gw-ratelimit-${name}`) === undefined))
    return { usage, refused: refusal(call, ['exchange', 'endpoint'], 'kucoin overloaded', OVERLOAD_HOLD_MS) }
  const by = ['exchange', group === 'public' ? 'ip' : 'uid', 'group']
  return { usage, refused: refusal(call, by, 'kucoin 429000', resetMs) }
}
