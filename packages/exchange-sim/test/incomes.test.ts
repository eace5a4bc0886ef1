import { expect, test } from 'vitest'
import type { ExchangeOptions, Incomes } from '../src/index.ts'
import { alice, bob, caller, income, start } from './helpers.ts'

interface Row {
  time: number
  symbol: string
  incomeType: string
  income: string
  tranId: string
}

async function reader(incomes: Incomes | undefined, options: ExchangeOptions = {}) {
  const account = incomes === undefined ? alice : { ...alice, incomes }
  const { exchange, clock } = await start({ accounts: [account, bob], ...options })
  const { bingx } = caller(exchange, clock)
  const read = async (params: Record<string, string | number> = {}, of = alice): Promise<Row[]> => {
    clock.step(1000)
    const { body } = await bingx({ path: income, params, account: of })
    expect(body.code).toBe(0)
    return body.data ?? []
  }
  return { exchange, clock, bingx, read }
}

const t0 = 1_760_000_000_000 - 3_600_000
const times = (rows: Row[]): number[] => rows.map(({ time }) => time)

test('rows of one’s own, in the documented fields; what is not given is made up', async () => {
  const rows = [
    { time: t0 + 2, symbol: 'CATI-USDT', incomeType: 'TRADING_FEE', income: '-0.0292', tranId: '7' },
    { time: t0 + 1 },
  ]
  const { read } = await reader(rows)
  const [first, second, ...rest] = await read()
  expect(first).toEqual({
    symbol: 'CATI-USDT',
    incomeType: 'TRADING_FEE',
    income: '-0.0292',
    asset: 'USDT',
    info: 'Funding Fee',
    time: t0 + 2,
    tranId: '7',
    tradeId: '',
  })
  expect(second).toMatchObject({
    time: t0 + 1,
    incomeType: 'FUNDING_FEE',
    income: expect.stringMatching(/^-?\d+\.\d{4}$/),
  })
  expect(rest).toEqual([])
  expect(times(await read({ symbol: 'CATI-USDT' }))).toEqual([t0 + 2])
  expect((await read({}, bob)).length).toBeGreaterThan(70)
})

test('none at all is null', async () => {
  const { bingx } = await reader([])
  expect((await bingx({ path: income })).body.data).toBeNull()
})

test('a number of rows from the seed, spread over a time', async () => {
  const plan = { count: 5, fromMs: t0, toMs: t0 + 400 }
  const { read } = await reader(plan, { incomeOrder: 'oldest-first' })
  const rows = await read()
  expect(times(rows)).toEqual([t0, t0 + 100, t0 + 200, t0 + 300, t0 + 400])
  expect(await (await reader(plan, { incomeOrder: 'oldest-first' })).read()).toEqual(rows)
  expect(await (await reader(plan, { incomeOrder: 'oldest-first', seed: 2 })).read()).not.toEqual(rows)
})

test.each(['newest-first', 'oldest-first'] as const)(
  'thousands that share one millisecond: %s, no page shows more than a thousand of them',
  async incomeOrder => {
    const { read } = await reader({ count: 2500, perMs: 2500, fromMs: t0, toMs: t0 }, { incomeOrder })
    const page = await read({ startTime: t0, endTime: t0, limit: 1000 })
    expect(page).toHaveLength(1000)
    expect(new Set(times(page))).toEqual(new Set([t0]))
    expect(await read({ startTime: t0, endTime: t0, limit: 1000 })).toEqual(page)
    expect(await read({ startTime: t0 + 1 })).toEqual([])
    expect(await read({ endTime: t0 - 1 })).toEqual([])
  },
)

test('groups that share a millisecond', async () => {
  const { read } = await reader({ count: 7, perMs: 3, fromMs: t0, toMs: t0 + 10 }, { incomeOrder: 'oldest-first' })
  expect(times(await read())).toEqual([t0, t0, t0, t0 + 5, t0 + 5, t0 + 5, t0 + 10])
  const rows = await read()
  expect(new Set(rows.map(({ tranId }) => tranId)).size).toBe(7)
})

test('three months are kept, counted from now', async () => {
  const dayMs = 86_400_000
  const now = 1_760_000_000_000
  const { read, clock } = await reader([{ time: now - 90 * dayMs + 1000 }, { time: now - 90 * dayMs + 2000 }])
  expect(await read({ startTime: 1 })).toHaveLength(2)
  expect(await read({ startTime: 1 })).toHaveLength(1)
  clock.step(1000)
  expect(await read({ startTime: 1 })).toEqual([])
})

test('rows added by hand take their places, the newest of one millisecond last', async () => {
  const { exchange, read } = await reader(
    [
      { time: t0, tranId: 'a' },
      { time: t0 + 9, tranId: 'c' },
    ],
    {
      incomeOrder: 'oldest-first',
    },
  )
  const ids = async () => (await read()).map(({ tranId }) => tranId)
  expect(await ids()).toEqual(['a', 'c'])
  exchange.addIncome('alice', [
    { time: t0, tranId: 'b' },
    { time: t0 + 10, tranId: 'd' },
  ])
  expect(await ids()).toEqual(['a', 'b', 'c', 'd'])
  exchange.addIncome('bob', [{ time: t0 + 11, tranId: 'of bob' }])
  expect(await ids()).toEqual(['a', 'b', 'c', 'd'])
  expect((await read({}, bob)).some(({ tranId }) => tranId === 'of bob')).toBe(true)
})

test('rows added at each call: a walk by time meets them at its newest end', async () => {
  const { clock, read } = await reader({ count: 2, fromMs: t0, toMs: t0 + 1, addedPerCall: 3 })
  expect(await read({ endTime: t0 + 1 })).toHaveLength(2)
  const second = await read()
  expect(second).toHaveLength(2 + 3 + 3)
  expect(times(second).slice(0, 3)).toEqual(Array(3).fill(clock.epoch))
  expect(await read({ endTime: t0 + 1 })).toHaveLength(2)
})

test('no UID holds more than 200 000 rows', async () => {
  const { exchange, read } = await reader({ count: 199_999, fromMs: t0, toMs: t0, addedPerCall: 1000 })
  expect(await read({ startTime: t0 + 1 })).toHaveLength(1)
  expect(() => exchange.addIncome('alice', [{ time: t0 }])).toThrow(RangeError)
  expect(await read({ startTime: t0 + 1 })).toHaveLength(1)
})
