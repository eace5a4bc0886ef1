import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { BingxError } from '../src/index.ts'
import { KEYS } from './support/exchange.ts'
import { type FakeReply, fakeBingx } from './support/fake-bingx.ts'
import { failure, settle } from './support/settle.ts'

const WRONG: FakeReply = { body: { code: 100413, msg: 'Incorrect apiKey' } }
const FINE: FakeReply = { body: { code: 0, data: [] } }

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a key that the exchange calls wrong', () => {
  it('is not used again: waiting calls fail at once, with the same cause, and later ones unsent', async () => {
    const { account, clock, requests, events } = fakeBingx({ replies: [WRONG] })
    const calls = Array.from({ length: 20 }, () => account.swap.balance().catch((error: BingxError) => error))
    const startedAtMs = clock.nowMs()
    const errors = (await settle(Promise.all(calls), clock, 1)) as BingxError[]
    // Five may go at once; what waited for the others' tokens did not wait on.
    expect(requests).toHaveLength(5)
    expect(clock.nowMs() - startedAtMs).toBeLessThan(50)
    for (const error of errors) expect(error).toMatchObject({ kind: 'key', code: 100413, msg: 'Incorrect apiKey' })
    const [first] = errors
    for (const error of errors.slice(5)) expect(error?.cause).toBe(first)
    expect(await failure(account.allBalances(), clock)).toMatchObject({
      kind: 'key',
      endpoint: 'GET /openApi/account/v1/allAccountBalance',
      cause: first,
    })
    expect(requests).toHaveLength(5)
    expect(events.filter(({ type }) => type === 'account-stopped')).toEqual([
      {
        type: 'account-stopped',
        labels: { exchange: 'bingx', ip: 'default', uid: 'u1' },
        code: 100413,
        reason: 'Incorrect apiKey',
      },
    ])
  })

  it('is one key, however many account objects were made with it; another key of the same uid goes on', async () => {
    const { bingx, account, clock, requests } = fakeBingx({ replies: [WRONG, FINE] })
    const same = bingx.account({ ...KEYS, uid: 'u1' })
    const renamed = bingx.account({ ...KEYS, uid: 'another name' })
    const mended = bingx.account({ ...KEYS, secretKey: 'the-right-secret', uid: 'u1' })
    const other = bingx.account({ apiKey: 'another-key', secretKey: 'another-secret', uid: 'u1' })
    await failure(account.swap.balance(), clock)
    expect(await failure(same.swap.balance(), clock)).toMatchObject({ code: 100413, uid: 'u1' })
    expect(await failure(renamed.swap.balance(), clock)).toMatchObject({ code: 100413, uid: 'another name' })
    // Made after the stop.
    expect(await failure(bingx.account({ ...KEYS }).swap.balance(), clock)).toMatchObject({ code: 100413 })
    expect(requests).toHaveLength(1)
    expect(await settle(other.swap.balance(), clock)).toEqual([])
    expect(await settle(mended.swap.balance(), clock)).toEqual([])
    expect(await settle(bingx.serverTime(), clock)).toBeGreaterThan(0)
  })

  it('goes on after account.resume(), of whichever account object', async () => {
    const { bingx, account, clock, requests, events } = fakeBingx({ replies: [WRONG, FINE] })
    account.resume()
    await failure(account.swap.balance(), clock)
    bingx.account({ ...KEYS, uid: 'u1' }).resume()
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect(requests).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'account-resumed')).toEqual([
      { type: 'account-resumed', labels: { exchange: 'bingx', ip: 'default', uid: 'u1' } },
    ])
  })

  it('stays resumed, whatever is answered to calls of the time before', async () => {
    const { account, clock, requests, events } = fakeBingx({
      replies: [WRONG, WRONG, FINE],
      waysMs: [
        [10, 10],
        [10, 500],
        [10, 10],
      ],
    })
    const late = account.swap.balance().catch(error => error)
    const later = account.spot.balance().catch(error => error)
    await settle(late, clock, 1)
    account.resume()
    expect(await settle(later, clock, 1)).toMatchObject({ kind: 'key' })
    expect(await settle(account.swap.balance(), clock)).toEqual([])
    expect(requests).toHaveLength(3)
    expect(events.filter(({ type }) => type === 'account-stopped')).toHaveLength(1)
  })

  it('lets the answer of a call under way come in', async () => {
    const { account, clock } = fakeBingx({
      replies: [WRONG, { body: { code: 0, data: [] } }],
      waysMs: [
        [10, 10],
        [10, 500],
      ],
    })
    const stopping = account.swap.balance().catch(error => error)
    const underWay = account.spot.balance()
    await settle(stopping, clock, 1)
    expect(await settle(underWay, clock, 1)).toEqual([])
  })

  it.each<[string, FakeReply]>([
    ['is paused before it goes again', { body: { code: 100500, msg: 'busy' } }],
    ['is held', { body: { code: 100410, msg: 'unblocked after 1767268860000' } }],
  ])('fails a call that %s', async (_, reply) => {
    // The pause draws from the host: half of 250 ms.
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { account, clock, requests } = fakeBingx({
      replies: [reply, WRONG],
      waysMs: [
        [1, 1],
        [1, 50],
      ],
    })
    const waiting = account.swap.balance().catch(error => error)
    const stopping = account.spot.balance().catch(error => error)
    const cause = await settle(stopping, clock, 1)
    const startedAtMs = clock.nowMs()
    expect(await settle(waiting, clock, 1)).toMatchObject({ kind: 'key', code: 100413, cause })
    expect(clock.nowMs() - startedAtMs).toBeLessThan(10)
    expect(requests).toHaveLength(2)
  })

  it('leaves no listener on the signals of its callers', async () => {
    const { account, clock } = fakeBingx({ replies: [FINE, WRONG] })
    const controller = new AbortController()
    const { signal } = controller
    await settle(account.swap.balance({ signal }), clock)
    await failure(account.swap.balance({ signal }), clock)
    await failure(account.swap.balance({ signal }), clock)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('shows nowhere', async () => {
    const { bingx, account, clock, events } = fakeBingx({
      replies: [{ body: { code: 100413, msg: `Incorrect apiKey ${KEYS.apiKey} ${KEYS.secretKey}` } }],
    })
    const error = await failure(account.swap.balance(), clock)
    const later = await failure(account.swap.balance(), clock)
    for (const each of [bingx, account, error, later, events]) {
      const shown = `${inspect(each, { depth: 12, showHidden: true })} ${JSON.stringify(each)}`
      for (const secret of [KEYS.apiKey, KEYS.secretKey]) expect(shown).not.toContain(secret)
    }
  })
})
