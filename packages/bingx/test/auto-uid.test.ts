import { MaxWaitError } from '@headgate/core'
import { describe, expect, it } from 'vitest'
import type { BingxAccount } from '../src/index.ts'
import { KEYS, world } from './support/exchange.ts'
import { fakeBingx } from './support/fake-bingx.ts'
import { failure, settle } from './support/settle.ts'

const OTHER = { apiKey: 'key-of-the-same-account', secretKey: 'secret-of-the-same-account' }
const accounts = [
  { uid: '7001', ...KEYS },
  { uid: '7001', ...OTHER },
]
const UID = 'GET /openApi/account/v1/uid'
const WRONG = { body: { code: 100413, msg: 'Incorrect apiKey' } }

describe("an account with uid: 'auto'", () => {
  it('asks once, however many calls wait for it, and is called as the exchange calls it', async () => {
    await using it = await world({ accounts })
    const { bingx, clock, exchange } = it
    const account = bingx.account({ ...KEYS, uid: 'auto' })
    expect(account.uid).toBe('auto')
    const [swap, , all] = await settle(
      Promise.all([account.swap.balance(), account.spot.balance(), account.allBalances(), account.swap.income()]),
      clock,
    )
    expect(swap[0]).toMatchObject({ asset: 'USDT' })
    expect(all.length).toBeGreaterThan(1)
    expect(account.uid).toBe('7001')
    await settle(account.call(UID), clock)
    const asked = exchange.stats().endpoints.filter(({ endpoint }) => endpoint === UID)
    expect(asked).toMatchObject([{ accepted: 2 }])
    const buckets = bingx.scheduler.snapshot().buckets.filter(({ name }) => name === 'bingx uid×endpoint')
    expect(buckets.map(({ labels }) => labels['uid']).filter(uid => uid === '7001')).toHaveLength(5)
  })

  it('shares the limits of its account with every other key of it', async () => {
    await using it = await world({ accounts })
    const { bingx, clock, exchange } = it
    const [one, other] = [KEYS, OTHER].map(keys => bingx.account({ ...keys, uid: 'auto' })) as [
      BingxAccount,
      BingxAccount,
    ]
    const calls = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? one : other).swap.balance())
    await settle(Promise.all(calls), clock)
    expect(exchange.stats()).toMatchObject({ refused: 0, accepted: 22 })
    expect(clock.nowMs()).toBeGreaterThan(3_000)
  })

  it('checks parameters and options before anything is asked', async () => {
    await using it = await world({ accounts })
    const { bingx, clock, exchange } = it
    const account = bingx.account({ ...KEYS, uid: 'auto' })
    expect(await failure(account.swap.income({ limit: 0 }), clock)).toBeInstanceOf(TypeError)
    expect(await failure(account.swap.balance({ maxWaitMs: -1 }), clock)).toBeInstanceOf(TypeError)
    expect(await failure(account.call('GET /openApi/x', { timestamp: 1 }), clock)).toBeInstanceOf(TypeError)
    expect(() => account.swap.balance.poll({ everyMs: 0 })).toThrow(TypeError)
    expect(exchange.stats().accepted).toBe(0)
  })

  it('rejects with what went wrong with asking, and asks again with the next call', async () => {
    const fine = { body: { code: 0, data: { uid: 12_345 } } }
    const { bingx, clock, requests, events } = fakeBingx({ replies: [WRONG, fine, { body: { code: 0, data: [] } }] })
    const account = bingx.account({ ...KEYS, apiKey: 'its-own-key', uid: 'auto' })
    const calls = [account.swap.balance(), account.spot.balance()].map(call => failure(call, clock))
    for (const error of await settle(Promise.all(calls), clock)) {
      expect(error).toMatchObject({ kind: 'key', code: 100413, endpoint: UID })
    }
    expect(requests).toHaveLength(1)
    // The key is stopped: nothing is asked.
    expect(await failure(account.swap.balance(), clock)).toMatchObject({ kind: 'key' })
    expect(requests).toHaveLength(1)
    account.resume()
    expect(await settle(account.swap.balance(), clock)).toStrictEqual([])
    expect(account.uid).toBe('12345')
    expect(requests).toHaveLength(3)
    expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['account-stopped', 'account-resumed']))
  })

  it('waits for the answer no longer than its call may, and no longer than it is wanted', async () => {
    await using it = await world({ accounts })
    const { bingx, clock, exchange } = it
    const account = bingx.account({ ...KEYS, uid: 'auto' })
    bingx.scheduler.hold({ exchange: 'bingx' }, { forMs: 60_000, reason: 'test' })
    const patient = account.swap.balance({ maxWaitMs: 90_000 })
    const leaving = new AbortController()
    const left = failure(account.swap.balance({ signal: leaving.signal }), clock)
    const hasty = await failure(account.swap.balance({ maxWaitMs: 1_000 }), clock)
    expect(hasty).toBeInstanceOf(MaxWaitError)
    expect(hasty).toMatchObject({ maxWaitMs: 1_000 })
    expect(clock.nowMs()).toBeLessThan(2_000)
    leaving.abort(new Error('not wanted'))
    expect(await left).toMatchObject({ message: 'not wanted' })
    await settle(patient, clock)
    expect(exchange.stats().accepted).toBe(2)
    expect(bingx.scheduler.snapshot().lanes).toStrictEqual([])
  })

  it('is polled: what keeps the answer away is told as it would be of the endpoint', async () => {
    const fine = { body: { code: 0, data: { uid: '12345' } } }
    const busy = { body: { code: 100413, msg: 'Incorrect apiKey' } }
    const { bingx, clock, requests } = fakeBingx({ replies: [busy, fine, { body: { code: 0, data: [] } }] })
    const account = bingx.account({ ...KEYS, apiKey: 'a-key-of-its-own', uid: 'auto' })
    const readings: unknown[] = []
    const polling = (async () => {
      for await (const reading of account.swap.balance.poll({ everyMs: 1_000 })) {
        readings.push(reading.ok ? reading.value : (reading.error as { endpoint?: string }).endpoint)
        if (!reading.ok) account.resume()
        if (readings.length === 3) break
      }
    })()
    await settle(polling, clock)
    expect(readings).toStrictEqual([UID, [], []])
    expect(requests).toHaveLength(4)
    expect(bingx.scheduler.snapshot().lanes).toStrictEqual([])
  })

  it('is polled no more when the iteration ends while the answer is awaited', async () => {
    await using it = await world({ accounts })
    const { bingx, clock, exchange } = it
    const account = bingx.account({ ...KEYS, uid: 'auto' })
    bingx.scheduler.hold({ exchange: 'bingx' }, { forMs: 10_000, reason: 'test' })
    const iterator = account.swap.balance.poll({ everyMs: 1_000 })[Symbol.asyncIterator]()
    const pending = iterator.next()
    await clock.advance(2_000)
    expect(await iterator.return?.()).toStrictEqual({ done: true, value: undefined })
    expect(await pending).toStrictEqual({ done: true, value: undefined })
    await clock.advance(30_000)
    expect(exchange.stats().accepted).toBe(0)
  })
})
