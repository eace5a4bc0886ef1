import { type Labels, type Limit, tokenBucket } from '@headgate/core'
import type { News, SeenCall, SeenResponse } from './news.ts'
import { fieldOf, refusal, textOf } from './read.ts'

// Numbers: okx.com/docs-v5/en/#overview-rate-limits, 2026-07-04; order amendment and batches: okx.com/docs-v5/en, "Trade".

/** All of OKX' limits count in windows of this length. */
const WINDOW_MS = 2_000

const isOkx = (labels: Labels) => labels['exchange'] === 'okx'
/** Spot and margin are exempt from the cap of a sub-account, and so are cancellations. */
const isCapped = (labels: Labels) =>
  isOkx(labels) && labels['group'] === 'order' && labels['instType'] !== 'SPOT' && labels['instType'] !== 'MARGIN'

/** Each of them counts by itself, place from amend from cancel, single from batch. */
const PLACE_ORDER = 'POST /api/v5/trade/order'
const PLACE_BATCH = 'POST /api/v5/trade/batch-orders'

/**
 * One endpoint's own limit, as its page names it: `by` are the label names of its rule: `['ip']`, `['ip', 'instId']`,
 * `['uid']`, `['uid', 'instId']`, `['uid', 'instFamily']` for options.
 */
export function okxEndpoint(endpoint: string, limit: number, by: readonly string[]): Limit {
  return tokenBucket({
    name: `okx ${endpoint}`,
    limit,
    windowMs: WINDOW_MS,
    by: ['exchange', ...by],
    where: labels => isOkx(labels) && labels['endpoint'] === endpoint,
    // A batch takes one of its own endpoint's calls, however many orders it has.
    cost: () => 1,
  })
}

/**
 * OKX: placing orders, and the cap over a sub-account's new and amended orders (group `order`), where each order of a batch
 * counts: the request's `cost`. Other endpoints are added by {@link okxEndpoint}. REST and WebSocket share the budgets.
 */
export const okxLimits: readonly Limit[] = Object.freeze([
  okxEndpoint(PLACE_ORDER, 60, ['uid', 'instId']),
  tokenBucket({ name: 'okx sub-account', limit: 1_000, windowMs: WINDOW_MS, by: ['exchange', 'uid'], where: isCapped }),
])

/** The endpoint that a call counts under: a batch of one counts as a single order. */
export function okxEndpointOf(endpoint: string, orders: number): string {
  return endpoint === PLACE_BATCH && orders === 1 ? PLACE_ORDER : endpoint
}

/** 50011 speaks of the endpoint, 50061 of the sub-account; in a batch each order has a code of its own. No time is named. */
export function readOkx(response: SeenResponse, call: SeenCall): News {
  const codes = new Set([textOf(response.body, 'code')])
  const data = fieldOf(response.body, 'data')
  if (Array.isArray(data)) for (const each of data.slice(0, 1_000)) codes.add(textOf(each, 'sCode'))
  if (codes.has('50061')) return { refused: refusal(call, ['exchange', 'uid'], 'okx 50061') }
  // Of which labels an endpoint's limit is kept, its own limit knows best.
  return codes.has('50011') ? { refused: refusal(call, [], 'okx 50011') } : {}
}
