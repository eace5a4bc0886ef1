import process from 'node:process'
import { describe, expect, it } from 'vitest'
import * as policies from '../src/index.ts'
import { binance, bybit, coinbase, kraken, kucoin, okx } from './support/exchanges.ts'
import { type Client, type Exchange, rate, trade } from './support/market.ts'

const SEEDS = [1, 2, 3]
const UIDS = ['1', '2', '3']
/** Whatever is documented, tokens per second, of each set of values; and the least share of it that is used. */
type Quota = [name: string, which: (labels: Record<string, string>) => boolean, perSecond: number, share: number]

interface Market {
  limits: typeof policies.binanceLimits
  read: typeof policies.readBinance
  exchange: () => Exchange
  clients: Client[]
  fromMs: number
  forMs: number
  quotas: Quota[]
}

const MARKETS: Record<string, Market> = {
  binance: {
    limits: policies.binanceLimits,
    read: policies.readBinance,
    exchange: binance,
    clients: UIDS.flatMap((uid): Client[] => [
      {
        labels: { exchange: 'binance', ip: 'a', uid, group: 'api', endpoint: 'GET /api/v3/depth' },
        cost: call => policies.binanceDepthWeight([100, 500, 1_000, 5_000][call % 4]),
        width: 8,
      },
      { labels: { exchange: 'binance', ip: 'b', uid, group: 'order', endpoint: 'POST /api/v3/order' }, width: 15 },
    ]),
    fromMs: 47_655,
    forMs: 47_655 + 240_000,
    quotas: [
      ['weight of an address', ({ ip }) => ip === 'a', 100, 0.97],
      ...UIDS.map((each): Quota => [`orders of ${each}`, ({ uid, ip }) => uid === each && ip === 'b', 10, 0.99]),
    ],
  },
  bybit: {
    limits: policies.bybitLimits,
    read: policies.readBybit,
    exchange: bybit,
    clients: UIDS.flatMap((uid): Client[] => [
      {
        labels: { exchange: 'bybit', ip: 'a', uid, endpoint: 'POST /v5/order/create', category: 'spot' },
        cost: call => 1 + (call % 2),
        width: 20,
      },
      { labels: { exchange: 'bybit', ip: 'a', uid, endpoint: 'POST /v5/order/create', category: 'linear' }, width: 15 },
      { labels: { exchange: 'bybit', ip: 'a', uid, endpoint: 'GET /v5/unheard' }, width: 15 },
    ]),
    fromMs: 20_000,
    forMs: 120_000,
    quotas: UIDS.flatMap((each): Quota[] => [
      [`spot of ${each}`, ({ uid, category }) => uid === each && category === 'spot', 20, 0.95],
      [`linear of ${each}`, ({ uid, category }) => uid === each && category === 'linear', 10, 0.97],
    ]),
  },
  'bybit, more than an address may': {
    limits: policies.bybitLimits,
    read: policies.readBybit,
    exchange: bybit,
    clients: Array.from({ length: 16 }, (_, i) => ({
      labels: { exchange: 'bybit', ip: 'a', uid: String(i), endpoint: 'GET /v5/unheard' },
      width: 12,
    })),
    fromMs: 20_000,
    forMs: 60_000,
    quotas: [['the address', () => true, 120, 0.97]],
  },
  okx: {
    limits: policies.okxLimits,
    read: policies.readOkx,
    exchange: okx,
    clients: UIDS.flatMap(uid =>
      [0, 1].map(
        (i): Client => ({
          labels: {
            exchange: 'okx',
            uid,
            endpoint: 'POST /api/v5/trade/order',
            instId: `X-${i}`,
            instType: i === 0 ? 'SPOT' : 'SWAP',
            group: 'order',
          },
          width: 70,
        }),
      ),
    ),
    fromMs: 20_000,
    forMs: 80_000,
    quotas: UIDS.map(each => [`each of two instruments of ${each}`, ({ uid }) => uid === each, 60, 0.97]),
  },
  'okx, more than a sub-account may': {
    limits: policies.okxLimits,
    read: policies.readOkx,
    exchange: okx,
    clients: Array.from({ length: 20 }, (_, i) => ({
      labels: {
        exchange: 'okx',
        uid: '1',
        endpoint: 'POST /api/v5/trade/order',
        instId: `X-${i}`,
        instType: 'SWAP',
        group: 'order',
      },
      width: 62,
    })),
    fromMs: 10_000,
    forMs: 30_000,
    quotas: [['the sub-account', () => true, 500, 0.97]],
  },
  kraken: {
    limits: policies.krakenLimits,
    read: policies.readKraken,
    exchange: kraken,
    clients: UIDS.flatMap((uid): Client[] => [
      { labels: { exchange: 'kraken', key: uid, group: 'private', endpoint: '/0/private/Balance' }, width: 4 },
      {
        labels: { exchange: 'kraken', key: `${uid}b`, group: 'private', endpoint: '/0/private/Ledgers' },
        cost: () => 2,
        width: 4,
      },
      {
        labels: { exchange: 'kraken', uid, pair: 'XBTUSD', group: 'trading' },
        cost: call => policies.krakenTradingCost(call % 2 === 0 ? 'add' : 'cancel', 7_000),
        width: 10,
      },
    ]),
    fromMs: 120_000,
    forMs: 720_000,
    quotas: UIDS.flatMap((each): Quota[] => [
      [`calls of ${each}`, ({ key }) => key === each, 0.33, 0.97],
      [`ledgers of ${each}`, ({ key }) => key === `${each}b`, 0.33, 0.97],
      [`trading of ${each}`, ({ uid }) => uid === each, 1, 0.97],
    ]),
  },
  kucoin: {
    limits: policies.kucoinLimits,
    read: policies.readKucoin,
    exchange: kucoin,
    clients: UIDS.flatMap((uid): Client[] => [
      { labels: { exchange: 'kucoin', ip: 'a', uid, group: 'spot' }, cost: call => 20 + (call % 9), width: 30 },
      { labels: { exchange: 'kucoin', ip: 'a', uid, group: 'public' }, cost: () => 25, width: 30 },
    ]),
    fromMs: 60_000,
    forMs: 360_000,
    quotas: [
      ...UIDS.map(
        (each): Quota => [`spot of ${each}`, l => l['uid'] === each && l['group'] === 'spot', 4_000 / 30, 0.98],
      ),
      ['public of the address', ({ group }) => group === 'public', 2_000 / 30, 0.98],
    ],
  },
  coinbase: {
    limits: policies.coinbaseLimits,
    read: policies.readCoinbase,
    exchange: coinbase,
    clients: UIDS.flatMap((uid): Client[] => [
      { labels: { exchange: 'coinbase', ip: 'a', group: 'public' }, width: 10 },
      { labels: { exchange: 'coinbase', ip: 'a', profile: uid, group: 'private' }, width: 30 },
    ]),
    fromMs: 20_000,
    forMs: 120_000,
    quotas: [
      ['public', ({ group }) => group === 'public', 10, 0.99],
      ...UIDS.map((each): Quota => [`private of ${each}`, ({ profile }) => profile === each, 15, 0.99]),
    ],
  },
}

describe.each(Object.entries(MARKETS))('%s', (name, market) => {
  it('refuses no call of saturating clients, and gives them its quota', async () => {
    const shares: Record<string, number> = {}
    for (const seed of SEEDS) {
      const { trades, refused } = await trade({ ...market, exchange: market.exchange(), seed })
      expect(refused).toBe(0)
      for (const [quota, which, perSecond, least] of market.quotas) {
        const share = (1_000 * rate(trades, which, market.fromMs, market.forMs)) / perSecond
        shares[quota] = Math.min(shares[quota] ?? 1, share)
        expect.soft(share, quota).toBeGreaterThanOrEqual(least)
      }
    }
    if (process.env['HEADGATE_FIGURES']) console.log(name, JSON.stringify(shares))
  })
})
