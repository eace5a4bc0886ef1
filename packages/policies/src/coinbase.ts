import { type Labels, type Limit, tokenBucket } from '@headgate/core'
import type { News, SeenCall, SeenResponse } from './news.ts'
import { refusal } from './read.ts'

// Numbers: docs.cdp.coinbase.com/exchange/rest-api/rate-limits, /prime/rest-api/rate-limits and
// /coinbase-app/api-architecture/rate-limiting, read 2026-11; Advanced Trade, of second hand: NautilusTrader's constants.

/** A token bucket of `burst` that refills by `perSecond` is a counter that decays. */
function bucket(name: string, group: string, perSecond: number, burst: number, by: readonly string[]): Limit {
  return tokenBucket({
    name: `coinbase ${name}`,
    limit: burst,
    windowMs: (1_000 * burst) / perSecond,
    by: ['exchange', ...by],
    where: (labels: Labels) => labels['exchange'] === 'coinbase' && labels['group'] === group,
    window: 'decay',
  })
}

/** So many in any second: no burst is documented. */
function perSecond(name: string, group: string, limit: number, by: readonly string[], windowMs = 1_000): Limit {
  return tokenBucket({
    name: `coinbase ${name}`,
    limit,
    windowMs,
    by: ['exchange', ...by],
    where: (labels: Labels) => labels['exchange'] === 'coinbase' && labels['group'] === group,
  })
}

/**
 * Coinbase. Groups: `public`, `private`, `fills`, `loans` (Exchange), `prime`, `app`, `advanced-public`, `advanced-private`.
 * Labels: `profile` (Exchange), `portfolio` (Prime), `key` (App; a name of yours, never the key itself), `uid`, `ip`.
 */
export const coinbaseLimits: readonly Limit[] = Object.freeze([
  bucket('public', 'public', 10, 15, ['ip']),
  bucket('private', 'private', 15, 30, ['profile']),
  bucket('fills', 'fills', 10, 20, ['profile']),
  perSecond('loans', 'loans', 10, ['profile']),
  perSecond('prime ip', 'prime', 100, ['ip']),
  bucket('prime portfolio', 'prime', 25, 50, ['portfolio']),
  perSecond('app', 'app', 10_000, ['key'], 3_600_000),
  perSecond('advanced private', 'advanced-private', 30, ['uid']),
  perSecond('advanced public', 'advanced-public', 10, ['ip']),
])

/** Prime asks for so much after a refusal of the address. */
const PRIME_HOLD_MS = 30_000

/** 429 alone: only Prime says for how long. */
export function readCoinbase({ status }: SeenResponse, call: SeenCall): News {
  if (status !== 429) return {}
  if (call.labels['group'] === 'prime')
    return { refused: refusal(call, ['exchange', 'ip'], 'coinbase 429', PRIME_HOLD_MS) }
  return { refused: refusal(call, [], 'coinbase 429') }
}
