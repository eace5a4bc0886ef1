import { expect, test } from 'vitest'
import { alice, bob, caller, codes, serverTime, start, swapBalance } from './helpers.ts'

test('calls are told in all, per exchange, per UID and endpoint, and per limit', async () => {
  const { exchange, clock } = await start()
  const { bingx, coinw } = caller(exchange, clock)
  await codes(7, bingx)
  await bingx({ account: bob, query: 'timestamp=1&signature=0' })
  await bingx({ path: serverTime, query: '' })
  await codes(2, coinw)
  exchange.ban({ exchange: 'coinw', uid: 'alice', endpoint: 'returnBalances', forMs: 1000 })
  await coinw()

  const stats = exchange.stats()
  expect(stats).toMatchObject({ accepted: 9, failed: 1, refused: 3, intoBan: 1, banned: 1, unknown: 0, faulted: 0 })
  expect(stats.exchanges).toEqual({
    bingx: { accepted: 7, failed: 1, refused: 2, intoBan: 0, banned: 0, errorBanned: 0 },
    coinw: { accepted: 2, failed: 0, refused: 1, intoBan: 1, banned: 1, errorBanned: 0 },
  })
  const endpoint = `GET ${swapBalance}`
  expect(stats.endpoints).toEqual([
    {
      exchange: 'bingx',
      uid: 'alice',
      endpoint,
      accepted: 5,
      failed: 0,
      refused: 2,
      intoBan: 0,
      banned: 0,
      errorBanned: 0,
    },
    {
      exchange: 'bingx',
      uid: 'bob',
      endpoint,
      accepted: 1,
      failed: 1,
      refused: 0,
      intoBan: 0,
      banned: 0,
      errorBanned: 0,
    },
    {
      exchange: 'bingx',
      uid: null,
      endpoint: `GET ${serverTime}`,
      accepted: 1,
      failed: 0,
      refused: 0,
      intoBan: 0,
      banned: 0,
      errorBanned: 0,
    },
    {
      exchange: 'coinw',
      uid: 'alice',
      endpoint: 'returnBalances',
      accepted: 2,
      failed: 0,
      refused: 1,
      intoBan: 1,
      banned: 1,
      errorBanned: 0,
    },
  ])
  const limit = { exchange: 'bingx', key: `alice ${endpoint}`, limit: 5, windowMs: 1000 }
  expect(stats.limits).toContainEqual({ ...limit, name: 'uid-endpoint', accepted: 5, refused: 2, peak: 5 })
})

test('stats are a copy', async () => {
  const { exchange, clock } = await start()
  await caller(exchange, clock).bingx()
  const before = exchange.stats()
  before.exchanges.bingx.accepted = 99
  for (const row of [...before.endpoints, ...before.limits]) row.accepted = 99
  expect(JSON.stringify(exchange.stats())).not.toContain('99')
})

test('the log names each call at its instant, and keeps the newest', async () => {
  const { exchange, clock } = await start({ logSize: 3 })
  const { bingx } = caller(exchange, clock)
  await bingx()
  clock.step(10)
  await bingx({ ip: '10.0.0.2' })
  await bingx({ path: serverTime, query: '' })
  await bingx({ path: '/openApi/none' })
  const call = { exchange: 'bingx', ip: '127.0.0.1', outcome: 'accepted', counted: true }
  expect(exchange.log()).toEqual([
    { ...call, atMs: 1010, uid: 'alice', ip: '10.0.0.2', endpoint: `GET ${swapBalance}` },
    { ...call, atMs: 1010, uid: null, endpoint: `GET ${serverTime}` },
    { ...call, atMs: 1010, uid: null, endpoint: null, outcome: 'unknown', counted: false },
  ])
  expect(exchange.stats().logDropped).toBe(1)
})

test('log size 0 keeps nothing', async () => {
  const { exchange, clock } = await start({ logSize: 0 })
  await caller(exchange, clock).bingx()
  expect(exchange.log()).toEqual([])
  expect(exchange.stats().logDropped).toBe(1)
})

test('neither stats nor log nor answers hold a key, a secret or a signature', async () => {
  const { exchange, clock } = await start()
  const { bingx, coinw } = caller(exchange, clock)
  const answers = [
    await bingx(),
    await bingx({ query: 'signature=c0ffee&apiKey=key-of-alice' }),
    await bingx({ path: '/openApi/none', query: 'x=secret-of-alice' }),
    await coinw(),
    await coinw({ sign: 'C0FFEE' }),
  ]
  const all = JSON.stringify([exchange.stats(), exchange.log(), answers.map(answer => answer.body)])
  for (const secret of [alice.apiKey, alice.secretKey, 'c0ffee', 'C0FFEE', 'signature=', 'sign=']) {
    expect(all).not.toContain(secret)
  }
})

test('an address has to be one, and there are at most a thousand', async () => {
  const { exchange, clock } = await start({ ban: false })
  const { bingx } = caller(exchange, clock)
  expect((await bingx({ ip: 'no address' })).status).toBe(400)
  for (let n = 0; n < 1000; n++) await bingx({ path: serverTime, query: '', ip: `10.0.0.${n}` })
  expect((await bingx({ path: serverTime, query: '', ip: '10.0.0.1000' })).status).toBe(400)
  expect((await bingx({ path: serverTime, query: '', ip: '10.0.0.999' })).status).toBe(200)
  expect(exchange.stats().accepted).toBe(1001)
})
