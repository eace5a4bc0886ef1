import type { Reading } from '@headgate/core'
import { describe, expect, it } from 'vitest'
import { createBingx } from '../src/index.ts'
import { KEYS, world } from './support/exchange.ts'
import { settle } from './support/settle.ts'

/** The first readings of a poller. */
async function take<T>(count: number, readings: AsyncIterable<Reading<T>>): Promise<Reading<T>[]> {
  const taken: Reading<T>[] = []
  for await (const reading of readings) if (taken.push(reading) === count) break
  return taken
}

describe('every endpoint', () => {
  it('can be polled', async () => {
    await using it = await world()
    const { account, bingx, clock, exchange } = it
    const everyMs = 1_000
    const polled = await settle(
      Promise.all([
        take(2, account.swap.balance.poll({ everyMs })),
        take(2, account.spot.balance.poll({ everyMs })),
        take(2, account.allBalances.poll({ everyMs, query: { accountType: 'spot' } })),
        take(2, account.swap.income.poll({ everyMs, query: { limit: 3 } })),
        take(2, bingx.serverTime.poll({ everyMs })),
      ]),
      clock,
    )
    expect(polled.flat().every(({ ok }) => ok)).toBe(true)
    expect(polled[2]?.[1]).toMatchObject({ value: [{ accountType: 'spot' }] })
    expect(polled[3]?.[1]).toMatchObject({ value: { length: 3 } })
    expect(exchange.stats()).toMatchObject({ accepted: 10, refused: 0 })
    expect(it.bingx.scheduler.snapshot().lanes).toStrictEqual([])
  })

  it('is polled once for all who poll the same thing, and apart for who polls another', async () => {
    await using it = await world()
    const { account, clock, exchange, bingx } = it
    bingx.scheduler.hold({ exchange: 'bingx' }, { forMs: 3_000, reason: 'test' })
    const polled = Promise.all([
      ...[1, 2, 3].map(() => take(1, account.swap.balance.poll({ everyMs: 1_000 }))),
      take(1, account.swap.income.poll({ everyMs: 1_000, query: { limit: 3 } })),
      take(1, account.swap.income.poll({ everyMs: 1_000, query: { limit: 4 } })),
    ])
    const readings = (await settle(polled, clock)).flat()
    const [first, ...others] = readings.slice(0, 3).map(reading => reading.ok && reading.value)
    expect(first).toMatchObject([{ asset: 'USDT' }, { asset: 'USDC' }])
    for (const other of others) expect(other).toBe(first)
    expect(readings.slice(3).map(reading => reading.ok && (reading.value as unknown[]).length)).toStrictEqual([3, 4])
    expect(exchange.stats().accepted).toBe(3)
  })

  it('can be polled by its name, public or signed, documented or not', async () => {
    await using it = await world()
    const { account, bingx, clock, exchange } = it
    const everyMs = 1_000
    const endpoint = 'GET /openApi/swap/v2/user/income'
    const polled = await settle(
      Promise.all([
        take(2, bingx.call.poll('GET /openApi/swap/v2/server/time', { everyMs })),
        take(2, account.call.poll('GET /openApi/swap/v2/server/time', { everyMs })),
        take(2, account.call.poll(endpoint, { everyMs, params: { limit: 3 } })),
        take(2, account.call.poll(endpoint, { everyMs, params: { limit: 4 } })),
        take(1, account.call.poll('GET /openApi/new/one', { everyMs, limit: { uid: 5 } })),
      ]),
      clock,
    )
    expect(
      polled
        .slice(0, 4)
        .flat()
        .every(({ ok }) => ok),
    ).toBe(true)
    expect(polled[2]?.map(reading => reading.ok && (reading.value as unknown[]).length)).toStrictEqual([3, 3])
    expect(polled[3]?.map(reading => reading.ok && (reading.value as unknown[]).length)).toStrictEqual([4, 4])
    expect(polled[4]).toMatchObject([{ ok: false, error: { endpoint: 'GET /openApi/new/one' } }])
    expect(exchange.stats().refused).toBe(0)
  })

  it.each<[string, (it: Awaited<ReturnType<typeof world>>) => unknown, string]>([
    [
      'what may change something',
      ({ account }) => account.call.poll('POST /openApi/swap/v2/trade/order' as never, { everyMs: 1_000 }),
      'account.call("POST /openApi/swap/v2/trade/order").poll: expected what only reads, got what may change something',
    ],
    [
      'an interval that is none',
      ({ account }) => account.call.poll('GET /openApi/swap/v3/user/balance', { everyMs: 0 }),
      'account.call("GET /openApi/swap/v3/user/balance").poll: option "everyMs": expected a number of milliseconds from 1',
    ],
    [
      'no options at all',
      ({ bingx }) => bingx.call.poll('GET /openApi/swap/v2/quote/depth', undefined as never),
      'bingx.call("GET /openApi/swap/v2/quote/depth").poll: option "everyMs"',
    ],
    [
      'parameters that are none',
      ({ bingx }) => bingx.call.poll('GET /openApi/swap/v2/quote/depth', { everyMs: 1_000, params: 'BTC' as never }),
      'bingx.call("GET /openApi/swap/v2/quote/depth")',
    ],
    [
      'a signed endpoint without an account',
      ({ bingx }) => bingx.call.poll('GET /openApi/swap/v3/user/balance', { everyMs: 1_000 }),
      'expected a public endpoint',
    ],
  ])('refuses to poll %s, at once', async (_, poll, message) => {
    await using it = await world()
    expect(() => poll(it)).toThrow(TypeError)
    expect(() => poll(it)).toThrow(message)
    expect(it.exchange.stats().accepted).toBe(0)
  })

  it('takes `coalesce` in a plain call, and shares nothing without it', async () => {
    await using it = await world()
    const { account, clock, exchange, bingx } = it
    bingx.scheduler.hold({ exchange: 'bingx' }, { forMs: 3_000, reason: 'test' })
    const calls = [
      account.swap.income({ limit: 3 }, { coalesce: 'x' }),
      account.swap.income({ limit: 3 }, { coalesce: 'x' }),
      account.swap.income({ limit: 4 }, { coalesce: 'x' }),
      account.swap.income({ limit: 3 }),
    ]
    const lengths = (await settle(Promise.all(calls), clock)).map(({ length }) => length)
    expect(lengths).toStrictEqual([3, 3, 4, 3])
    expect(exchange.stats().accepted).toBe(3)
  })
})

describe('calls that share one request', () => {
  /** Two of them, both of which wait until a hold is over, and what they come to. */
  const two = async (retries: number, ...answers: object[]) => {
    const { clock } = await world()
    let requests = 0
    const fetch = () => {
      const body = JSON.stringify(answers[requests++] ?? { code: 0, data: { serverTime: 7 } })
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'application/json' } }))
    }
    const bingx = createBingx({ fetch, clock, retries, baseUrl: 'http://127.0.0.1:9' })
    bingx.scheduler.hold({ exchange: 'bingx' }, { forMs: 3_000, reason: 'test' })
    const calls = [1, 2].map(() => bingx.serverTime({ coalesce: 'x' }))
    const outcomes = await settle(Promise.allSettled(calls), clock)
    await bingx.close()
    return { outcomes, requests }
  }

  it('go again when it failed, each of them', async () => {
    const { outcomes, requests } = await two(3, { code: 100500, msg: 'busy' })
    expect(outcomes).toMatchObject([{ value: 7 }, { value: 7 }])
    expect(requests).toBeGreaterThan(1)
  })

  it('fail alike when they may not go again', async () => {
    const busy = { reason: { name: 'BingxError', code: 100500, kind: 'transient' } }
    expect(await two(0, { code: 100500, msg: 'busy' })).toMatchObject({ outcomes: [busy, busy], requests: 1 })
    const refused = { reason: { name: 'BingxError', code: 100410, kind: 'refused' } }
    expect(await two(0, { code: 100410, msg: 'too many' })).toMatchObject({ outcomes: [refused, refused], requests: 1 })
  })
})

it('goes again after a failure, through the gate, one call at a time', async () => {
  const { clock } = await world()
  let requests = 0
  let open = 0
  const fetch = async () => {
    expect(++open).toBe(1)
    await new Promise<void>(resolve => void clock.setTimer(resolve, 50))
    open--
    const body = ++requests % 2 === 1 ? { code: 100500, msg: 'busy' } : { code: 0, data: { serverTime: requests } }
    return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
  }
  const bingx = createBingx({ fetch, clock, baseUrl: 'http://127.0.0.1:9' })
  const readings = await settle(take(3, bingx.serverTime.poll({ everyMs: 10_000 })), clock)
  expect(readings.map(reading => reading.ok && reading.value)).toStrictEqual([2, 4, 6])
  expect(bingx.scheduler.snapshot().counters.admitted).toBe(6)
  await bingx.close()
  expect(clock.pendingTimers).toBe(0)
})

it('ends when the client closes, also one whose scheduler stays open', async () => {
  await using it = await world()
  const { account, bingx, clock } = it
  let readings = 0
  let ended = false
  void (async () => {
    for await (const _ of account.swap.balance.poll({ everyMs: 1_000 })) readings++
    ended = true
  })()
  while (readings < 2) await clock.advance(100)
  await bingx.close()
  await clock.advance(0)
  expect(ended).toBe(true)
  expect(bingx.scheduler.snapshot().counters).toMatchObject({ queued: 0, running: 0 })
})

describe('bad options', () => {
  const account = createBingx().account({ ...KEYS, uid: 'u1' })
  const poll = account.swap.income.poll as (options?: unknown) => unknown
  it.each<[unknown, string]>([
    [undefined, 'option "everyMs": expected a number of milliseconds from 1, got undefined'],
    [{ everyMs: 0 }, 'option "everyMs": expected a number of milliseconds from 1, got 0'],
    [{ everyMs: 1, weight: 0 }, 'option "weight": expected a number above 0, got 0'],
    [{ everyMs: 1, onError: 'x' }, 'option "onError": expected one of "yield", "throw", got "x"'],
    [{ everyMs: 1, coalesce: 7 }, 'option "coalesce": expected a non-empty string, got 7'],
    [{ everyMs: 1, query: { limit: 0 } }, 'parameter "limit": expected a whole number from 1 to 1000, got 0'],
  ])('%o', (options, message) => {
    expect(() => poll(options)).toThrow(new TypeError(`account.swap.income.poll: ${message}`))
  })
})
