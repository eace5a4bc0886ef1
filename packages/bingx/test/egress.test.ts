import type { Kept, Memory, Reading, SchedulerEvent } from '@headgate/core'
import { describe, expect, it, test } from 'vitest'
import { type BingxOptions, createBingx, type EgressAddress } from '../src/index.ts'
import { from, KEYS, type World, world } from './support/exchange.ts'
import { failure, NEVER_MS, settle } from './support/settle.ts'

const DEPTH = 'GET /openApi/swap/v2/quote/depth'
const BALANCE = 'GET /openApi/swap/v3/user/balance'
const IPS = ['10.0.0.1', '10.0.0.2'] as const
const [A, B] = IPS

/** How many calls came from each address. */
const counts = ({ exchange }: World, ips: readonly string[] = IPS) =>
  ips.map(ip => exchange.log().filter(call => call.ip === ip).length)

const many = <T>(count: number, call: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index)))

async function take<T>(count: number, readings: AsyncIterable<Reading<T>>): Promise<Reading<T>[]> {
  const taken: Reading<T>[] = []
  for await (const reading of readings) if (taken.push(reading) === count) break
  return taken
}

/** Another client of the world's, by these addresses. */
function over({ exchange, clock, bingx: { scheduler } }: World, egress: EgressAddress[], options: BingxOptions = {}) {
  const events: SchedulerEvent[] = []
  const observer = (event: SchedulerEvent) => events.push(event)
  const { bingxUrl: baseUrl } = exchange
  const common = { baseUrl, clock, scheduler, observer, syncClock: false, timeoutMs: NEVER_MS }
  return { events, bingx: createBingx({ ...common, egress, ...options }) }
}

const broken = (code: string) => Object.assign(new Error(`connect ${code}`), { code })

/** The end of a ban by the client's hold: a second later than it is named. */
const firewall = (it: World, ip: string, forMs: number) =>
  it.exchange.ban({ exchange: 'bingx', ip, forMs, status: 403 })

describe('two addresses', () => {
  it('carry the sum of their limits, and not a call more', async () => {
    await using it = await world({}, { ips: IPS })
    const { bingx, clock, exchange } = it
    await settle(
      many(1_000, () => bingx.call(DEPTH, { symbol: 'BTC-USDT' })),
      clock,
      1,
    )
    expect(clock.nowMs()).toBeLessThan(10_000)
    expect(counts(it)).toStrictEqual([500, 500])
    const more = many(20, () => bingx.call(DEPTH, { symbol: 'BTC-USDT' }))
    await settle(more, clock, 100)
    expect(clock.nowMs()).toBeGreaterThanOrEqual(10_000)
    expect(counts(it)).toStrictEqual([510, 510])
    expect(exchange.stats().refused).toBe(0)
  })

  it("share an account's own limit", async () => {
    await using it = await world({}, { ips: IPS })
    const { account, clock, exchange, bingx } = it
    await settle(
      many(5, () => account.swap.balance()),
      clock,
      1,
    )
    expect(
      bingx.scheduler.explain({ labels: { exchange: 'bingx', ip: A, uid: 'u1', endpoint: BALANCE, group: '2' } }).go,
    ).toBe(false)
    await settle(
      many(12, () => account.swap.balance()),
      clock,
      10,
    )
    expect(exchange.stats()).toMatchObject({ accepted: 17, refused: 0 })
    const [a = 0, b = 0] = counts(it)
    expect(Math.abs(a - b)).toBeLessThanOrEqual(1)
  })

  it('carry every kind of call', async () => {
    await using it = await world({}, { ips: IPS, syncClock: true })
    const { account, bingx, clock, exchange } = it
    const everyMs = 1_000
    const pages = async () => {
      for await (const _ of account.swap.income.pages()) break
    }
    await settle(
      Promise.all([
        many(4, () => account.swap.balance()),
        many(4, () => account.spot.balance()),
        many(2, () => account.allBalances()),
        many(2, () => account.call('GET /openApi/swap/v2/user/positions')),
        many(2, () => account.call('GET /openApi/never/heard/of', {}, { limit: { uid: 5 } }).catch(() => undefined)),
        many(2, () => account.call(DEPTH, { symbol: 'BTC-USDT' })),
        many(2, () => bingx.serverTime()),
        pages(),
        take(3, account.swap.income.poll({ everyMs, query: { limit: 3 } })),
        take(3, bingx.serverTime.poll({ everyMs })),
      ]),
      clock,
    )
    expect(exchange.stats().refused).toBe(0)
    const endpoints = new Set(exchange.log().map(({ endpoint }) => endpoint))
    expect(endpoints.size).toBeGreaterThanOrEqual(7)
    const [a = 0, b = 0] = counts(it)
    expect(Math.abs(a - b)).toBeLessThanOrEqual(4)
  })

  it('are named in events', async () => {
    await using it = await world({}, { ips: IPS })
    await settle(
      many(4, () => it.account.swap.balance()),
      it.clock,
      1,
    )
    const named = it.events.flatMap(event => (event.type === 'admitted' ? [event.labels['ip']] : []))
    expect(named.sort()).toStrictEqual([A, A, B, B])
  })
})

describe('a ban of one address', () => {
  it('sends its calls by the other, those that waited for it before those that come', async () => {
    await using it = await world({}, { ips: IPS })
    const { bingx, clock, exchange, events } = it
    const order: number[] = []
    const depth = (index: number) =>
      bingx.call(DEPTH, { symbol: 'BTC-USDT' }).then(() => {
        order.push(index)
      })
    await settle(
      many(1_000, () => bingx.call(DEPTH, { symbol: 'BTC-USDT' })),
      clock,
      1,
    )
    const waiting = many(40, depth)
    firewall(it, A, 60_000)
    // Somebody finds out.
    await clock.advance(10_000 - clock.nowMs())
    while (!events.some(({ type }) => type === 'held')) await clock.advance(1)
    const toldAtMs = clock.nowMs()
    const later = many(40, index => depth(40 + index))
    await settle(Promise.all([waiting, later]), clock, 10)
    expect(clock.nowMs()).toBeLessThan(25_000)
    expect(exchange.log().filter(({ ip, atMs }) => ip === A && atMs > toldAtMs)).toStrictEqual([])
    expect(order.slice().sort((a, b) => a - b)).toStrictEqual(Array.from({ length: 80 }, (_, index) => index))
    // But for those that went into the ban and had to go again.
    expect(Math.max(...order.slice(0, 20))).toBeLessThan(40)
    expect(exchange.stats().accepted).toBe(1_080)
    expect(exchange.stats().intoBan).toBe(exchange.stats().refused)
  })

  it('of an endpoint only takes that one elsewhere', async () => {
    await using it = await world({}, { ips: IPS })
    const { bingx, clock, exchange } = it
    exchange.ban({ exchange: 'bingx', ip: A, endpoint: DEPTH, forMs: 300_000 })
    await settle(
      many(10, () => bingx.call(DEPTH, { symbol: 'BTC-USDT' })),
      clock,
      1,
    )
    expect(exchange.stats()).toMatchObject({ accepted: 10 })
    const before = exchange.log().length
    await settle(
      many(10, () => bingx.serverTime()),
      clock,
      1,
    )
    await settle(
      many(10, () => bingx.call(DEPTH, { symbol: 'BTC-USDT' })),
      clock,
      1,
    )
    const after = exchange.log().slice(before)
    expect(after.filter(({ ip, endpoint }) => ip === A && endpoint === DEPTH)).toStrictEqual([])
    expect(after.filter(({ ip, endpoint }) => ip === A && endpoint !== DEPTH).length).toBeGreaterThan(3)
    expect(clock.nowMs()).toBeLessThan(1_000)
  })

  it('of all of them: calls wait for the one that ends first, and use the others again when they end', async () => {
    await using it = await world({}, { ips: IPS })
    const { account, clock, exchange, bingx } = it
    bingx.scheduler.hold({ exchange: 'bingx', ip: A }, { forMs: 60_000, reason: 'test' })
    bingx.scheduler.hold({ exchange: 'bingx', ip: B }, { forMs: 20_000, reason: 'test' })
    await settle(
      many(4, () => account.swap.balance()),
      clock,
      10,
    )
    expect(clock.nowMs()).toBeLessThan(22_000)
    expect(counts(it)).toStrictEqual([0, 4])
    await clock.advance(61_000 - clock.nowMs())
    await settle(
      many(20, () => account.swap.balance()),
      clock,
      10,
    )
    expect(counts(it)[0]).toBeGreaterThan(5)
    expect(exchange.stats().refused).toBe(0)
  })

  it('is not waited for by pollers', async () => {
    await using it = await world({}, { ips: IPS })
    const { account, clock, exchange, bingx } = it
    bingx.scheduler.hold({ exchange: 'bingx', ip: A }, { forMs: 60_000, reason: 'test' })
    const readings = await settle(take(5, account.swap.balance.poll({ everyMs: 1_000 })), clock)
    expect(readings.every(({ ok, waitedMs }) => ok && waitedMs < 100)).toBe(true)
    expect(counts(it)).toStrictEqual([0, 5])
    expect(exchange.stats().refused).toBe(0)
  })

  it('outlives the process', async () => {
    let kept: Kept | undefined
    const memory: Memory = {
      open: () => ({
        ...(kept && { kept }),
        save(next) {
          kept = next
        },
      }),
    }
    {
      await using it = await world({}, { ips: IPS, memory })
      firewall(it, A, 600_000)
      await settle(
        many(2, () => it.account.swap.balance()),
        it.clock,
        1,
      )
    }
    await using it = await world({}, { ips: IPS, memory })
    await settle(
      many(4, () => it.account.swap.balance()),
      it.clock,
      1,
    )
    expect(counts(it)).toStrictEqual([0, 4])
  })
})

describe('one call', () => {
  it('that may not wait is refused at once only if all addresses are too late', async () => {
    await using it = await world({}, { ips: IPS })
    const { account, clock, bingx } = it
    bingx.scheduler.hold({ exchange: 'bingx', ip: A }, { forMs: 60_000, reason: 'test' })
    await settle(account.swap.balance({ maxWaitMs: 0 }), clock, 1)
    bingx.scheduler.hold({ exchange: 'bingx', ip: B }, { forMs: 30_000, reason: 'test' })
    await settle(account.swap.balance({ maxWaitMs: 31_000 }), clock, 10)
    await settle(account.swap.balance({ maxWaitMs: 1 }), clock, 1)
    bingx.scheduler.hold({ exchange: 'bingx', ip: B }, { forMs: 30_000, reason: 'test' })
    const startMs = clock.nowMs()
    expect(await failure(account.swap.balance({ maxWaitMs: 10_000 }), clock)).toMatchObject({ code: 'MAX_WAIT' })
    expect(clock.nowMs() - startMs).toBeLessThanOrEqual(100)
  })

  it('that waits for all addresses is one: aborted, it is gone', async () => {
    await using it = await world({}, { ips: IPS })
    const { account, clock, bingx, exchange } = it
    bingx.scheduler.hold({ exchange: 'bingx' }, { forMs: 5_000, reason: 'test' })
    const abort = new AbortController()
    const calls = [account.swap.balance({ signal: abort.signal }), account.swap.balance()]
    expect(bingx.scheduler.snapshot().counters.queued).toBe(2)
    abort.abort(new Error('enough'))
    expect(await failure(calls[0] as Promise<unknown>, clock)).toMatchObject({ message: 'enough' })
    await settle(calls[1] as Promise<unknown>, clock)
    expect(exchange.stats().accepted).toBe(1)
  })

  it('is shared with its equals', async () => {
    await using it = await world({}, { ips: IPS })
    const { account, clock, bingx, exchange } = it
    bingx.scheduler.hold({ exchange: 'bingx' }, { forMs: 5_000, reason: 'test' })
    const calls = many(6, () => account.swap.balance({ coalesce: 'x' }))
    const answers = await settle(calls, clock)
    expect(exchange.stats().accepted).toBe(1)
    for (const answer of answers) expect(answer).toBe(answers[0])
  })

  it('that was lost goes again by the address with room then, signed anew', async () => {
    await using it = await world()
    const { exchange, clock } = it
    const signatures: (string | null)[] = []
    const note = (request: unknown) => signatures.push(new URL((request as Request).url).searchParams.get('signature'))
    const breaking = async (request: unknown): Promise<Response> => {
      note(request)
      throw Object.assign(new TypeError('fetch failed'), { cause: broken('ECONNRESET') })
    }
    const noting = from(B, async request => {
      note(request)
      return globalThis.fetch(request)
    })
    const { bingx } = over(it, [{ ip: A, fetch: breaking }, noting])
    const account = bingx.account({ ...KEYS, uid: 'u1' })
    // One after the other: half of them would go by the broken address first.
    for (let i = 0; i < 4; i++) await settle(account.swap.balance(), clock)
    expect(exchange.stats()).toMatchObject({ accepted: 4, refused: 0 })
    expect(signatures.length).toBeGreaterThan(4)
    expect(new Set(signatures).size).toBe(signatures.length)
  })
})

describe('an address that can not be left', () => {
  const dead = () => Promise.reject(Object.assign(new TypeError('fetch failed'), { cause: broken('ECONNREFUSED') }))

  it('is held, and probed, while the others work', async () => {
    await using it = await world()
    const { exchange, clock } = it
    let asked = 0
    const counting = () => {
      asked++
      return dead()
    }
    const { bingx } = over(it, [{ ip: 'dead', fetch: counting }, from(B)])
    await settle(
      many(50, () => bingx.serverTime()),
      clock,
    )
    expect(exchange.stats()).toMatchObject({ accepted: 50, refused: 0 })
    const atFirst = asked
    expect(atFirst).toBeLessThanOrEqual(25)
    for (let i = 0; i < 60; i++)
      await settle(
        many(5, () => bingx.serverTime()),
        clock,
        1_000,
      )
    // A probe now and then.
    expect(asked - atFirst).toBeGreaterThan(1)
    expect(asked - atFirst).toBeLessThan(20)
    expect(exchange.stats()).toMatchObject({ accepted: 350, refused: 0 })
  })

  it('does not keep the time from signed calls', async () => {
    await using it = await world()
    const { exchange, clock } = it
    const { bingx, events } = over(it, [{ ip: 'dead', fetch: dead }, from(B)], { syncClock: true })
    exchange.stepClock(-3_600_000)
    await settle(bingx.account({ ...KEYS, uid: 'u1' }).swap.balance(), clock, 1)
    expect(exchange.stats()).toMatchObject({ refused: 0 })
    expect(events.filter(({ type }) => type === 'alert')).toStrictEqual([])
  })

  it('is not, when none is any better: calls fail as they do with one address', async () => {
    await using it = await world()
    const { clock } = it
    const egress = ['dead', 'dead too'].map(ip => ({ ip, fetch: dead }))
    const { bingx } = over(it, egress, { retries: 1 })
    for (let i = 0; i < 3; i++) {
      expect(await failure(bingx.serverTime(), clock)).toMatchObject({ kind: 'transient', code: 'ECONNREFUSED' })
    }
    expect(clock.nowMs()).toBeLessThan(1_500)
  })
})

describe('a key that the exchange calls wrong', () => {
  it('is stopped once, for all addresses', async () => {
    await using it = await world()
    const { clock, exchange } = it
    const { bingx, events } = over(it, [from(A), from(B)])
    const wrong = bingx.account({ apiKey: 'nobody', secretKey: 'secret-of-nobody', uid: 'n' })
    const errors = await many(6, () => failure(wrong.swap.balance(), clock))
    expect(errors.every(error => (error as { kind: string }).kind === 'key')).toBe(true)
    const sent = exchange.log().length
    expect(await failure(wrong.spot.balance(), clock)).toMatchObject({ kind: 'key' })
    expect(exchange.log()).toHaveLength(sent)
    wrong.resume()
    expect(events.filter(({ type }) => type.startsWith('account'))).toMatchObject([
      { type: 'account-stopped', labels: { exchange: 'bingx', ip: expect.stringMatching(/^10/), uid: 'n' } },
      { type: 'account-resumed' },
    ])
    expect(events.at(-1)).toStrictEqual({ type: 'account-resumed', labels: { exchange: 'bingx', uid: 'n' } })
  })
})

describe('option egress', () => {
  const fetch = globalThis.fetch
  const secret = 'http://user:hunter2@proxy:3128'
  test.each<[unknown, string]>([
    [{ egress: [] }, 'createBingx: option "egress": expected an array of { ip, fetch }, at least one, got an array'],
    [
      { egress: { ip: 'a', fetch } },
      'createBingx: option "egress": expected an array of { ip, fetch }, at least one, got an object',
    ],
    [{ egress: ['a'] }, 'createBingx: option "egress[0]": expected an object of options, got "a"'],
    [{ egress: [undefined] }, 'createBingx: option "egress[0]": expected { ip, fetch }, got undefined'],
    [{ egress: new Array(2) }, 'createBingx: option "egress[0]": expected { ip, fetch }, got undefined'],
    [
      { egress: [{ fetch }] },
      'createBingx: option "egress[0]": option "ip": expected a non-empty string, and no URL with credentials, got undefined',
    ],
    [
      { egress: [{ ip: '', fetch }] },
      'createBingx: option "egress[0]": option "ip": expected a non-empty string, and no URL with credentials, got ""',
    ],
    [
      { egress: [{ ip: 7, fetch }] },
      'createBingx: option "egress[0]": option "ip": expected a non-empty string, and no URL with credentials, got 7',
    ],
    [
      { egress: [{ ip: secret, fetch }] },
      'createBingx: option "egress[0]": option "ip": expected a non-empty string, and no URL with credentials, got a URL with credentials',
    ],
    [
      { egress: [{ ip: 'a', fetch: secret }] },
      'createBingx: option "egress[0]": option "fetch": expected a function, got a string',
    ],
    [
      { egress: [{ ip: 'a', proxy: secret }] },
      'createBingx: option "egress[0]": unknown option "proxy": expected one of ip, fetch, got a string',
    ],
    [
      {
        egress: [
          { ip: 'a', fetch },
          { ip: 'a', fetch },
        ],
      },
      'createBingx: option "egress[1]": option "ip": expected another address, got "a" again',
    ],
    [
      { egress: [{ ip: 'a' }, { ip: 'b' }] },
      'createBingx: option "egress[1]": option "fetch": expected a function, for one address at most is the host\'s, got none',
    ],
    [
      { egress: [{ ip: 'a', fetch }], ip: 'b' },
      'createBingx: option "ip": expected none next to "egress", each of which has its own, got one',
    ],
    [
      { egress: [{ ip: 'a', fetch }], fetch },
      'createBingx: option "fetch": expected none next to "egress", each of which has its own, got one',
    ],
  ])('%o', (options, message) => {
    expect(() => createBingx(options as never)).toThrow(new TypeError(message))
  })

  it('of one address is as good as ip and fetch', async () => {
    await using it = await world({}, { ips: [A] })
    await settle(
      many(3, () => it.account.swap.balance()),
      it.clock,
      1,
    )
    expect(counts(it, [A])).toStrictEqual([3])
  })

  it('that changes later changes nothing', async () => {
    await using it = await world()
    const egress = [from(A), from(B)]
    const { bingx } = over(it, egress)
    egress.length = 0
    await settle(
      many(4, () => bingx.serverTime()),
      it.clock,
      1,
    )
    expect(counts(it)).toStrictEqual([2, 2])
  })
})
