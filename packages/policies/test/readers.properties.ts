import process from 'node:process'
import { createScheduler } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as policies from '../src/index.ts'

const EXCHANGES = [
  ['binance', policies.readBinance, policies.binanceLimits],
  ['bybit', policies.readBybit, policies.bybitLimits],
  ['okx', policies.readOkx, policies.okxLimits],
  ['kraken', policies.readKraken, policies.krakenLimits],
  ['kucoin', policies.readKucoin, policies.kucoinLimits],
  ['coinbase', policies.readCoinbase, policies.coinbaseLimits],
] as const

const HEADERS = [
  'date',
  'Retry-After',
  'X-MBX-USED-WEIGHT-1M',
  'X-MBX-ORDER-COUNT-1S',
  'X-SAPI-USED-IP-WEIGHT-1M',
  'X-Bapi-Limit',
  'X-Bapi-Limit-Status',
  'X-Bapi-Limit-Reset-Timestamp',
  'gw-ratelimit-limit',
  'gw-ratelimit-remaining',
  'gw-ratelimit-reset',
]
const GROUPS = ['api', 'order', 'sapi-ip', 'sapi-uid', 'private', 'trading', 'spot', 'public', 'prime', 'fills', 'x']

const number = fc.oneof(fc.nat(), fc.integer(), fc.double(), fc.constantFrom(0, 1e15, 2 ** 53, 1_790_000_000_000))
const value = fc.oneof(number.map(String), fc.string(), number, fc.constantFrom('Sat, 21 Nov 2026 12:00:15 GMT', null))
const code = fc.constantFrom(10006, '10006', '50011', '50061', '429000', -1003, -1015, {}, null)
const words = fc.oneof(
  fc.string(),
  number.map(n => `IP banned until ${n}.`),
  number.map(n => `EService: Throttled: ${n}`),
  fc.constantFrom('EAPI:Rate limit exceeded', 'EOrder:Rate limit exceeded', 'access too frequent', '__proto__'),
)
const body = fc.oneof(
  fc.anything(),
  words,
  fc.record(
    {
      code,
      retCode: code,
      msg: words,
      retMsg: words,
      error: fc.oneof(fc.array(fc.oneof(words, fc.anything())), words),
      data: fc.oneof(fc.array(fc.record({ sCode: code })), fc.anything()),
      serverTime: fc.oneof(number, fc.string()),
      transactTime: number,
    },
    { requiredKeys: [] },
  ),
)

const someResponse = fc
  .record({
    status: fc.oneof(fc.constantFrom(200, 403, 418, 429, 500), fc.integer()),
    headers: fc.oneof(
      fc.dictionary(fc.constantFrom(...HEADERS), value),
      fc.dictionary(fc.constantFrom(...HEADERS), fc.anything()),
      fc.constantFrom(new Headers(), null, undefined, 'x', 7),
    ),
    body: fc.oneof(
      body,
      body.map(each => JSON.stringify(each)),
    ),
  })
  .map(response => response as policies.SeenResponse)

const someLabels = (exchange: string) =>
  fc
    .record(
      Object.fromEntries(
        ['ip', 'uid', 'endpoint', 'category', 'instId', 'key', 'pair', 'profile', 'portfolio'].map(name => [
          name,
          fc.constantFrom('a', ''),
        ]),
      ),
      { requiredKeys: [] },
    )
    .chain(labels =>
      fc.constantFrom(...GROUPS).map(group => ({ exchange, group, ...labels }) as Record<string, string>),
    )

describe.each(EXCHANGES)('%s', (exchange, read, limits) => {
  it('reads any response without throwing, and tells what the call’s admission takes', async () => {
    await fc.assert(
      fc.asyncProperty(someResponse, someLabels(exchange), async (response, labels) => {
        const clock = virtualClock()
        const scheduler = createScheduler({ limits, clock, coldStart: 'full' })
        const news = read(response, { labels, nowMs: 1_790_000_000_000 })
        let told: unknown = 'never ran'
        const task = scheduler.schedule({ labels, unlimited: true, retries: 0, cost: 1 }, admission => {
          try {
            policies.tell(admission, news)
            told = undefined
          } catch (error) {
            told = error
          }
        })
        task.catch(() => undefined)
        await clock.advance(1)
        expect(told).toBeUndefined()
        expect(news.refused?.holdMs ?? 0).toBeLessThanOrEqual(3 * 86_400_000)
      }),
      { numRuns: 300, ...(process.env['HEADGATE_SEED'] ? { seed: Number(process.env['HEADGATE_SEED']) } : {}) },
    )
  })
})
