import { describe, expect, test } from 'vitest'
import { bingxErrors, coinwErrors } from '../src/index.ts'
import { bob, caller, codes, income, spotBalance, start, swapBalance } from './helpers.ts'

const renumbered = [
  [swapBalance, {}, 100410, 109429],
  [income, {}, 100410, 109429],
  ['/openApi/cswap/v1/user/balance', {}, 100410, 109429],
  [spotBalance, {}, 100410, 100410],
  [swapBalance, { timestamp: 1 }, 80014, 109400],
  [income, { timestamp: 1 }, 80014, 109400],
  [spotBalance, { timestamp: 1 }, 100421, 100421],
] as const

describe.each(['old', 'new', 'documented', 'renumbered'] as const)('codes: %s', mode => {
  const isNew = mode === 'new' || mode === 'renumbered'
  test.each(renumbered)('%s %o', async (path, params, oldCode, newCode) => {
    const { exchange, clock } = await start({ codes: mode })
    const { bingx } = caller(exchange, clock)
    await codes(5, () => bingx({ path, params }))
    const stale = 'timestamp' in params
    const [code] = await codes(1, () => bingx({ path, params, ...(stale ? { account: bob } : {}) }))
    expect(code).toBe(isNew ? newCode : oldCode)
  })
})

test('mixed: both for the same refusal, chosen by the seed; the words of a ban go with the code', async () => {
  const read = async (seed: number): Promise<unknown[]> => {
    const { exchange, clock } = await start({ codes: 'mixed', seed, ban: false })
    const { bingx } = caller(exchange, clock)
    await codes(5, bingx)
    return codes(20, bingx)
  }
  const first = await read(1)
  expect(new Set(first)).toEqual(new Set([100410, 109429]))
  expect(await read(1)).toEqual(first)
  expect(await read(2)).not.toEqual(first)

  const { exchange, clock } = await start({ codes: 'mixed' })
  exchange.ban({ exchange: 'bingx', uid: 'alice', endpoint: swapBalance, forMs: 1000 })
  for (let call = 0; call < 10; call++) {
    const { body } = await caller(exchange, clock).bingx()
    expect(body.msg).toMatch(new RegExp(`^code:${body.code}:The endpoint trigger frequency limit rule`))
  }
})

test.each(Object.entries(bingxErrors))('BingX can be made to say %s', async (_, reply) => {
  const { exchange, clock } = await start()
  exchange.fault({ exchange: 'bingx', reply })
  const { status, body } = await caller(exchange, clock).bingx()
  expect([status, body]).toEqual([200, { ...reply, timestamp: clock.epoch, data: {} }])
})

test.each(Object.entries(coinwErrors))('CoinW can be made to say %s', async (_, reply) => {
  const { exchange, clock } = await start()
  exchange.fault({ exchange: 'coinw', reply })
  const { status, body } = await caller(exchange, clock).coinw()
  expect([status, body]).toMatchObject([200, reply])
})

test('every code of the fact sheet is among them', () => {
  const bingx = new Set(Object.values(bingxErrors).map(({ code }) => code))
  const sheet = [
    100410, 109429, 100409, 100421, 80014, 109400, 100413, 100419, 100001, 100412, 100004, 80020, 109403, 100202,
    100500, 100503, 109500, 80012, 100400, 100404,
  ]
  expect(sheet.filter(code => !bingx.has(code as never))).toEqual([])
  const coinw = new Set(Object.values(coinwErrors).map(({ code }) => code))
  const table = [29001, -3, -103, -200, 200005, 1003, 6000, 10006, 10007, 10002, 10003, 10004, 10005, 10001, 500]
  expect(table.filter(code => !coinw.has(code as never))).toEqual([])
})

test('bodies without the server’s time, where the option says so', async () => {
  const { exchange, clock } = await start({ bodyTimestamp: false })
  const { bingx } = caller(exchange, clock)
  expect(Object.keys((await bingx()).body)).toEqual(['code', 'msg', 'data'])
  await codes(4, bingx)
  expect((await bingx()).body).toEqual({ code: 100410, msg: 'rate limited', data: {} })
})

test('refusals and bans with HTTP status 429, where the option says so; errors keep 200', async () => {
  const { exchange, clock } = await start({ refusalStatus: 429 })
  const { bingx } = caller(exchange, clock)
  for (let call = 0; call < 5; call++) expect((await bingx()).status).toBe(200)
  const refusal = await bingx()
  expect([refusal.status, refusal.body.code, refusal.headers.get('retry-after')]).toEqual([429, 100410, null])
  exchange.ban({ exchange: 'bingx', uid: 'bob', forMs: 1000 })
  expect((await bingx({ account: bob })).status).toBe(429)
  expect((await bingx({ path: spotBalance, params: { timestamp: 1 } })).status).toBe(200)
})
