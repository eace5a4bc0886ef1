import { inspect } from 'node:util'
import { createScheduler, MaxWaitError, RefusedError } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, it } from 'vitest'
import { BingxError, bingxLimits, createBingx } from '../src/index.ts'
import { KEYS, world } from './support/exchange.ts'
import { failure, NEVER_MS, settle } from './support/settle.ts'

const BALANCE = 'GET /openApi/swap/v3/user/balance'
const DECIMAL = /^-?\d+(\.\d+)?$/

describe('every endpoint', () => {
  it('is answered', async () => {
    await using it = await world()
    const { account, bingx, clock, exchange } = it
    const [swap, spot, all, income, time] = await settle(
      Promise.all([
        account.swap.balance(),
        account.spot.balance(),
        account.allBalances(),
        account.swap.income(),
        bingx.serverTime(),
      ]),
      clock,
    )
    expect(swap[0]).toMatchObject({
      asset: 'USDT',
      balance: expect.stringMatching(DECIMAL),
      freezedMargin: expect.stringMatching(DECIMAL),
    })
    expect(spot[0]).toMatchObject({ free: expect.stringMatching(DECIMAL), locked: expect.stringMatching(DECIMAL) })
    expect(all.map(({ accountType }) => accountType)).toContain('spot')
    expect(all.map(({ accountType }) => accountType)).not.toContain('sopt')
    expect(income[0]).toMatchObject({ income: expect.stringMatching(DECIMAL), time: expect.any(Number), asset: 'USDT' })
    expect(time).toBeGreaterThan(Date.UTC(2026, 0, 1) - 1)
    expect(exchange.stats()).toMatchObject({ accepted: 5, refused: 0, failed: 0, unknown: 0 })
  })

  it('sends its parameters', async () => {
    await using it = await world()
    const { account, clock } = it
    const now = clock.epochMs()
    const income = await settle(
      account.swap.income({
        symbol: 'BTC-USDT',
        incomeType: 'FUNDING_FEE',
        startTime: now - 5 * 86_400_000,
        endTime: now,
        limit: 7,
      }),
      clock,
    )
    expect(income).toHaveLength(7)
    expect(new Set(income.map(({ symbol, incomeType }) => `${symbol} ${incomeType}`))).toEqual(
      new Set(['BTC-USDT FUNDING_FEE']),
    )
    expect(await settle(account.swap.income({ startTime: 0, endTime: 1 }), clock)).toEqual([])
    for (const accountType of ['spot', 'sopt'] as const) {
      expect(await settle(account.allBalances({ accountType }), clock)).toMatchObject([{ accountType: 'spot' }])
    }
  })

  it('is under its limits: 12 calls of one endpoint take two seconds, another endpoint goes beside them', async () => {
    await using it = await world()
    const { account, clock, exchange } = it
    const startMs = clock.nowMs()
    await settle(
      Promise.all([...Array.from({ length: 12 }, () => account.swap.balance()), account.spot.balance()]),
      clock,
      10,
    )
    expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(2000)
    expect(exchange.stats()).toMatchObject({ accepted: 13, refused: 0 })
  })
})

describe('a ban', () => {
  it.each(['disabled-period', 'error-count'] as const)(
    '(%s) is learned from one answer; nothing is sent into it',
    async wording => {
      await using it = await world()
      const { account, clock, exchange, events } = it
      exchange.ban({ exchange: 'bingx', endpoint: BALANCE, uid: 'u1', forMs: 120_000, wording })
      const first = account.swap.balance()
      while (!events.some(({ type }) => type === 'held')) await clock.advance(1)
      const others = Array.from({ length: 4 }, () => account.swap.balance())
      // Another endpoint goes on.
      expect(await settle(account.spot.balance(), clock)).not.toEqual([])
      await clock.advance(119_000)
      expect(exchange.stats()).toMatchObject({ intoBan: 1, accepted: 1 })
      await settle(Promise.all([first, ...others]), clock)
      expect(exchange.stats()).toMatchObject({ intoBan: 1, refused: 1, accepted: 6 })
      expect(events.find(({ type }) => type === 'held')).toMatchObject({
        labels: { exchange: 'bingx', uid: 'u1', endpoint: BALANCE },
      })
    },
  )

  it('tells a call that may not wait that long', async () => {
    await using it = await world({ codes: 'renumbered' })
    const { account, clock, exchange } = it
    const untilMs = exchange.ban({ exchange: 'bingx', endpoint: BALANCE, uid: 'u1', forMs: 120_000 })
    const error = await failure(account.swap.balance({ maxWaitMs: 5000 }), clock)
    expect(error).toBeInstanceOf(BingxError)
    expect(error).toMatchObject({
      name: 'BingxError',
      kind: 'held',
      code: 109429,
      untilMs: Math.ceil(untilMs),
      endpoint: BALANCE,
      uid: 'u1',
    })
    expect(await failure(account.swap.balance({ maxWaitMs: 5000 }), clock)).toBeInstanceOf(MaxWaitError)
    expect(exchange.stats()).toMatchObject({ intoBan: 1, accepted: 0 })
  })

  it('is reckoned on the clock of the answer, not on ours', async () => {
    const serverClock = virtualClock({ epochMs: Date.UTC(2026, 0, 1) })
    await using it = await world({
      clock: { nowMs: () => serverClock.nowMs(), epochMs: () => Date.UTC(2026, 0, 1) + 3000 },
    })
    const { account, clock, exchange, events } = it
    exchange.ban({ exchange: 'bingx', endpoint: BALANCE, uid: 'u1', forMs: 60_000 })
    void account.swap.balance().catch(() => {})
    while (!events.some(({ type }) => type === 'held')) await clock.advance(1)
    expect(events.find(({ type }) => type === 'held')).toMatchObject({ forMs: 60_000 })
  })
})

describe('a host whose clock is hours off', () => {
  it.each([-3, 3])('(%i h) signs right from the first call on', async hours => {
    const atMs = Date.UTC(2026, 0, 1) + hours * 3_600_000
    let now: () => number = () => 0
    const skewed = { nowMs: () => now(), epochMs: () => atMs + now() }
    await using it = await world({ clock: skewed }, { syncClock: true })
    const { account, clock, exchange } = it
    now = () => clock.nowMs()
    await settle(Promise.all([account.swap.balance(), account.spot.balance(), account.allBalances()]), clock, 1)
    expect(exchange.stats()).toMatchObject({ failed: 0, refused: 0 })
    exchange.ban({ exchange: 'bingx', endpoint: BALANCE, uid: 'u1', forMs: 60_000 })
    const startedAtMs = clock.nowMs()
    await settle(account.swap.balance(), clock)
    expect(clock.nowMs() - startedAtMs).toBeLessThan(65_000)
    expect(exchange.stats()).toMatchObject({ failed: 0, intoBan: 1 })
  })
})

describe('a refusal without a time', () => {
  it('goes again, then is a BingxError with the RefusedError as its cause', async () => {
    await using it = await world()
    const { account, clock, exchange } = it
    exchange.fault({ endpoint: BALANCE, times: Number.POSITIVE_INFINITY, reply: { code: 100410, msg: 'rate limited' } })
    const error = await failure(account.swap.balance(), clock)
    expect(error).toBeInstanceOf(BingxError)
    expect(error).toMatchObject({ kind: 'refused', code: 100410, msg: 'rate limited', endpoint: BALANCE, uid: 'u1' })
    expect((error as Error).cause).toBeInstanceOf(RefusedError)
    expect(exchange.stats().accepted).toBe(4)
  })
})

describe('an error', () => {
  it.each([
    [{ code: 100413, msg: 'Incorrect apiKey' }, { kind: 'key', code: 100413 }, 1],
    [{ code: 80020, msg: 'risk forbidden' }, { kind: 'risk', code: 80020 }, 1],
    [{ code: 100500, msg: 'busy' }, { kind: 'transient', code: 100500 }, 4],
    [{ body: '<html>bad gateway</html>', status: 502 }, { kind: 'transient', code: 502 }, 4],
    [{ body: '{"code":0,"data":"?"}', status: 200 }, { kind: 'malformed', code: 0 }, 1],
    [{ body: 'x', status: 200 }, { kind: 'malformed', code: 200 }, 1],
    [{ code: 7, msg: 'new' }, { kind: 'unknown', code: 7 }, 1],
  ])('%o: %o, sent %i times', async (reply, expected, times) => {
    await using it = await world()
    const { account, clock, exchange } = it
    exchange.fault({ endpoint: BALANCE, times: Number.POSITIVE_INFINITY, reply })
    const error = await failure(account.swap.balance(), clock)
    expect(error).toBeInstanceOf(BingxError)
    expect(error).toMatchObject(expected)
    expect(exchange.stats().accepted).toBe(times)
  })

  it('of a moment is not noticed', async () => {
    await using it = await world()
    const { account, clock, exchange } = it
    exchange.fault({ endpoint: BALANCE, times: 1, reply: 'drop' })
    exchange.fault({
      endpoint: BALANCE,
      times: 1,
      reply: { code: 100410, msg: 'The current system is busy, please try again later' },
    })
    exchange.fault({ endpoint: BALANCE, times: 1, reply: { body: '<html></html>', status: 503 } })
    expect(await settle(account.swap.balance(), clock)).not.toEqual([])
    expect(exchange.stats().accepted).toBe(4)
  })

  it('with HTTP 403 and no code holds all calls of the IP', async () => {
    await using it = await world()
    const { account, bingx, clock, exchange } = it
    exchange.fault({ endpoint: BALANCE, reply: { body: '<html>blocked</html>', status: 403 } })
    expect(await failure(account.swap.balance({ maxWaitMs: 1000 }), clock)).toMatchObject({ kind: 'held', code: 403 })
    expect(await failure(bingx.serverTime({ maxWaitMs: 1000 }), clock)).toBeInstanceOf(MaxWaitError)
    expect(exchange.stats().accepted).toBe(1)
  })

  it('tells a wrong secret', async () => {
    await using it = await world()
    const { bingx, clock } = it
    const wrong = bingx.account({ ...KEYS, secretKey: 'another-secret', uid: 'u1' })
    expect(await failure(wrong.swap.balance(), clock)).toMatchObject({ kind: 'key', code: 100001 })
  })
})

describe('the client', () => {
  it('closes its own scheduler, not one that was passed in', async () => {
    const own = createBingx({ baseUrl: 'http://127.0.0.1:1' })
    await own.close()
    await expect(own.serverTime()).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(own.scheduler.schedule({ labels: {}, unlimited: true }, () => 1)).rejects.toMatchObject({
      code: 'CLOSED',
    })

    const scheduler = createScheduler({ limits: bingxLimits })
    const sharing = createBingx({ scheduler })
    await sharing.close()
    await expect(scheduler.schedule({ labels: {}, unlimited: true }, () => 1)).resolves.toBe(1)
  })

  it('takes a base URL with a path and a slash', async () => {
    const urls: string[] = []
    const fetch = async (input: unknown) => {
      urls.push((input as Request).url)
      return new Response('{"code":0,"data":{"serverTime":1}}')
    }
    const scheduler = createScheduler({ limits: bingxLimits, coldStart: 'full' })
    await createBingx({ baseUrl: 'https://proxy.example/bingx/', fetch, scheduler }).serverTime()
    await createBingx({ fetch, scheduler }).serverTime()
    expect(urls).toEqual([
      'https://proxy.example/bingx/openApi/swap/v2/server/time',
      'https://open-api.bingx.com/openApi/swap/v2/server/time',
    ])
  })

  it('gives calls of one endpoint one labels object', async () => {
    const seen = new Set<unknown>()
    const scheduler = createScheduler({ limits: bingxLimits, coldStart: 'full' })
    const watching = Object.assign(Object.create(scheduler), {
      schedule: (request: { labels: object }) => {
        seen.add(request.labels)
        return Promise.resolve([])
      },
      close: async () => {},
    })
    const account = createBingx({ scheduler: watching, syncClock: false }).account({ ...KEYS, uid: 'me' })
    for (let i = 0; i < 3; i++) await account.swap.balance()
    expect([...seen]).toEqual([{ exchange: 'bingx', ip: 'default', uid: 'me', endpoint: BALANCE, group: '3' }])
    expect([...seen].every(Object.isFrozen)).toBe(true)
  })

  it('has no secret to show', async () => {
    await using it = await world()
    const { bingx, account, clock, exchange, events } = it
    const secrets = [KEYS.apiKey, KEYS.secretKey]
    exchange.fault({ endpoint: BALANCE, reply: { code: 100413, msg: `Incorrect apiKey ${KEYS.apiKey}` } })
    const pending = account.spot.balance()
    const error = await failure(account.swap.balance(), clock)
    const call = account.allBalances()
    for (const each of [bingx, account, bingx.scheduler, bingx.scheduler.snapshot(), error, events, call, pending]) {
      const seen = [
        inspect(each, { depth: 10, showHidden: true }),
        JSON.stringify(each),
        String(each),
        (each as Error).stack,
      ]
      const shown = seen.join(' ')
      for (const secret of secrets) expect(shown).not.toContain(secret)
      expect(shown).not.toMatch(/\b[0-9a-f]{64}\b/)
    }
    expect(error).toMatchObject({ msg: 'Incorrect apiKey [redacted]' })
    // The key is stopped: what waited fails.
    await settle(Promise.allSettled([call, pending]), clock)
  })

  it('asks for spot by the name that the live exchange knows', async () => {
    const asked: (string | null)[] = []
    const fetch = async (input: unknown) => {
      asked.push(new URL((input as Request).url).searchParams.get('accountType'))
      return new Response('{"code":0,"data":[]}')
    }
    const scheduler = createScheduler({ limits: bingxLimits, coldStart: 'full' })
    const account = createBingx({ fetch, scheduler, syncClock: false }).account(KEYS)
    await account.allBalances({ accountType: 'spot' })
    await account.allBalances({ accountType: 'grid' })
    await account.allBalances()
    expect(asked).toEqual(['sopt', 'grid', null])
  })

  it('signs every attempt at the moment of its sending', async () => {
    const urls: URL[] = []
    const clock = virtualClock({ epochMs: 1_696_751_141_337 })
    const fetch = async (input: unknown) => {
      urls.push(new URL((input as Request).url))
      // A pause drawn by chance may be shorter than the millisecond that a timestamp shows.
      await new Promise<void>(resolve => clock.setTimer(resolve, 2))
      return new Response(urls.length < 3 ? '{"code":100500,"msg":"busy"}' : '{"code":0,"data":[]}')
    }
    const scheduler = createScheduler({ limits: bingxLimits, coldStart: 'full', clock })
    const account = createBingx({ scheduler, fetch, clock, timeoutMs: NEVER_MS, syncClock: false }).account(KEYS)
    scheduler.hold({ exchange: 'bingx' }, { forMs: 60_000, reason: 'a wait' })
    await settle(account.swap.balance(), clock)
    const [first, second, third] = urls.map(({ search }) => search)
    expect(new Set([first, second, third]).size).toBe(3)
    for (const url of urls) {
      expect(url.search).toMatch(/^\?recvWindow=5000&timestamp=\d{13}&signature=[0-9a-f]{64}$/)
      // After the wait, not before it.
      expect(Number(url.searchParams.get('timestamp'))).toBeGreaterThanOrEqual(1_696_751_141_337 + 60_000)
    }
  })
})
