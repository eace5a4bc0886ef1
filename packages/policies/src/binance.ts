import { type Labels, type Limit, parseRetryAfter, tokenBucket } from '@headgate/core'
import type { News, SeenCall, SeenResponse } from './news.ts'
import { fieldOf, headerOf, refusal, serverNowMs, textOf, usageOf, wholeHeader, wholeOf } from './read.ts'

// Numbers: github.com/binance/binance-spot-api-docs, rest-api.md and enums.md, commit a5e0bc3d of 2026-07-21; `/sapi/*`:
// developers.binance.com/zh-CN/docs/products/caas/basics/4.rate-limits, read 2026-11.

const inGroup = (...groups: readonly string[]) =>
  function isOfGroup(labels: Labels): boolean {
    return labels['exchange'] === 'binance' && groups.includes(labels['group'] ?? '')
  }
const isApi = inGroup('api', 'order')
const once = () => 1

/**
 * Binance spot. Groups: `api` (`/api/*`), `order` (calls of it that place orders), `sapi-ip` and `sapi-uid` (`/sapi/*`, by
 * what the endpoint's page names). Weights are the request's `cost`: {@link binanceWeight}. Windows are aligned to the
 * clock. Orders that are filled give their count back at the server; here they stay counted, which is safe.
 */
export const binanceLimits: readonly Limit[] = Object.freeze([
  tokenBucket({
    name: 'binance weight',
    limit: 6_000,
    windowMs: 60_000,
    by: ['exchange', 'ip'],
    where: isApi,
    window: 'aligned',
    trustHeaders: 'raise',
  }),
  tokenBucket({
    name: 'binance requests',
    limit: 61_000,
    windowMs: 300_000,
    by: ['exchange', 'ip'],
    where: isApi,
    cost: once,
    window: 'aligned',
  }),
  // The documents' example; `exchangeInfo` tells what holds, by `setLimit`.
  tokenBucket({
    name: 'binance orders',
    limit: 10,
    windowMs: 1_000,
    by: ['exchange', 'uid'],
    where: inGroup('order'),
    cost: once,
    window: 'aligned',
  }),
  tokenBucket({
    name: 'binance sapi ip',
    limit: 12_000,
    windowMs: 60_000,
    by: ['exchange', 'ip', 'endpoint'],
    where: inGroup('sapi-ip'),
  }),
  tokenBucket({
    name: 'binance sapi uid',
    limit: 180_000,
    windowMs: 60_000,
    by: ['exchange', 'uid', 'endpoint'],
    where: inGroup('sapi-uid'),
  }),
])

/** Up to how many levels of depth cost what (rest-api.md, "Order book"). */
const DEPTH_WEIGHTS = [
  [100, 5],
  [500, 25],
  [1_000, 50],
  [5_000, 250],
] as const

/** The weight of `GET /api/v3/depth` with this `limit`, whose default at the server is 100. Above 5000 it is as 5000. */
export function binanceDepthWeight(limit = 100): number {
  return (DEPTH_WEIGHTS.find(([most]) => limit <= most) ?? DEPTH_WEIGHTS[3])[1]
}

/** Bans grow from two minutes to three days (rest-api.md, "IP Limits"). */
const LONGEST_BAN_MS = 3 * 86_400_000

/** The windows that headers speak of, by interval number and letter. */
const TOLD = [
  { header: 'x-mbx-used-weight-1m', limit: 'binance weight', windowMs: 60_000 },
  { header: 'x-mbx-order-count-1s', limit: 'binance orders', windowMs: 1_000 },
  { header: 'x-sapi-used-ip-weight-1m', limit: 'binance sapi ip', windowMs: 60_000 },
] as const

/** 429 asks to wait, 418 bans who did not, 403 is the firewall, which names no time. Over its orders is an account, not an address. */
export function readBinance(response: SeenResponse, call: SeenCall): News {
  const { status, body } = response
  const serverMs = serverNowMs(response, call.nowMs)
  const usage = TOLD.flatMap(({ header, limit, windowMs }) => {
    const used = wholeHeader(response, header)
    if (used === undefined) return []
    return usageOf(call, binanceLimits, { limit, used, resetMs: windowMs - (serverMs % windowMs) })
  })
  const serverTimeMs = wholeOf(fieldOf(body, 'serverTime') ?? fieldOf(body, 'transactTime'))
  const news: News = { usage, ...(serverTimeMs !== undefined && { serverTimeMs }) }
  if (status !== 429 && status !== 418 && status !== 403) return news
  if (status === 403) return { ...news, refused: refusal(call, ['exchange', 'ip'], 'binance 403') }
  const bannedUntil = /banned until (\d{13})\b/.exec(textOf(body, 'msg'))?.[1]
  const retryAfterMs = parseRetryAfter(headerOf(response, 'retry-after'), serverMs, LONGEST_BAN_MS)
  const untilMs = bannedUntil === undefined ? undefined : Number(bannedUntil) - serverMs
  const forMs = Math.max(retryAfterMs ?? -1, untilMs ?? -1)
  const by = status === 429 && textOf(body, 'code') === '-1015' ? ['exchange', 'uid'] : ['exchange', 'ip']
  return { ...news, refused: refusal(call, by, `binance ${status}`, forMs < 0 ? undefined : forMs) }
}
