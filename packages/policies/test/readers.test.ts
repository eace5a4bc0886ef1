import type { Labels } from '@headgate/core'
import { describe, expect, it } from 'vitest'
import {
  binanceDepthWeight,
  krakenLimitsOf,
  krakenTradingCost,
  type News,
  okxEndpointOf,
  readBinance,
  readBybit,
  readCoinbase,
  readKraken,
  readKucoin,
  readOkx,
  type SeenCall,
  type SeenResponse,
} from '../src/index.ts'

type Read = (response: SeenResponse, call: SeenCall) => News
/** A quarter past a minute, by the server's clock; the client's is an hour behind. */
const SERVER_MS = Date.UTC(2026, 10, 21, 12, 0, 15)
const DATE = new Date(SERVER_MS).toUTCString()
const NOW_MS = SERVER_MS - 3_600_000

type Row = [story: string, response: Partial<SeenResponse>, labels: Labels, news: News]

function table(name: string, read: Read, rows: Row[]): void {
  describe(name, () => {
    it.each(rows)('%s', (_, response, labels, news) => {
      expect(read({ status: 200, headers: {}, ...response }, { labels, nowMs: NOW_MS })).toEqual(news)
    })
  })
}

const api = { exchange: 'binance', ip: 'a', uid: '1', group: 'api', endpoint: 'GET /api/v3/depth' }
const order = { ...api, group: 'order', endpoint: 'POST /api/v3/order' }

table('binance', readBinance, [
  ['tells nothing without headers', {}, api, { usage: [] }],
  [
    'tells the weight used until the minute ends',
    { headers: { 'x-mbx-used-weight-1m': '1200', date: DATE } },
    api,
    { usage: [{ limit: 'binance weight', used: 1_200, resetMs: 45_000 }] },
  ],
  [
    'reads Headers in any case',
    { headers: new Headers({ 'X-MBX-USED-WEIGHT-1M': '7', Date: DATE }) },
    api,
    { usage: [{ limit: 'binance weight', used: 7, resetMs: 45_000 }] },
  ],
  [
    'counts orders, which not every call is',
    { headers: { 'X-MBX-ORDER-COUNT-1S': '4', Date: DATE } },
    order,
    { usage: [{ limit: 'binance orders', used: 4, resetMs: 1_000 }] },
  ],
  [
    'hears no count of a limit that is not the call’s',
    { headers: { 'X-MBX-ORDER-COUNT-1S': '4' } },
    api,
    { usage: [] },
  ],
  ['takes no number for one that is none', { headers: { 'x-mbx-used-weight-1m': '1e3' } }, api, { usage: [] }],
  ['passes the server’s time on', { body: { serverTime: SERVER_MS } }, api, { usage: [], serverTimeMs: SERVER_MS }],
  ['and that of an order', { body: { transactTime: SERVER_MS } }, order, { usage: [], serverTimeMs: SERVER_MS }],
  [
    '429: the address waits as long as it is told',
    { status: 429, headers: { 'Retry-After': '12' }, body: { code: -1003, msg: 'Too much request weight used' } },
    api,
    { usage: [], refused: { reason: 'binance 429', by: ['exchange', 'ip'], holdMs: 12_000 } },
  ],
  [
    '429 over the orders: the account waits, not the address',
    { status: 429, headers: { 'retry-after': '1' }, body: '{"code":-1015,"msg":"Too many new orders"}' },
    order,
    { usage: [], refused: { reason: 'binance 429', by: ['exchange', 'uid'], holdMs: 1_000 } },
  ],
  [
    '429 without a time',
    { status: 429 },
    api,
    { usage: [], refused: { reason: 'binance 429', by: ['exchange', 'ip'] } },
  ],
  [
    '418: banned until a time on the server’s clock',
    {
      status: 418,
      headers: { Date: DATE },
      body: { code: -1003, msg: `Way too much request weight used; IP banned until ${SERVER_MS + 120_000}. Please` },
    },
    api,
    { usage: [], refused: { reason: 'binance 418', by: ['exchange', 'ip'], holdMs: 120_000 } },
  ],
  [
    '418: for three days at the longest',
    { status: 418, headers: { 'Retry-After': '999999999' } },
    api,
    { usage: [], refused: { reason: 'binance 418', by: ['exchange', 'ip'], holdMs: 259_200_000 } },
  ],
  [
    '403: the firewall',
    { status: 403 },
    api,
    { usage: [], refused: { reason: 'binance 403', by: ['exchange', 'ip'] } },
  ],
  ['5xx: nothing is known', { status: 503 }, api, { usage: [] }],
])

const create = { exchange: 'bybit', ip: 'a', uid: '1', endpoint: 'POST /v5/order/create', category: 'spot' }
const { category: _, ...uncategorised } = create

table('bybit', readBybit, [
  [
    'tells what remains, and the limit in force',
    { headers: { 'X-Bapi-Limit': '40', 'X-Bapi-Limit-Status': '39', 'X-Bapi-Limit-Reset-Timestamp': `${SERVER_MS}` } },
    create,
    { usage: [{ limit: 'bybit endpoint and category', remaining: 39, max: 40, resetMs: 1_000 }] },
  ],
  [
    'of a call without a category',
    { headers: { 'X-Bapi-Limit-Status': '3' } },
    uncategorised,
    { usage: [{ limit: 'bybit endpoint', remaining: 3, resetMs: 1_000 }] },
  ],
  [
    '10006 holds the endpoint until its reset',
    {
      headers: { Date: DATE, 'X-Bapi-Limit-Reset-Timestamp': `${SERVER_MS + 700}` },
      body: { retCode: 10006, retMsg: 'Too many visits!' },
    },
    create,
    {
      usage: [],
      refused: { reason: 'bybit 10006', by: ['exchange', 'uid', 'endpoint', 'category'], holdMs: 700 },
    },
  ],
  [
    '10006 without a reset names no time',
    { body: { retCode: 10006 } },
    uncategorised,
    { usage: [], refused: { reason: 'bybit 10006', by: ['exchange', 'uid', 'endpoint'] } },
  ],
  [
    '403 over the address: ten minutes',
    { status: 403, body: '403, access too frequent' },
    create,
    { usage: [], refused: { reason: 'bybit 403', by: ['exchange', 'ip'], holdMs: 600_000 } },
  ],
  ['403 over something else is no refusal of a limit', { status: 403, body: 'country' }, create, { usage: [] }],
])

const place = { exchange: 'okx', uid: '1', endpoint: 'POST /api/v5/trade/order', instId: 'X', group: 'order' }

table('okx', readOkx, [
  ['nothing', { body: { code: '0', data: [{ sCode: '0' }] } }, place, {}],
  ['50011: the endpoint', { status: 429, body: { code: '50011' } }, place, { refused: { reason: 'okx 50011' } }],
  [
    '50061: the sub-account',
    { body: { code: '50061' } },
    place,
    { refused: { reason: 'okx 50061', by: ['exchange', 'uid'] } },
  ],
  [
    'an order of a batch',
    { body: { code: '2', data: [{ sCode: '0' }, { sCode: '50061' }] } },
    place,
    { refused: { reason: 'okx 50061', by: ['exchange', 'uid'] } },
  ],
])

const balance = { exchange: 'kraken', key: 'k', group: 'private', endpoint: '/0/private/Balance' }
const trading = { exchange: 'kraken', uid: '1', pair: 'XBTUSD', group: 'trading' }

table('kraken', readKraken, [
  ['nothing', { body: { error: [], result: {} } }, balance, {}],
  [
    'the counter: until it is empty',
    { body: { error: ['EAPI:Rate limit exceeded'] } },
    balance,
    { refused: { reason: 'kraken EAPI', by: ['exchange', 'key'], holdMs: 45_455 } },
  ],
  [
    'the counter of a pair',
    { body: { error: ['EOrder:Rate limit exceeded'] } },
    trading,
    { refused: { reason: 'kraken EOrder', by: ['exchange', 'uid', 'pair'], holdMs: 60_000 } },
  ],
  [
    'throttled until a time in its words',
    { headers: { Date: DATE }, body: { error: [`EService: Throttled: ${SERVER_MS / 1_000 + 5}`] } },
    balance,
    { refused: { reason: 'kraken throttled', by: ['exchange', 'key'], holdMs: 5_000 } },
  ],
  [
    'throttled until a time gone by',
    { headers: { Date: DATE }, body: { error: ['EService:Throttled: 1600000000'] } },
    balance,
    { refused: { reason: 'kraken throttled', by: ['exchange', 'key'], holdMs: 0 } },
  ],
  ['another error', { body: { error: ['EGeneral:Invalid arguments', 7] } }, balance, {}],
])

const spot = { exchange: 'kucoin', ip: 'a', uid: '1', group: 'spot', endpoint: 'GET /x' }
const left = { 'gw-ratelimit-limit': '8000', 'gw-ratelimit-remaining': '7990', 'gw-ratelimit-reset': '22000' }

table('kucoin', readKucoin, [
  [
    'tells of its pool',
    { headers: left },
    spot,
    { usage: [{ limit: 'kucoin spot', max: 8_000, remaining: 7_990, resetMs: 22_000 }] },
  ],
  ['but not of a pool that is not known', { headers: left }, { ...spot, group: 'earn' }, { usage: [] }],
  [
    'refused: until the reset',
    { status: 429, headers: { ...left, 'gw-ratelimit-remaining': '0' }, body: { code: '429000' } },
    spot,
    {
      usage: [{ limit: 'kucoin spot', max: 8_000, remaining: 0, resetMs: 22_000 }],
      refused: { reason: 'kucoin 429000', by: ['exchange', 'uid', 'group'], holdMs: 22_000 },
    },
  ],
  [
    'without its headers the server is overloaded: later, and nothing is halved',
    { status: 429, body: { code: '429000' } },
    spot,
    { usage: [], refused: { reason: 'kucoin overloaded', by: ['exchange', 'endpoint'], holdMs: 1_000 } },
  ],
])

table('coinbase', readCoinbase, [
  ['nothing', {}, { exchange: 'coinbase', profile: 'p', group: 'private' }, {}],
  [
    '429: of the most specific limit',
    { status: 429 },
    { exchange: 'coinbase', profile: 'p', group: 'private' },
    { refused: { reason: 'coinbase 429' } },
  ],
  [
    '429 of Prime: half a minute',
    { status: 429 },
    { exchange: 'coinbase', ip: 'a', portfolio: 'p', group: 'prime' },
    { refused: { reason: 'coinbase 429', by: ['exchange', 'ip'], holdMs: 30_000 } },
  ],
])

describe('what a call costs', () => {
  it.each([
    [undefined, 5],
    [1, 5],
    [100, 5],
    [101, 25],
    [500, 25],
    [1_000, 50],
    [1_001, 250],
    [5_000, 250],
    [9_999, 250],
  ])('Binance: a depth of %s weighs %s', (limit, weight) => {
    expect(binanceDepthWeight(limit)).toBe(weight)
  })

  it.each([
    ['add', 0, 1],
    ['cancel', undefined, 8],
    ['cancel', 4_999, 8],
    ['cancel', 5_000, 6],
    ['cancel', 14_999, 5],
    ['cancel', 44_999, 4],
    ['cancel', 89_999, 2],
    ['cancel', 299_999, 1],
    ['cancel', 300_000, 0],
    ['amend', 0, 4],
    ['amend', 9_999, 3],
    ['amend', 15_000, 1],
  ] as const)('Kraken: to %s an order of %s ms counts %s', (what, ageMs, cost) => {
    expect(krakenTradingCost(what, ageMs)).toBe(cost)
  })

  it('OKX: a batch of one is a single order', () => {
    expect(okxEndpointOf('POST /api/v5/trade/batch-orders', 1)).toBe('POST /api/v5/trade/order')
    expect(okxEndpointOf('POST /api/v5/trade/batch-orders', 2)).toBe('POST /api/v5/trade/batch-orders')
    expect(okxEndpointOf('POST /api/v5/trade/order', 1)).toBe('POST /api/v5/trade/order')
  })
})

it('Kraken has three tiers', () => {
  expect(krakenLimitsOf('pro').map(limit => [limit.name, limit.limit])).toEqual([
    ['kraken calls', 20],
    ['kraken trading', 180],
  ])
  expect(() => krakenLimitsOf('gold' as 'pro')).toThrow(
    new TypeError('krakenLimitsOf: expected "starter", "intermediate" or "pro", got gold'),
  )
})
