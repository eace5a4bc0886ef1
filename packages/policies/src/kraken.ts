import { type Labels, type Limit, tokenBucket } from '@headgate/core'
import type { News, SeenCall, SeenResponse } from './news.ts'
import { fieldOf, refusal, serverNowMs } from './read.ts'

// Numbers: docs.kraken.com/exchange/guides/rest/ratelimits.md and /general/ratelimits.md, read 2026-11; tiers also in
// github.com/krakenfx/kraken-cli, skills/kraken-rate-limits/SKILL.md, commit aa32814c.

export type KrakenTier = 'starter' | 'intermediate' | 'pro'

/** The most that a counter holds, and what it loses a second. */
const COUNTERS = {
  starter: { calls: [15, 0.33], trades: [60, 1] },
  intermediate: { calls: [20, 0.5], trades: [125, 2.34] },
  pro: { calls: [20, 1], trades: [180, 3.75] },
} as const satisfies Record<KrakenTier, Record<string, readonly [number, number]>>

/** Ledgers and the history of trades count twice. */
const TWICE = /\/(?:Ledgers|QueryLedgers|TradesHistory|QueryTrades)$/
const isKraken = (group: string) =>
  function isOfGroup(labels: Labels): boolean {
    return labels['exchange'] === 'kraken' && labels['group'] === group
  }

/**
 * Kraken spot, by tier. Group `private`: a counter per API key, whose label `key` is a name of yours, never the key itself.
 * Group `trading` (orders placed, amended, cancelled): a counter per client and `pair`; the request's `cost` is
 * {@link krakenTradingCost}. Both decay.
 */
export function krakenLimitsOf(tier: KrakenTier): readonly Limit[] {
  const counters = COUNTERS[tier]
  if (counters === undefined)
    throw new TypeError(`krakenLimitsOf: expected "starter", "intermediate" or "pro", got ${String(tier)}`)
  const [most, perSecond] = counters.calls
  const [mostTrades, tradesPerSecond] = counters.trades
  return Object.freeze([
    tokenBucket({
      name: 'kraken calls',
      limit: most,
      windowMs: (1_000 * most) / perSecond,
      by: ['exchange', 'key'],
      where: isKraken('private'),
      cost: ({ endpoint = '' }) => (TWICE.test(endpoint) ? 2 : 1),
      window: 'decay',
    }),
    tokenBucket({
      name: 'kraken trading',
      limit: mostTrades,
      windowMs: (1_000 * mostTrades) / tradesPerSecond,
      by: ['exchange', 'uid', 'pair'],
      where: isKraken('trading'),
      window: 'decay',
    }),
  ])
}

/** As for the tier that everybody has. */
export const krakenLimits: readonly Limit[] = krakenLimitsOf('starter')

/** Up to which age, in seconds, a change of an order costs how much on top. */
const YOUNG = {
  cancel: {
    fixed: 0,
    ages: [
      [5, 8],
      [10, 6],
      [15, 5],
      [45, 4],
      [90, 2],
      [300, 1],
    ],
  },
  amend: {
    fixed: 1,
    ages: [
      [5, 3],
      [10, 2],
      [15, 1],
    ],
  },
} as const

/**
 * What an order's placing, amending or cancelling counts. The younger the order, the more: without its age, the most.
 * @param ageMs since it was placed or amended, when the call is scheduled; it is older when the call goes
 */
export function krakenTradingCost(what: 'add' | 'amend' | 'cancel', ageMs = 0): number {
  if (what === 'add') return 1
  const { fixed, ages } = YOUNG[what]
  return fixed + (ages.find(([seconds]) => ageMs < 1_000 * seconds)?.[1] ?? 0)
}

/**
 * Refusals stand in the body's `error`. Who calls on while limited stays limited for longer: so all calls of the counter stop
 * until it is surely empty. "Throttled" names its end.
 */
export function readKraken(response: SeenResponse, call: SeenCall): News {
  const errors = fieldOf(response.body, 'error')
  if (!Array.isArray(errors)) return {}
  const words = errors
    .slice(0, 20)
    .filter(error => typeof error === 'string')
    .map(error => error.slice(0, 256))
  for (const error of words) {
    const until = /^EService:\s*Throttled:?\s*(\d{9,11}(?:\.\d{1,9})?)\b/.exec(error)?.[1]
    if (until !== undefined) {
      const forMs = Number(until) * 1_000 - serverNowMs(response, call.nowMs)
      return { refused: refusal(call, ['exchange', 'key'], 'kraken throttled', forMs) }
    }
    if (error.startsWith('EAPI:Rate limit exceeded'))
      return { refused: refusal(call, ['exchange', 'key'], 'kraken EAPI', emptyAfterMs(call, 'kraken calls')) }
    if (error.startsWith('EOrder:Rate limit exceeded'))
      return {
        refused: refusal(call, ['exchange', 'uid', 'pair'], 'kraken EOrder', emptyAfterMs(call, 'kraken trading')),
      }
  }
  return {}
}

function emptyAfterMs({ limits = krakenLimits }: SeenCall, name: string): number | undefined {
  const limit = limits.find(each => each.name === name)
  return limit?.kind === 'token-bucket' ? limit.windowMs : undefined
}
