import { describe, expect, it } from 'vitest'
import { type FakeBingx, type FakeOptions, type FakeReply, fakeBingx } from './support/fake-bingx.ts'
import { failure, settle } from './support/settle.ts'

const HOUR_MS = 3_600_000
const signedAt = (url: URL | undefined) => Number(url?.searchParams.get('timestamp'))

/** BingX's own rule: at most 5 s old, less than 1 s ahead. */
const strict = (url: URL, serverMs: number): FakeReply => {
  const ageMs = serverMs - signedAt(url)
  return ageMs > 5_000 || ageMs <= -1_000
    ? { body: { code: 100421, msg: 'Null timestamp or timestamp mismatch' } }
    : { body: { code: 0, data: [] } }
}

const strictly = (options: FakeOptions = {}): FakeBingx => fakeBingx({ replies: [strict], ...options })

describe('a host whose clock is wrong', () => {
  it.each([-5 * HOUR_MS, -1_500, 0, 1_500, 26 * HOUR_MS])('by %i ms: signs right from the first call on', async off => {
    const { account, clock, requests, timeRequests, serverMs } = strictly({ hostOffMs: off })
    expect(await settle(account.swap.balance(), clock, 1)).toEqual([])
    expect(requests).toHaveLength(1)
    expect(timeRequests).toHaveLength(1)
    expect(Math.abs(signedAt(requests[0]) - serverMs())).toBeLessThanOrEqual(5)
  })

  it('asks once for all the calls that wait for it', async () => {
    const { account, clock, requests, timeRequests } = strictly({ hostOffMs: HOUR_MS, timeWaysMs: [[30, 30]] })
    await settle(Promise.all([account.swap.balance(), account.spot.balance(), account.allBalances()]), clock, 1)
    expect(timeRequests).toHaveLength(1)
    expect(requests).toHaveLength(3)
  })

  it('asks up to three times where the way is long, and takes the shortest', async () => {
    const { account, clock, requests, timeRequests, serverMs } = strictly({
      hostOffMs: HOUR_MS,
      timeWaysMs: [
        [500, 500],
        [60, 60],
        [900, 900],
      ],
    })
    await settle(account.swap.balance(), clock, 1)
    expect(timeRequests).toHaveLength(3)
    // The shortest round trip took 120 ms: half of it is the most that the clock can be off by.
    expect(Math.abs(signedAt(requests[0]) - serverMs())).toBeLessThanOrEqual(62)
  })

  it('reads an unblock time against the server, whose answer need not tell its own', async () => {
    const { account, clock, events, serverMs } = fakeBingx({
      hostOffMs: 2 * HOUR_MS,
      replies: [
        (_, nowMs) => ({ body: JSON.stringify({ code: 100410, msg: `unblocked after ${nowMs + 60_000}` }) }),
        { body: { code: 0, data: [] } },
      ],
    })
    const startMs = serverMs()
    await settle(account.swap.balance(), clock)
    expect(events.find(({ type }) => type === 'held')).toMatchObject({ forMs: expect.closeTo(60_000, -1) })
    expect(serverMs() - startMs).toBeGreaterThanOrEqual(60_000)
    expect(serverMs() - startMs).toBeLessThan(63_000)
  })

  it('asks nothing, and signs by the host, with syncClock: false', async () => {
    const { account, clock, requests, timeRequests } = strictly({ hostOffMs: HOUR_MS, syncClock: false })
    expect(await failure(account.swap.balance(), clock)).toMatchObject({ kind: 'timestamp', code: 100421 })
    expect([requests.length, timeRequests.length]).toEqual([1, 0])
  })
})

describe('a stale timestamp', () => {
  it('sets the clock, signs afresh, and goes once more', async () => {
    const { account, clock, requests, timeRequests, stepServer } = strictly()
    await settle(account.swap.balance(), clock)
    stepServer(90_000)
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect([requests.length, timeRequests.length]).toEqual([3, 2])
    expect(signedAt(requests[2]) - signedAt(requests[1])).toBeGreaterThan(89_000)
  })

  it('of many calls at once sets it once', async () => {
    const { account, clock, requests, timeRequests, stepServer } = strictly()
    await settle(account.swap.balance(), clock)
    stepServer(-90_000)
    await clock.advance(1_000)
    await settle(Promise.all([account.swap.balance(), account.spot.balance(), account.swap.income()]), clock)
    expect([requests.length, timeRequests.length]).toEqual([7, 2])
  })

  it('that stays so fails after the second', async () => {
    const reply = { body: { code: 80014, msg: 'timestamp is invalid' } }
    const { account, clock, requests } = fakeBingx({ replies: [reply] })
    const error = await failure(account.swap.balance(), clock)
    expect(error).toMatchObject({ kind: 'timestamp', code: 80014 })
    expect((error as Error).message).toContain("signed afresh by the exchange's clock, and refused again")
    expect(requests).toHaveLength(2)
  })

  it('leaves the retries to failures', async () => {
    const busy = { body: { code: 100500, msg: 'busy' } }
    const stale = { body: { code: 80014, msg: 'timestamp is invalid' } }
    const { account, clock, requests } = fakeBingx({
      retries: 2,
      replies: [busy, stale, busy, { body: { code: 0, data: [] } }],
    })
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect(requests).toHaveLength(4)
  })

  it('does not go again with retries: 0', async () => {
    const { account, clock, requests, stepServer } = strictly({ retries: 0 })
    await settle(account.swap.balance(), clock)
    stepServer(90_000)
    expect(await failure(account.swap.balance(), clock)).toMatchObject({ kind: 'timestamp' })
    expect(requests).toHaveLength(2)
  })

  it('is mended by what its own answer tells, when the server is not to be asked', async () => {
    let isDown = false
    const { account, clock, requests, stepServer } = strictly({
      time: serverMs => (isDown ? { status: 503 } : { body: { code: 0, data: { serverTime: serverMs } } }),
    })
    await settle(account.swap.balance(), clock)
    isDown = true
    stepServer(90_000)
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect(requests).toHaveLength(3)
  })
})

describe('the clock is asked again', () => {
  it('after ten minutes of use, while calls go on', async () => {
    const { account, clock, requests, timeRequests } = strictly({
      timeWaysMs: [
        [0, 0],
        [100, 5_000],
      ],
    })
    await settle(account.swap.balance(), clock)
    await clock.advance(9 * 60_000)
    await settle(account.swap.balance(), clock)
    expect(timeRequests).toHaveLength(1)
    await clock.advance(61_000)
    const startedAtMs = clock.nowMs()
    await settle(account.swap.balance(), clock, 1)
    expect(clock.nowMs() - startedAtMs).toBeLessThan(50)
    expect([requests.length, timeRequests.length]).toEqual([3, 2])
    await clock.advance(HOUR_MS)
    expect(timeRequests.length).toBeLessThanOrEqual(4)
  })

  it.each([HOUR_MS, -HOUR_MS, 1_100])(
    'before the next call when the wall clock went %i ms off the other',
    async byMs => {
      const { account, clock, requests, timeRequests } = strictly()
      await settle(account.swap.balance(), clock)
      clock.stepEpoch(byMs)
      expect(await settle(account.swap.balance(), clock)).toEqual([])
      expect([requests.length, timeRequests.length]).toEqual([2, 2])
      await settle(account.swap.balance(), clock)
      expect(timeRequests).toHaveLength(2)
    },
  )

  it('not for a wall clock that is slewed', async () => {
    const { account, clock, timeRequests } = strictly()
    await settle(account.swap.balance(), clock)
    clock.stepEpoch(900)
    await settle(account.swap.balance(), clock)
    expect(timeRequests).toHaveLength(1)
  })

  it('after the host slept: the monotonic clock stood still while the server went on', async () => {
    const { account, clock, requests, stepServer } = strictly()
    await settle(account.swap.balance(), clock)
    stepServer(8 * HOUR_MS)
    clock.stepEpoch(8 * HOUR_MS)
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect(requests).toHaveLength(2)
  })
})

describe('a server that does not tell its time', () => {
  const clockAlerts = (it: FakeBingx) => it.events.filter(event => event.type === 'alert')

  it.each<[string, FakeReply]>([
    ['HTTP 404', { status: 404, body: '<html></html>' }],
    ['an error', { body: '{"code":100500,"msg":"busy"}' }],
    ['seconds', { body: '{"code":0,"data":{"serverTime":1675319535}}' }],
    ['nothing', { body: '{"code":0,"data":{}}' }],
    ['a broken connection', { throws: Object.assign(new Error('reset'), { code: 'ECONNRESET' }) }],
    ['a refusal', { body: '{"code":100410,"msg":"rate limited"}' }],
  ])('(%s): calls go by the clock of the host, and it is told once', async (_, reply) => {
    const it = strictly({ time: () => reply })
    const { account, clock, requests, timeRequests } = it
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect(requests).toHaveLength(2)
    expect(timeRequests.length).toBeLessThanOrEqual(3)
    expect(clockAlerts(it)).toMatchObject([
      { reason: 'clock', labels: { exchange: 'bingx', ip: 'default' }, facts: { code: expect.anything() } },
    ])
    await clock.advance(31_000)
    await settle(account.swap.balance(), clock)
    expect(clockAlerts(it)).toHaveLength(1)
  })

  it('by hanging: a call waits for one time-out, those after it not at all', async () => {
    const it = strictly({ time: () => 'hang', timeoutMs: 8_000 })
    const { account, clock, requests } = it
    expect(await settle(account.swap.balance(), clock, 50)).toEqual([])
    expect(clock.nowMs()).toBeGreaterThanOrEqual(8_000)
    expect(clock.nowMs()).toBeLessThan(8_200)
    await settle(account.swap.balance(), clock, 50)
    expect(clock.nowMs()).toBeLessThan(8_300)
    expect(requests).toHaveLength(2)
  })

  it('by hanging: a call that may not wait so long goes as late as it may', async () => {
    const { account, clock, requests } = strictly({ time: () => 'hang' })
    expect(await settle(account.swap.balance({ maxWaitMs: 700 }), clock, 10)).toEqual([])
    expect(clock.nowMs()).toBeLessThan(800)
    expect(requests).toHaveLength(1)
  })

  it('by hanging: an abort takes the call out', async () => {
    const { account, clock, requests } = strictly({ time: () => 'hang' })
    const controller = new AbortController()
    const call = account.swap.balance({ signal: controller.signal })
    const reason = new Error('enough')
    controller.abort(reason)
    expect(await failure(call, clock)).toBe(reason)
    expect(requests).toHaveLength(0)
  })

  it('for want of leave: the hold over its endpoint holds no signed call back', async () => {
    const { account, bingx, clock, requests } = strictly()
    const labels = { exchange: 'bingx', ip: 'default', endpoint: 'GET /openApi/swap/v2/server/time' }
    bingx.scheduler.hold(labels, { forMs: HOUR_MS, reason: 'banned' })
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect(clock.nowMs()).toBeLessThan(6_000)
    expect(requests).toHaveLength(1)
  })
})
