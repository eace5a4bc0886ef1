import { inspect } from 'node:util'
import { createScheduler, RefusedError, type SchedulerEvent } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { startExchange } from '@headgate/exchange-sim'
import { describe, expect, it } from 'vitest'
import { CoinwError, coinwLimits, createCoinw } from '../src/index.ts'
import { failure, NEVER_MS, settle } from './support/settle.ts'

const KEYS = { apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' }

/** An exchange and a client on one virtual clock. */
async function world() {
  const clock = virtualClock()
  const events: SchedulerEvent[] = []
  const exchange = await startExchange({ accounts: [{ uid: 'u1', ...KEYS }], clock })
  const observer = (event: SchedulerEvent) => events.push(event)
  const scheduler = createScheduler({
    limits: coinwLimits,
    coldStart: 'full',
    clock,
    observer,
    timeoutMs: 2 * NEVER_MS,
  })
  const coinw = createCoinw({ baseUrl: exchange.coinwUrl, scheduler, clock, timeoutMs: NEVER_MS })
  return {
    clock,
    exchange,
    coinw,
    events,
    account: coinw.account({ ...KEYS, uid: 'u1' }),
    [Symbol.asyncDispose]: async () => {
      await coinw.close()
      await scheduler.close()
      await exchange.close()
    },
  }
}

/** A client whose requests go nowhere; the n-th gets the n-th answer. */
function recording(...answers: readonly string[]) {
  const requests: { method: string; url: URL; type: string | null; body: string }[] = []
  const clock = virtualClock()
  const fetch = async (input: unknown) => {
    const request = input as Request
    requests.push({
      method: request.method,
      url: new URL(request.url),
      type: request.headers.get('content-type'),
      body: await request.text(),
    })
    return new Response(answers[Math.min(requests.length, answers.length) - 1] ?? '')
  }
  const scheduler = createScheduler({ limits: coinwLimits, coldStart: 'full', clock })
  const account = createCoinw({ fetch, clock, scheduler, timeoutMs: NEVER_MS }).account({ ...KEYS, uid: 'u1' })
  return { requests, clock, account }
}

describe('balances', () => {
  it('are answered, under their limit', async () => {
    await using it = await world()
    const { account, clock, exchange } = it
    const startMs = clock.nowMs()
    const all = await settle(Promise.all(Array.from({ length: 7 }, () => account.spot.balances())), clock, 10)
    expect(all[0]).toMatchObject({
      BTC: expect.stringMatching(/^0\.00\d\d$/),
      USDT: expect.stringMatching(/140000000$/),
    })
    expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(2000)
    expect(exchange.stats()).toMatchObject({ accepted: 7, refused: 0, failed: 0 })
  })
})

describe('a refusal', () => {
  it('is of its command: another one goes on', async () => {
    await using it = await world()
    const { account, clock, exchange, events } = it
    exchange.fault({
      endpoint: 'returnBalances',
      times: Number.POSITIVE_INFINITY,
      reply: { code: 29001, msg: 'API access frequently' },
    })
    const error = await failure(account.spot.balances(), clock)
    expect(error).toBeInstanceOf(CoinwError)
    expect(error).toMatchObject({
      name: 'CoinwError',
      kind: 'refused',
      code: 29001,
      endpoint: 'returnBalances',
      uid: 'u1',
    })
    expect((error as Error).cause).toBeInstanceOf(RefusedError)
    expect(exchange.stats().accepted).toBe(4)
    const halved = events.filter(({ type }) => type === 'halved')
    expect(halved).not.toEqual([])
    for (const event of halved) expect(event).toMatchObject({ limit: 'coinw uid×returnBalances' })
    await settle(account.call('returnOpenOrders', { symbol: 'BTC_USDT' }), clock)
  })

  it('once is not noticed', async () => {
    await using it = await world()
    const { account, clock, exchange } = it
    exchange.fault({ endpoint: 'returnBalances', reply: { code: '29001', status: 429, msg: 'API access frequently' } })
    expect(await settle(account.spot.balances(), clock)).toHaveProperty('BTC')
    expect(exchange.stats().accepted).toBe(2)
  })
})

describe('an error', () => {
  it.each([
    [{ code: 10006, msg: 'api_key error' }, { kind: 'key', code: 10006 }, 1],
    [{ code: '-200', msg: 'system' }, { kind: 'transient', code: '-200' }, 4],
    [{ body: '<html>no such page</html>', status: 404 }, { kind: 'fatal', code: 404 }, 1],
    [{ body: '<html>522</html>', status: 522 }, { kind: 'transient', code: 522 }, 4],
    [{ body: '<html>fine</html>', status: 200 }, { kind: 'malformed', code: 200 }, 1],
  ])('%o: %o, sent %i times', async (reply, expected, times) => {
    await using it = await world()
    const { account, clock, exchange } = it
    exchange.fault({ endpoint: 'returnBalances', times: Number.POSITIVE_INFINITY, reply })
    const error = await failure(account.spot.balances(), clock)
    expect(error).toBeInstanceOf(CoinwError)
    expect(error).toMatchObject(expected)
    expect(exchange.stats().accepted).toBe(times)
  })

  it('tells a wrong secret', async () => {
    await using it = await world()
    const { coinw, clock } = it
    const wrong = coinw.account({ ...KEYS, secretKey: 'another-secret', uid: 'u1' })
    expect(await failure(wrong.spot.balances(), clock)).toMatchObject({ kind: 'key', code: 10007 })
  })

  it('never makes a write go again', async () => {
    await using it = await world()
    const { account, clock, exchange } = it
    for (const reply of ['drop', { code: '-200', msg: 'system' }] as const) {
      exchange.fault({ endpoint: 'doTrade', reply })
      await failure(account.call('doTrade', { symbol: 'BTC_USDT' }), clock)
    }
    expect(exchange.stats().accepted).toBe(2)
  })
})

describe('a request', () => {
  it('has everything in the query, nothing in the body', async () => {
    const { requests, clock, account } = recording('{"code":"200","data":{}}')
    await settle(
      account.call('returnOpenOrders', { symbol: 'A B', empty: '', none: undefined, ids: '1,2', n: 5 }),
      clock,
    )
    const [request] = requests
    expect(request).toMatchObject({ method: 'POST', type: 'application/json', body: '' })
    expect(request?.url.pathname).toBe('/api/v1/private')
    expect(request?.url.search).toMatch(
      /^\?command=returnOpenOrders&ids=1,2&n=5&symbol=A%20B&api_key=key-5d41402abc4b2a76&sign=[0-9A-F]{32}$/,
    )
  })

  it('for a public command goes unsigned', async () => {
    const { requests, clock, account } = recording('{"code":"200","data":[1]}')
    expect(await settle(account.call('returnOrderBook', { symbol: 'BTC_USDT' }), clock)).toEqual([1])
    expect(requests[0]?.method).toBe('GET')
    expect(requests[0]?.url.href).toBe('https://api.coinw.com/api/v1/public?command=returnOrderBook&symbol=BTC_USDT')
  })

  it('gives ids above 2^53 with all their digits', async () => {
    const { clock, account } = recording('{"code":"200","data":{"orderNumber":9007199254740993}}')
    expect(await settle(account.call('returnOrderStatus', { orderNumber: '9007199254740993' }), clock)).toEqual({
      orderNumber: '9007199254740993',
    })
  })
})

it('has no secret to show', async () => {
  await using it = await world()
  const { coinw, account, clock, exchange, events } = it
  exchange.fault({
    endpoint: 'returnBalances',
    reply: { code: 10006, msg: `api_key ${KEYS.apiKey} error, sign=${'AB'.repeat(16)}` },
  })
  const error = await failure(account.spot.balances(), clock)
  for (const each of [coinw, account, coinw.scheduler, coinw.scheduler.snapshot(), error, events]) {
    const seen = [
      inspect(each, { depth: 10, showHidden: true }),
      JSON.stringify(each),
      String(each),
      (each as Error).stack,
    ]
    const shown = seen.join(' ')
    for (const secret of Object.values(KEYS)) expect(shown).not.toContain(secret)
    expect(shown).not.toMatch(/\b[0-9A-F]{32}\b/)
  }
  expect(error).toMatchObject({ msg: 'api_key [redacted] error, sign=[redacted]' })
})
