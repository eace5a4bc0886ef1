import { type Labels, type Limit, tokenBucket } from '@headgate/core'
import type { News, SeenCall, SeenResponse } from './news.ts'
import { refusal, serverNowMs, textOf, usageOf, wholeHeader } from './read.ts'

// Numbers: github.com/bybit-exchange/docs, docs/v5/rate-limit/rate-limit.mdx, commit 072c197d of 2026-07-24.

/** Calls a second and user ID, by endpoint and category. */
const PER_SECOND: Readonly<Record<string, number>> = Object.freeze({
  'POST /v5/order/create spot': 20,
  'POST /v5/order/create linear': 10,
})
/** What nothing is known of begins here; the header tells the real number. */
const UNKNOWN_PER_SECOND = 10
const WINDOW_MS = 1_000

const isBybit = (labels: Labels) => labels['exchange'] === 'bybit'
const perSecond = ({ endpoint, category }: Labels) => PER_SECOND[`${endpoint} ${category}`] ?? UNKNOWN_PER_SECOND

/**
 * Bybit v5: an address over all hosts, and each endpoint by user ID, by category too where the call has one. A batch costs as
 * many as it has orders: the request's `cost`. Headers tell the number in force, which is higher for VIPs.
 */
export const bybitLimits: readonly Limit[] = Object.freeze([
  tokenBucket({
    name: 'bybit ip',
    limit: 600,
    windowMs: 5_000,
    by: ['exchange', 'ip'],
    where: isBybit,
    cost: () => 1,
  }),
  tokenBucket({
    name: 'bybit endpoint',
    limit: perSecond,
    windowMs: WINDOW_MS,
    by: ['exchange', 'uid', 'endpoint'],
    where: labels => isBybit(labels) && labels['category'] === undefined,
    trustHeaders: 'raise',
  }),
  tokenBucket({
    name: 'bybit endpoint and category',
    limit: perSecond,
    windowMs: WINDOW_MS,
    by: ['exchange', 'uid', 'endpoint', 'category'],
    where: isBybit,
    trustHeaders: 'raise',
  }),
])

/** After "access too frequent" an address waits ten minutes at least (rate-limit.mdx); it lifts by itself. */
const ADDRESS_HOLD_MS = 600_000

/** An endpoint's refusal is `retCode` 10006 in the body; an address's is a bare 403. */
export function readBybit(response: SeenResponse, call: SeenCall): News {
  const { status, body } = response
  const remaining = wholeHeader(response, 'x-bapi-limit-status')
  const max = wholeHeader(response, 'x-bapi-limit')
  const resetAtMs = wholeHeader(response, 'x-bapi-limit-reset-timestamp')
  const forMs = resetAtMs === undefined ? 0 : resetAtMs - serverNowMs(response, call.nowMs)
  const limit = Object.hasOwn(call.labels, 'category') ? 'bybit endpoint and category' : 'bybit endpoint'
  const seen = { limit, ...(remaining !== undefined && { remaining }), ...(max !== undefined && max > 0 && { max }) }
  // The reset is "now" where nothing is exceeded: what others took then rolls out of the window within its length.
  const usage =
    remaining === undefined && seen.max === undefined ? [] : usageOf(call, bybitLimits, { ...seen, resetMs: WINDOW_MS })
  if (textOf(body, 'retCode') === '10006') {
    const by = ['exchange', 'uid', 'endpoint', 'category']
    return { usage, refused: refusal(call, by, 'bybit 10006', forMs > 0 ? forMs : undefined) }
  }
  const words = typeof body === 'string' ? body.slice(0, 4_096) : textOf(body, 'retMsg')
  if (status !== 403 || !/too frequent/i.test(words)) return { usage }
  return { usage, refused: refusal(call, ['exchange', 'ip'], 'bybit 403', ADDRESS_HOLD_MS) }
}
