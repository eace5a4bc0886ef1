import { expect, test } from 'vitest'
import { allBalances, bob, caller, income, spotBalance, start, swapBalance } from './helpers.ts'

const decimal = expect.stringMatching(/^-?\d+\.\d+$/)
const dayMs = 86_400_000

test('swap balance: one row per asset, money as decimal strings', async () => {
  const { exchange, clock } = await start()
  const { body } = await caller(exchange, clock).bingx({ path: swapBalance })
  expect(body.data.map((row: { asset: string }) => row.asset)).toEqual(['USDT', 'USDC'])
  expect(body.data[0]).toEqual({
    userId: '116***295',
    asset: 'USDT',
    balance: decimal,
    equity: decimal,
    unrealizedProfit: decimal,
    realisedProfit: decimal,
    availableMargin: decimal,
    usedMargin: decimal,
    freezedMargin: '0.0000',
    shortUid: expect.stringMatching(/^\d{8}$/),
  })
})

test('spot balance: rows under balances', async () => {
  const { exchange, clock } = await start()
  const { body } = await caller(exchange, clock).bingx({ path: spotBalance })
  expect(body.data.balances[0]).toEqual({ asset: 'USDT', displayName: 'USDT', free: decimal, locked: decimal })
})

test('all balances: every account type, or the one asked for; spot is spelt sopt', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  expect((await bingx({ path: allBalances })).body.data).toHaveLength(8)
  for (const accountType of ['spot', 'sopt']) {
    const { body } = await bingx({ path: allBalances, params: { accountType } })
    expect(body.data).toEqual([{ accountType: 'sopt', usdtBalance: decimal }])
  }
  expect((await bingx({ path: allBalances, params: { accountType: 'piggy' } })).body.code).toBe(100400)
})

test('balances depend on seed and UID alone', async () => {
  const read = async (seed: number, account?: typeof bob): Promise<string> => {
    const { exchange, clock } = await start({ seed })
    return JSON.stringify((await caller(exchange, clock).bingx({ account })).body.data)
  }
  const first = await read(1)
  expect(await read(1)).toBe(first)
  expect(await read(2)).not.toBe(first)
  expect(await read(1, bob)).not.toBe(first)
})

interface Row {
  time: number
  symbol: string
  incomeType: string
  tranId: string
}

async function incomeReader(options: { incomeOrder?: 'newest-first' | 'oldest-first' } = {}) {
  const { exchange, clock } = await start(options)
  const { bingx } = caller(exchange, clock)
  const read = async (params: Record<string, string | number> = {}): Promise<Row[] | null> => {
    clock.step(1000)
    return (await bingx({ path: income, params })).body.data
  }
  const all = async (params: Record<string, string | number>): Promise<Row[]> => (await read(params)) ?? []
  return { clock, bingx, read, all }
}

test('income without times: the last seven days, newest first', async () => {
  const { clock, all } = await incomeReader()
  const rows = await all({ limit: 1000 })
  expect(rows.length).toBeGreaterThan(70)
  expect(Math.min(...rows.map(row => row.time))).toBeGreaterThanOrEqual(clock.epoch - 7 * dayMs)
  expect(rows.map(row => row.time)).toEqual(rows.map(row => row.time).toSorted((a, b) => b - a))
  expect(rows[0]).toMatchObject({
    asset: 'USDT',
    income: decimal,
    info: expect.any(String),
    tradeId: expect.any(String),
  })
})

test('income with times: inclusive at both ends, at most three months back', async () => {
  const { clock, all } = await incomeReader()
  const rows = await all({ startTime: 1, limit: 1000 })
  expect(rows).toHaveLength(156)
  expect(rows.some(row => row.incomeType === 'TRANSFER')).toBe(false)
  const { time = 0 } = rows[50] ?? {}
  const same = rows.filter(row => row.time === time)
  expect(same.length).toBeGreaterThan(0)
  expect(await all({ startTime: time, endTime: time })).toEqual(same)
  expect(await all({ endTime: clock.epoch, limit: 1000 })).toHaveLength(156)
  expect(new Set(rows.map(row => row.tranId)).size).toBe(156)
})

test('income by symbol, by type and by limit; null when there is none', async () => {
  const { read, all } = await incomeReader()
  const everything = await all({ startTime: 1, limit: 1000 })
  const symbol = await all({ startTime: 1, symbol: 'LDO-USDT', incomeType: 'FUNDING_FEE' })
  expect(symbol).toEqual(everything.filter(row => row.symbol === 'LDO-USDT' && row.incomeType === 'FUNDING_FEE'))
  expect(symbol).toHaveLength(39)
  expect(await all({ startTime: 1, limit: 3 })).toEqual(everything.slice(0, 3))
  expect(await all({ startTime: 1 })).toHaveLength(100)
  expect(await read({ startTime: 1, endTime: 2 })).toBeNull()
})

test('income oldest first: a limit then cuts off the newest', async () => {
  const { all } = await incomeReader({ incomeOrder: 'oldest-first' })
  const everything = await all({ startTime: 1, limit: 1000 })
  expect(everything.map(row => row.time)).toEqual(everything.map(row => row.time).toSorted((a, b) => a - b))
  expect(await all({ startTime: 1, limit: 3 })).toEqual(everything.slice(0, 3))
})

test.each([
  [{ symbol: 'CATI-USDT' }, 'CATI-USDT,symbol not exist, please verify it in api: /openApi/swap/v2/quote/contracts'],
  [{ limit: 1001 }, 'Invalid parameters, err:limit is invalid'],
  [{ limit: 0 }, 'Invalid parameters, err:limit is invalid'],
  [{ startTime: 'monday' }, 'Invalid parameters, err:startTime is invalid'],
  [{ endTime: -1 }, 'Invalid parameters, err:endTime is invalid'],
  [{ startTime: 2, endTime: 1 }, 'Invalid parameters, err:startTime is invalid'],
])('income with %o is an error', async (params, msg) => {
  const { bingx } = await incomeReader()
  expect((await bingx({ path: income, params })).body).toMatchObject({ code: 109400, msg, data: {} })
})

test('any other documented endpoint answers with nothing, under its own limit', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  const call = { path: '/openApi/swap/v2/trade/cancelAllAfter', method: 'POST' }
  const { status, body } = await bingx(call)
  expect([status, body]).toEqual([200, { code: 0, msg: '', timestamp: clock.epoch, data: {} }])
  expect((await bingx(call)).body.code).toBe(100410)
})

test('what is not documented does not exist, a wrong method neither', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  const unknown = { code: 100400, msg: 'this api is not exist', timestamp: clock.epoch, data: {} }
  expect((await bingx({ path: '/openApi/swap/v9/wishes' })).body).toEqual(unknown)
  expect((await bingx({ path: swapBalance, method: 'POST' })).body).toEqual(unknown)
  expect(exchange.stats()).toMatchObject({ unknown: 2, accepted: 0 })
  expect((await fetch(`${exchange.bingxUrl}/elsewhere`)).status).toBe(404)
})
