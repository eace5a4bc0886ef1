import { type HeadgateError, MaxWaitError } from '@headgate/core'
import { describe, expect, it } from 'vitest'
import { BingxError, type ErrorKind } from '../src/index.ts'
import { type FakeReply, fakeBingx, START_MS } from './support/fake-bingx.ts'
import { failure } from './support/settle.ts'

/** What the client did after an answer that stays the same however often it asks. */
interface Did {
  /** Of the error. */
  readonly kind: ErrorKind
  /** How many calls reached the server, of one that may go again three times. */
  readonly sent: number
  /** How long what is then shut: a hold. */
  readonly heldMs?: number
  /** Over what. Default: the endpoint of the UID. */
  readonly over?: 'ip'
  readonly halved?: true
  readonly alert?: string
  /** No call with the key goes out any more. */
  readonly stopped?: true
  /** How often the server was asked for its time, once before the first call. */
  readonly asked?: number
}

const MIN_5 = 300_000
const MIN_15 = 900_000
const IN_2_MIN = START_MS + 120_000
const RULE = 'The endpoint trigger frequency limit rule is currently in the disabled period and will be unblocked after'
const MENDED = 'for this api, please verify and fix it ,can retry after time:'
const LINK = 'https://bingx-api.github.io/docs/#/en-us/spot/account-api.html#Query%20Assets'
const PAGE = '<!DOCTYPE html><html><title>Attention Required!</title></html>'

const HELD: Did = { kind: 'held', sent: 1, heldMs: 120_000 }
const REFUSED: Did = { kind: 'refused', sent: 4, halved: true }
const TRANSIENT: Did = { kind: 'transient', sent: 4 }
const FATAL: Did = { kind: 'fatal', sent: 1 }
const UNKNOWN: Did = { kind: 'unknown', sent: 1 }
const STALE: Did = { kind: 'timestamp', sent: 2, asked: 2 }
const STOP: Did = { kind: 'key', sent: 1, stopped: true }
const RISK: Did = { kind: 'risk', sent: 1, heldMs: MIN_15, alert: 'risk-control' }
const BANNED: Did = { kind: 'held', sent: 1, heldMs: MIN_5, over: 'ip', alert: 'ip-banned' }

/** Every code and wording of the documents and observations, as numbered before 2025-10-16 and since. */
const CODES: readonly [code: number, msg: string, did: Did][] = [
  // Rate limits, with a time.
  [100410, `code:100410:${RULE} ${IN_2_MIN}`, HELD],
  [109429, `code:109429:${RULE} ${IN_2_MIN}`, HELD],
  [100409, `code:100409:${RULE} ${IN_2_MIN}`, HELD],
  [100410, `over 20 error code:100202 requests within 480000 ms ${MENDED} ${IN_2_MIN}`, HELD],
  [109429, `over 20 error code:109400 requests within 480000 ms ${MENDED} ${IN_2_MIN}`, HELD],
  [109429, `over 30 error requests within 120000ms ${MENDED} ${IN_2_MIN}`, HELD],
  [100410, `over 30 error requests within 120000ms ${MENDED} ${IN_2_MIN}`, HELD],
  [100410, `The current system is busy, can retry after time: ${IN_2_MIN}`, HELD],
  // Were they renumbered again.
  [110429, `${RULE} ${IN_2_MIN}`, HELD],
  [100410, `${RULE} ${START_MS + 86_400_000}`, { ...HELD, heldMs: MIN_15, alert: 'hold-clamped' }],
  // Rate limits, without.
  [100410, 'rate limited', REFUSED],
  [109429, 'rate limited', REFUSED],
  [100409, 'rate limited', REFUSED],
  [100410, 'Request rate limit exceeded, please slow down', REFUSED],
  [109429, '', REFUSED],
  // The server's own trouble.
  [100410, 'The current system is busy, please try again later', TRANSIENT],
  [109429, 'The current system is busy, please try again later', TRANSIENT],
  [109429, 'system busy', TRANSIENT],
  [100500, 'internal system error', TRANSIENT],
  [100503, 'server busy', TRANSIENT],
  [109500, 'service unavailable', TRANSIENT],
  [80012, 'service unavailable', TRANSIENT],
  // Risk control.
  [109429, 'Request is temporarily restricted due to risk control', RISK],
  [100410, 'Request is temporarily restricted due to risk control', RISK],
  [80020, 'risk forbidden', RISK],
  [40029, 'risk control', RISK],
  [109403, 'risk control', RISK],
  // Clock, or something else under the same code.
  [100421, `Null timestamp or timestamp mismatch, try to run our sample code from the link ${LINK}`, STALE],
  [100421, 'signature time out of range', STALE],
  [80014, 'timestamp is invalid', STALE],
  [80001, 'timestamp is invalid', STALE],
  [109400, 'timestamp is invalid', STALE],
  [109400, 'Null timestamp or timestamp mismatch', STALE],
  [100421, 'this trading pair is restricted, pair: BTC-USDT', FATAL],
  [100421, 'Pair restricted', FATAL],
  [80014, 'invalid parameter', FATAL],
  [80001, 'invalid parameter', FATAL],
  [109400, 'CATI-USDT,symbol not exist, please verify it in api: /openApi/swap/v2/quote/contracts', FATAL],
  // The key.
  [100413, 'Incorrect apiKey', STOP],
  [
    100419,
    'IP does not match IP whitelist , please go to https://bingx.com/en/account/api/ to verify the ip you have set',
    { ...STOP, alert: 'ip-not-whitelisted' },
  ],
  [100001, 'Signature verification failed', STOP],
  // The call.
  [100412, 'Null signature', FATAL],
  [100004, 'Permission denied as the API key was created without the permission', FATAL],
  [100202, 'Insufficient balance', FATAL],
  [100400, 'this api is not exist', FATAL],
  [100404, 'no such path', FATAL],
  [80016, 'order does not exist', FATAL],
  [109421, 'order does not exist', FATAL],
  [777777, 'something new', UNKNOWN],
]

/** Answers whose body has no code, or none that can be read. */
const STATUSES: readonly [status: number, body: string, did: Did][] = [
  [429, '', REFUSED],
  [429, PAGE, REFUSED],
  [429, '{"message":"slow down"}', REFUSED],
  [403, PAGE, BANNED],
  [418, '', BANNED],
  [500, PAGE, TRANSIENT],
  [502, '<html>bad gateway</html>', TRANSIENT],
  [503, '', TRANSIENT],
  [520, PAGE, TRANSIENT],
  [408, '', TRANSIENT],
  [504, '<html>gateway time-out</html>', { kind: 'lost', sent: 4 }],
  [524, PAGE, { kind: 'lost', sent: 4 }],
  [400, PAGE, FATAL],
  [401, '', FATAL],
  [404, PAGE, FATAL],
  [200, PAGE, { kind: 'malformed', sent: 1 }],
  [200, '{"code":0,"msg":"","data":[{"asset":"US', { kind: 'malformed', sent: 1 }],
  [200, '', { kind: 'malformed', sent: 1 }],
  [302, '', FATAL],
]

async function told(reply: FakeReply, { kind, sent, heldMs, over, halved, alert, stopped, asked = 1 }: Did) {
  const it = fakeBingx({ replies: [reply] })
  const { account, clock, events, requests, timeRequests } = it
  // What goes on by itself after the hold would wait for its end.
  const options = kind === 'held' ? { maxWaitMs: 10_000 } : {}
  const error = await failure(account.swap.balance(options), clock)
  expect(error).toBeInstanceOf(BingxError)
  expect(error).toMatchObject({ kind, uid: 'u1', endpoint: 'GET /openApi/swap/v3/user/balance' })
  expect({ sent: requests.length, asked: timeRequests.length }).toEqual({ sent, asked })

  const holds = events.filter(event => event.type === 'held')
  const scope = over === 'ip' ? { exchange: 'bingx', ip: 'default' } : { exchange: 'bingx', uid: 'u1' }
  if (heldMs === undefined) expect(holds).toEqual([])
  else {
    expect(holds).toMatchObject([{ labels: scope }])
    // By the answer's own time, or the client's idea of it, which is good to half a millisecond here.
    expect(Math.abs((holds[0]?.forMs ?? 0) - heldMs)).toBeLessThanOrEqual(1)
    expect(Math.abs(((error as BingxError).untilMs ?? 0) - START_MS - heldMs)).toBeLessThanOrEqual(1)
    expect(await failure(account.swap.balance({ maxWaitMs: 10_000 }), clock)).toBeInstanceOf(MaxWaitError)
  }
  expect(events.some(({ type }) => type === 'halved')).toBe(halved === true)
  expect(events.flatMap(event => (event.type === 'alert' ? [event.reason] : []))).toEqual(alert ? [alert] : [])
  expect(events.filter(({ type }) => type === 'account-stopped')).toHaveLength(stopped ? 1 : 0)

  // The next call, of another endpoint: nothing reaches the server where that would be a mistake.
  const next = await failure(account.allBalances({}, { maxWaitMs: 10_000 }), clock).catch(() => 'answered')
  const blocked = stopped === true || over === 'ip'
  expect(requests.length > sent).toBe(!blocked)
  if (stopped) expect(next).toMatchObject({ kind: 'key', code: (error as BingxError).code, cause: error })
  else if (blocked) expect((next as HeadgateError).code).toBe('MAX_WAIT')
}

describe('what each code comes to', () => {
  it.each(CODES)('%i %s', async (code, msg, did) => {
    // Several statuses come with the same body: the body decides. A code may come as text.
    for (const status of [200, 400, 429]) await told({ status, body: { code, msg, data: {} } }, did)
    await told({ body: { code: String(code), msg } }, did)
  })
})

describe('what an answer without a code comes to', () => {
  it.each(STATUSES)('HTTP %i %j', async (status, body, did) => {
    await told({ status, body }, did)
  })
})

describe('what is told', () => {
  it('holds the code as it was sent', async () => {
    for (const code of [100202, '100202']) {
      const { account, clock } = fakeBingx({ replies: [{ body: { code, msg: 'Insufficient balance' } }] })
      expect(await failure(account.swap.balance(), clock)).toMatchObject({ code, msg: 'Insufficient balance' })
    }
  })

  it('says in words what a stale timestamp, a wrong key and a hold mean', async () => {
    const messageOf = async (body: object) => {
      const { account, clock } = fakeBingx({ replies: [{ body }] })
      return ((await failure(account.swap.balance({ maxWaitMs: 9_000 }), clock)) as Error).message
    }
    expect(await messageOf({ code: 80014, msg: 'timestamp is invalid' })).toBe(
      "GET /openApi/swap/v3/user/balance: 80014 timestamp is invalid (timestamp: signed afresh by the exchange's clock, and refused again)",
    )
    expect(await messageOf({ code: 100413, msg: 'Incorrect apiKey' })).toContain(
      '(key: no call goes out with this key until account.resume())',
    )
  })
})
