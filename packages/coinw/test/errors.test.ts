import { createScheduler, type SchedulerEvent } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, it } from 'vitest'
import { CoinwError, coinwLimits, createCoinw, type ErrorKind } from '../src/index.ts'
import { failure, NEVER_MS, settle } from './support/settle.ts'

const KEYS = { apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' }
const PAGE = '<!DOCTYPE html><title>Attention Required! | Cloudflare</title>'

interface Reply {
  readonly status?: number
  readonly body: string
}

/** A client whose requests go nowhere; the n-th gets the n-th answer, the last one is for all later. */
function fakeCoinw(...replies: readonly Reply[]) {
  const clock = virtualClock()
  const events: SchedulerEvent[] = []
  const requests: URL[] = []
  const fetch = async (input: unknown) => {
    requests.push(new URL((input as Request).url))
    const { body, status = 200 } = replies[Math.min(requests.length, replies.length) - 1] as Reply
    return new Response(body, { status })
  }
  const observer = (event: SchedulerEvent) => events.push(event)
  const scheduler = createScheduler({ limits: coinwLimits, coldStart: 'full', clock, observer, random: () => 0.5 })
  const coinw = createCoinw({ fetch, clock, scheduler, observer, timeoutMs: NEVER_MS })
  return { clock, events, requests, coinw, account: coinw.account({ ...KEYS, uid: 'u1' }) }
}

/** What the client did after an answer that stays the same: a read, and a write. */
interface Did {
  readonly kind: ErrorKind
  /** How many calls reached the server, of a read that may go again three times. */
  readonly sent: number
  /** The same of a write; and its kind, where nobody knows whether it was done. */
  readonly writes?: number
  readonly writeKind?: ErrorKind
  readonly heldMs?: number
  readonly halved?: true
  readonly stopped?: true
  readonly alert?: string
}

const REFUSED: Did = { kind: 'refused', sent: 4, writes: 4, halved: true }
const TRANSIENT: Did = { kind: 'transient', sent: 4 }
const LOST: Did = { kind: 'lost', sent: 4, writeKind: 'lost' }
const FATAL: Did = { kind: 'fatal', sent: 1 }
const STOP: Did = { kind: 'key', sent: 1, stopped: true }
const BANNED: Did = { kind: 'held', sent: 1, heldMs: 300_000, alert: 'ip-banned' }

const CODES: readonly [code: number, msg: string, did: Did][] = [
  [29001, 'API access frequently', REFUSED],
  [29001, '', REFUSED],
  [-200, 'system error', TRANSIENT],
  [10001, 'network error', TRANSIENT],
  [500, 'system error', TRANSIENT],
  [-103, 'user API error', STOP],
  [1003, 'api_key error', STOP],
  [6000, 'key', STOP],
  [10006, 'api_key error', STOP],
  [10007, 'sign error', STOP],
  [-3, 'invalid parameter', FATAL],
  [10002, 'no such API', FATAL],
  [10003, 'parameter', FATAL],
  [10004, 'no permission', FATAL],
  [10005, 'no permission', FATAL],
  [200005, 'insufficient balance', FATAL],
  [31337, 'something new', { kind: 'unknown', sent: 1 }],
]

const STATUSES: readonly [status: number, body: string, did: Did][] = [
  [429, PAGE, REFUSED],
  [403, PAGE, BANNED],
  [418, '', BANNED],
  [500, PAGE, { ...TRANSIENT, writeKind: 'lost' }],
  [502, PAGE, { ...TRANSIENT, writeKind: 'lost' }],
  [503, '', { ...TRANSIENT, writeKind: 'lost' }],
  [522, PAGE, { ...TRANSIENT, writeKind: 'lost' }],
  [504, PAGE, LOST],
  [524, PAGE, LOST],
  [408, '', TRANSIENT],
  [404, PAGE, FATAL],
  [200, PAGE, { kind: 'malformed', sent: 1, writeKind: 'lost' }],
  [200, '{"code":"200","data":{"BTC":"0.00', { kind: 'malformed', sent: 1, writeKind: 'lost' }],
  [200, '', { kind: 'malformed', sent: 1, writeKind: 'lost' }],
]

async function told(reply: Reply, { kind, sent, writes = 1, writeKind, heldMs, halved, stopped, alert }: Did) {
  for (const isWrite of [false, true]) {
    const { account, clock, events, requests } = fakeCoinw(reply)
    const options = heldMs === undefined ? {} : { maxWaitMs: 10_000 }
    const call = isWrite ? account.call('doTrade', {}, options) : account.spot.balances(options)
    const error = await failure(call, clock)
    expect(error).toBeInstanceOf(CoinwError)
    expect(error).toMatchObject({ kind: isWrite ? (writeKind ?? kind) : kind, uid: 'u1' })
    const expected = isWrite ? writes : sent
    expect(requests).toHaveLength(expected)
    if (isWrite && writeKind) expect((error as Error).message).toContain('nobody knows whether it was done')

    const holds = events.filter(event => event.type === 'held')
    expect(holds.map(({ forMs, labels }) => [forMs, labels])).toEqual(
      heldMs === undefined ? [] : [[heldMs, { exchange: 'coinw', ip: 'default' }]],
    )
    expect(events.some(({ type }) => type === 'halved')).toBe(halved === true)
    expect(events.flatMap(event => (event.type === 'alert' ? [event.reason] : []))).toEqual(alert ? [alert] : [])
    expect(events.filter(({ type }) => type === 'account-stopped')).toHaveLength(stopped ? 1 : 0)

    // Another command of the same account.
    const next = await failure(account.call('returnOpenOrders', {}, { maxWaitMs: 20_000 }), clock).catch(() => 'read')
    expect(requests.length > expected).toBe(stopped !== true && heldMs === undefined)
    if (stopped) expect(next).toMatchObject({ kind: 'key', code: (error as CoinwError).code, cause: error })
  }
}

describe('what each code comes to', () => {
  it.each(CODES)('%i %s', async (code, msg, did) => {
    for (const status of [200, 400, 403, 429]) await told({ status, body: JSON.stringify({ code, msg }) }, did)
    await told({ body: JSON.stringify({ code: String(code), message: msg, success: false, failed: true }) }, did)
  })
})

describe('what an answer without a code comes to', () => {
  it.each(STATUSES)('HTTP %i %j', async (status, body, did) => {
    await told({ status, body }, did)
  })
})

it('a stopped account goes on after resume(), and public commands do not stop at all', async () => {
  const fine = { body: '{"code":"200","data":{}}' }
  const { account, clock, requests, events } = fakeCoinw({ body: '{"code":10006,"msg":"api_key error"}' }, fine)
  await failure(account.spot.balances(), clock)
  await failure(account.spot.balances(), clock)
  expect(await settle(account.call('returnTicker'), clock)).toEqual({})
  account.resume()
  expect(await settle(account.spot.balances(), clock)).toEqual({})
  expect(requests).toHaveLength(3)
  expect(events.filter(({ type }) => type.startsWith('account-'))).toEqual([
    {
      type: 'account-stopped',
      labels: { exchange: 'coinw', ip: 'default', uid: 'u1' },
      code: 10006,
      reason: 'api_key error',
    },
    { type: 'account-resumed', labels: { exchange: 'coinw', ip: 'default', uid: 'u1' } },
  ])
})
