import { createScheduler, ErrorBudgetError, type Labels } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { bingxErrors } from '@headgate/exchange-sim'
import { describe, expect, it } from 'vitest'
import { BingxError, bingxLimits } from '../src/index.ts'
import { world } from './support/exchange.ts'
import { fakeBingx } from './support/fake-bingx.ts'
import { failure, settle } from './support/settle.ts'

const BALANCE = 'GET /openApi/swap/v3/user/balance'
const POOR = { body: { code: 100202, msg: 'Insufficient balance' } }

describe('errors of one code', () => {
  it('stop their endpoint before the exchange does: at ten of twenty, at once, and nothing else', async () => {
    const { account, clock, requests, events } = fakeBingx({
      replies: [url => (url.pathname.includes('allAccount') ? { body: { code: 0, data: [] } } : POOR)],
    })
    for (let i = 0; i < 10; i++) expect(await failure(account.swap.balance(), clock)).toBeInstanceOf(BingxError)
    const startedAtMs = clock.nowMs()
    const error = await failure(account.swap.balance(), clock)
    expect(error).toBeInstanceOf(ErrorBudgetError)
    expect(error).toMatchObject({ errorCode: '100202' })
    expect(clock.nowMs() - startedAtMs).toBeLessThanOrEqual(100)
    expect(requests).toHaveLength(10)
    expect(events.filter(({ type }) => type === 'budget-spent')).toMatchObject([{ errorCode: '100202' }])
    expect(await settle(account.allBalances(), clock)).toEqual([])
    expect(await failure(account.spot.balance(), clock)).toBeInstanceOf(BingxError)
    await clock.advance(480_000)
    await failure(account.swap.balance(), clock)
    expect(requests).toHaveLength(13)
  })

  it.each([
    ['refusals', { code: 100410, msg: 'rate limited' }],
    ["the server's own trouble", { code: 100410, msg: 'The current system is busy, please try again later' }],
  ])('do not count %s: another rule does', async (_, body) => {
    const { account, clock, requests, events } = fakeBingx({ replies: [{ body }] })
    for (let i = 0; i < 5; i++) expect(await failure(account.swap.balance(), clock)).toBeInstanceOf(BingxError)
    expect(requests).toHaveLength(20)
    expect(events.some(({ type }) => type === 'budget-spent')).toBe(false)
  })

  it('that spend the budget between two attempts show as what they are', async () => {
    const { account, clock, requests } = fakeBingx({ replies: [{ body: { code: 100500, msg: 'internal' } }] })
    for (let i = 0; i < 3; i++) await failure(account.swap.balance(), clock)
    expect(requests).toHaveLength(10)
    expect(await failure(account.swap.balance(), clock)).toBeInstanceOf(ErrorBudgetError)
  })
})

describe('against an exchange that counts', () => {
  const TIME = 'GET /openApi/swap/v2/server/time'

  it.each(['old', 'new', 'mixed'] as const)('no error of ours earns a ban (%s codes)', async codes => {
    await using it = await world({ codes })
    const { account, bingx, clock, exchange } = it
    for (const endpoint of [BALANCE, TIME]) {
      exchange.fault({ endpoint, times: Number.POSITIVE_INFINITY, reply: bingxErrors.insufficientBalance })
    }
    let unsent = 0
    for (let i = 0; i < 25; i++) {
      const calls = [account.swap.balance(), account.swap.balance(), bingx.serverTime(), bingx.serverTime()]
      const ends = await settle(Promise.allSettled(calls), clock)
      unsent += ends.filter(end => end.status === 'rejected' && end.reason instanceof ErrorBudgetError).length
      await clock.advance(1_000)
    }
    expect(unsent).toBeGreaterThan(70)
    expect(exchange.stats()).toMatchObject({ banned: 0, refused: 0 })
    expect(exchange.stats().failed).toBeGreaterThanOrEqual(20)
  })
})

describe('errors of many codes', () => {
  it('stop their endpoint at fifteen of thirty in two minutes', async () => {
    let code = 200_000
    const { account, clock, requests } = fakeBingx({ replies: [() => ({ body: { code: code++, msg: 'new' } })] })
    for (let i = 0; i < 15; i++) expect(await failure(account.swap.balance(), clock)).toBeInstanceOf(BingxError)
    expect(await failure(account.swap.balance(), clock)).toBeInstanceOf(ErrorBudgetError)
    expect(requests).toHaveLength(15)
  })
})

it('writes go on to nine tenths', async () => {
  const clock = virtualClock()
  const scheduler = createScheduler({ limits: bingxLimits, coldStart: 'full', clock })
  const errorsOf = async (endpoint: string) => {
    const labels: Labels = { exchange: 'bingx', ip: 'a', uid: 'u', endpoint, group: '2' }
    for (let sent = 0; ; sent++) {
      const task = { labels }
      const error = await settle(
        scheduler
          .schedule(task, admission => admission.failed('101'))
          .then(
            () => undefined,
            each => each,
          ),
        clock,
      )
      if (error instanceof ErrorBudgetError) return sent
    }
  }
  expect(await errorsOf('POST /openApi/swap/v2/trade/order')).toBe(18)
  expect(await errorsOf('GET /openApi/swap/v2/trade/order')).toBe(10)
})

describe('usage headers', () => {
  const headers = (remain: string, expire: string) => ({
    'X-RateLimit-Requests-Remain': remain,
    'X-RateLimit-Requests-Expire': expire,
  })
  const fine = { code: 0, data: [] }

  /** How many more may go at once after one call, of five a second. */
  async function freeAfter(given: Record<string, string>) {
    const { account, bingx, clock } = fakeBingx({ replies: [{ body: fine, headers: given }] })
    await settle(account.swap.balance(), clock, 1)
    const bucket = bingx.scheduler.snapshot().buckets.find(({ name }) => name === 'bingx uid×endpoint')
    return bucket?.free
  }

  it('tell of calls that somebody else made with the same key', async () => {
    expect(await freeAfter({})).toBe(4)
    expect(await freeAfter(headers('4', '900'))).toBe(4)
    expect(await freeAfter(headers('1', '900'))).toBe(1)
    expect(await freeAfter(headers(' 0 ', '900'))).toBe(0)
  })

  it.each([
    ['nothing', {}],
    ['half of it', { 'X-RateLimit-Requests-Remain': '0' }],
    ['the other half', { 'X-RateLimit-Requests-Expire': '900' }],
    ['words', headers('none', 'soon')],
    ['less than nothing', headers('-5', '900')],
    ['a time below zero', headers('0', '-1')],
    ['fractions', headers('0.5', '900')],
    ['more digits than a number', headers('9'.repeat(400), '900')],
    ['another window', headers('0', '60000')],
    ['another limit', headers('40', '900')],
  ])('that say %s are no news', async (_, given) => {
    expect(await freeAfter(given)).toBe(4)
  })

  it('may give an epoch instead of a countdown', async () => {
    const { account, bingx, clock } = fakeBingx({
      hostOffMs: 3_600_000,
      replies: [(_, serverMs) => ({ body: fine, headers: headers('0', String(serverMs + 700)) })],
    })
    await settle(account.swap.balance(), clock, 1)
    const free = () => bingx.scheduler.snapshot().buckets.find(({ name }) => name === 'bingx uid×endpoint')?.free
    expect(free()).toBe(0)
    // One call may go and see whether the window has ended.
    await clock.advance(720)
    expect(free()).toBe(1)
    await clock.advance(300)
    expect(free()).toBe(5)
  })

  it('of limits that a scheduler of the caller does not have harm nothing', async () => {
    const { bingx, clock, requests } = fakeBingx({
      time: serverMs => ({ body: { code: 0, data: { serverTime: serverMs } }, headers: headers('0', '900') }),
    })
    expect(await settle(bingx.serverTime(), clock)).toBeGreaterThan(0)
    expect(await settle(bingx.serverTime(), clock)).toBeGreaterThan(0)
    expect(requests).toHaveLength(0)
  })
})
