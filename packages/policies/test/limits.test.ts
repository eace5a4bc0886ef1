import { expect, it } from 'vitest'
import * as policies from '../src/index.ts'

const DOCUMENTED = [
  ['binance weight', 6_000, 60_000, 'exchange ip', 'aligned'],
  ['binance requests', 61_000, 300_000, 'exchange ip', 'aligned'],
  ['binance orders', 10, 1_000, 'exchange uid', 'aligned'],
  ['binance sapi ip', 12_000, 60_000, 'exchange ip endpoint', 'sliding'],
  ['binance sapi uid', 180_000, 60_000, 'exchange uid endpoint', 'sliding'],
  ['bybit ip', 600, 5_000, 'exchange ip', 'sliding'],
  ['bybit endpoint', 10, 1_000, 'exchange uid endpoint', 'sliding'],
  ['bybit endpoint and category', 10, 1_000, 'exchange uid endpoint category', 'sliding'],
  ['okx POST /api/v5/trade/order', 60, 2_000, 'exchange uid instId', 'sliding'],
  ['okx sub-account', 1_000, 2_000, 'exchange uid', 'sliding'],
  ['kraken calls', 15, 45_455, 'exchange key', 'decay'],
  ['kraken trading', 60, 60_000, 'exchange uid pair', 'decay'],
  ['kucoin spot', 4_000, 30_000, 'exchange uid', 'anchored'],
  ['kucoin futures', 2_000, 30_000, 'exchange uid', 'anchored'],
  ['kucoin management', 2_000, 30_000, 'exchange uid', 'anchored'],
  ['kucoin public', 2_000, 30_000, 'exchange ip', 'anchored'],
  ['coinbase public', 15, 1_500, 'exchange ip', 'decay'],
  ['coinbase private', 30, 2_000, 'exchange profile', 'decay'],
  ['coinbase fills', 20, 2_000, 'exchange profile', 'decay'],
  ['coinbase loans', 10, 1_000, 'exchange profile', 'sliding'],
  ['coinbase prime ip', 100, 1_000, 'exchange ip', 'sliding'],
  ['coinbase prime portfolio', 50, 2_000, 'exchange portfolio', 'decay'],
  ['coinbase app', 10_000, 3_600_000, 'exchange key', 'sliding'],
  ['coinbase advanced private', 30, 1_000, 'exchange uid', 'sliding'],
  ['coinbase advanced public', 10, 1_000, 'exchange ip', 'sliding'],
]

it('the limits are those of the documents', () => {
  const all = [
    policies.binanceLimits,
    policies.bybitLimits,
    policies.okxLimits,
    policies.krakenLimits,
    policies.kucoinLimits,
    policies.coinbaseLimits,
  ].flat()
  const found = all.map(limit => {
    if (limit.kind !== 'token-bucket') throw new Error(limit.kind)
    const tokens = typeof limit.limit === 'function' ? limit.limit({ endpoint: 'GET /v5/unheard' }) : limit.limit
    return [limit.name, tokens, Math.round(limit.windowMs), limit.by.join(' '), limit.window ?? 'sliding']
  })
  expect(found).toEqual(DOCUMENTED)
})

it('no limit of one exchange speaks of calls of another', () => {
  const labels = Object.fromEntries(
    ['ip', 'uid', 'endpoint', 'category', 'instId', 'key', 'pair', 'profile', 'portfolio'].map(name => [name, 'x']),
  )
  for (const group of ['api', 'order', 'private', 'public', 'spot', 'trading']) {
    for (const [name, limits] of Object.entries(policies)) {
      if (!name.endsWith('Limits')) continue
      for (const limit of limits as typeof policies.binanceLimits) {
        if (limit.kind !== 'token-bucket') throw new Error(limit.kind)
        expect(limit.where?.({ ...labels, group, exchange: 'elsewhere' })).toBe(false)
      }
    }
  }
})
