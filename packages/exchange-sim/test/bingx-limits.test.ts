import { expect, test } from 'vitest'
import { alice, bob, caller, codes, serverTime, spotBalance, start, swapBalance } from './helpers.ts'

const refused = 100410

test('five calls per second, UID and endpoint; the sixth is refused until the first has left the window', async () => {
  const { exchange, clock } = await start()
  const call = caller(exchange, clock).bingx
  expect(await codes(6, call)).toEqual([0, 0, 0, 0, 0, refused])
  clock.step(999.999)
  expect(await codes(1, call)).toEqual([refused])
  clock.step(0.001)
  expect(await codes(6, call)).toEqual([0, 0, 0, 0, 0, refused])
})

test('the window slides: a fixed window of one second would let the burst around its edge in', async () => {
  const { exchange, clock } = await start()
  const call = caller(exchange, clock).bingx
  clock.step(900)
  expect(await codes(5, call)).toEqual([0, 0, 0, 0, 0])
  clock.step(200)
  expect(await codes(1, call)).toEqual([refused])
})

test('a refusal says so in the documented words, with the time of the server', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  await codes(5, bingx)
  const { status, body } = await bingx()
  expect(status).toBe(200)
  expect(body).toEqual({ code: 100410, msg: 'rate limited', timestamp: clock.epoch, data: {} })
})

test('refused calls are not counted, unless countRefused says so', async () => {
  for (const [countRefused, expected] of [
    [false, 0],
    [true, refused],
  ] as const) {
    const { exchange, clock } = await start({ countRefused })
    const call = caller(exchange, clock).bingx
    await codes(5, call)
    clock.step(500)
    await codes(5, call)
    clock.step(500)
    expect(await codes(1, call)).toEqual([expected])
    expect(exchange.log()[5]).toMatchObject({ outcome: 'refused', counted: countRefused })
  }
})

test('another UID and another endpoint have windows of their own; another key of the UID has not', async () => {
  const second = { uid: 'alice', apiKey: 'second-key', secretKey: 'second-secret' }
  const { exchange, clock } = await start({ accounts: [alice, bob, second] })
  const { bingx } = caller(exchange, clock)
  await codes(5, bingx)
  expect(await codes(1, () => bingx({ account: bob }))).toEqual([0])
  expect(await codes(1, () => bingx({ path: spotBalance }))).toEqual([0])
  expect(await codes(1, () => bingx({ account: second }))).toEqual([refused])
})

test('calls with a wrong signature or a stale timestamp use up the window like all others', async () => {
  const { exchange, clock } = await start({ errorRule: false })
  const { bingx } = caller(exchange, clock)
  await codes(3, () => bingx({ query: `timestamp=${clock.epoch}&signature=wrong` }))
  await codes(2, () => bingx({ params: { timestamp: 1 } }))
  expect(await codes(1, bingx)).toEqual([refused])
})

test('300 calls per ten seconds, address and endpoint, however many UIDs; a second address has its own', async () => {
  const accounts = Array.from({ length: 61 }, (_, n) => ({ uid: `u${n}`, apiKey: `k${n}`, secretKey: `s${n}` }))
  const { exchange, clock } = await start({ accounts })
  const { bingx } = caller(exchange, clock)
  const results = await Promise.all(accounts.flatMap(account => [1, 2, 3, 4, 5].map(() => bingx({ account }))))
  expect(results.filter(({ body }) => body.code === 0)).toHaveLength(300)
  const [account] = accounts
  clock.step(9999)
  expect(await codes(1, () => bingx({ account }))).toEqual([refused])
  expect(await codes(1, () => bingx({ account, ip: '10.0.0.2' }))).toEqual([0])
  expect(await codes(1, () => bingx({ account, path: spotBalance }))).toEqual([0])
  clock.step(1)
  expect(await codes(1, () => bingx({ account }))).toEqual([0])
  const key = `127.0.0.1 GET ${swapBalance}`
  const ofIp = exchange.stats().limits.find(limit => limit.name === 'ip-endpoint' && limit.key === key)
  expect(ofIp).toMatchObject({ limit: 300, windowMs: 10_000, accepted: 301, peak: 300, refused: 6 })
})

test('public calls: 500 per ten seconds and 1000 per minute from one address, the whole group together', async () => {
  const { exchange, clock } = await start({ ban: false })
  const { bingx } = caller(exchange, clock)
  const burst = async (times: number): Promise<number> => {
    const paths = [serverTime, '/openApi/swap/v2/quote/ticker']
    const calls = Array.from({ length: times }, (_, n) => bingx({ path: paths[n % 2] ?? serverTime, query: '' }))
    return (await Promise.all(calls)).filter(({ body }) => body.code === 0).length
  }
  expect(await burst(510)).toBe(500)
  clock.step(10_000)
  expect(await burst(510)).toBe(500)
  clock.step(10_000)
  expect(await burst(5)).toBe(0)
  clock.step(39_999)
  expect(await burst(5)).toBe(0)
  clock.step(1)
  expect(await burst(510)).toBe(500)
})
