import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { PUBLIC_SCOPE, SIGNED_SCOPE } from '../src/feedback.ts'
import { judge } from '../src/judge.ts'

/** Local time in these tests, and the server's where its answer tells it: a minute ahead. */
const LOCAL_MS = 1_727_193_500_000
const SERVER_MS = LOCAL_MS + 60_000
const UNTIL_MS = 1_727_193_814_249

const signed = { schema: z.unknown(), scope: SIGNED_SCOPE }
const body = (code: number | string, msg: unknown, more: object = {}) =>
  JSON.stringify({ code, msg, data: {}, ...more })
const told = (text: string, status = 200, reading = signed) => judge({ status, text }, reading, LOCAL_MS)

const RULE = 'code:100410:The endpoint trigger frequency limit rule is currently in the disabled period'
const DISABLED = `${RULE} and will be unblocked after ${UNTIL_MS}`
const MENDED = 'for this api, please verify and fix it ,can retry after time:'
const ERRORS = `over 20 error code:100202 requests within 480000 ms ${MENDED} ${UNTIL_MS}`
const NEW_ERRORS = `over 30 error requests within 120000ms for this api, can retry after time: ${UNTIL_MS}`

describe('a refusal with a time holds the endpoint of the UID', () => {
  it.each([
    [100410, DISABLED],
    ['100410', DISABLED],
    [100410, ERRORS],
    [109429, NEW_ERRORS],
    [109429, DISABLED],
    [100409, DISABLED],
    // Were it renumbered again.
    [109999, DISABLED],
  ])('%s %s', (code, msg) => {
    expect(told(body(code, msg))).toEqual({
      trouble: { code, msg, kind: 'held', untilMs: UNTIL_MS },
      refusal: { holdMs: UNTIL_MS - LOCAL_MS, by: ['exchange', 'uid', 'endpoint'] },
    })
  })

  it.each([SERVER_MS, String(SERVER_MS)])('counted on the clock of the answer itself: %o', timestamp => {
    expect(told(body(100410, DISABLED, { timestamp }))).toMatchObject({ refusal: { holdMs: UNTIL_MS - SERVER_MS } })
  })

  it.each([0, 1_727_193, 'soon', null, {}, -1, 1e300])('a timestamp that is no time is not believed: %o', timestamp => {
    expect(told(body(100410, DISABLED, { timestamp }))).toMatchObject({ refusal: { holdMs: UNTIL_MS - LOCAL_MS } })
  })

  it('whatever the status', () => {
    for (const status of [200, 400, 403, 418, 429, 500]) {
      expect(told(body(100410, DISABLED), status)).toMatchObject({
        refusal: { holdMs: UNTIL_MS - LOCAL_MS, by: SIGNED_SCOPE },
      })
    }
  })

  it('of the IP, when the call is public', () => {
    expect(told(body(100410, DISABLED), 200, { ...signed, scope: PUBLIC_SCOPE })).toMatchObject({
      refusal: { by: ['exchange', 'ip', 'endpoint'] },
    })
  })

  it('that is past means now; one that is absurd is cut to 15 minutes', () => {
    expect(told(body(100410, 'unblocked after 1500000000000'))).toMatchObject({ refusal: { holdMs: 0 } })
    expect(told(body(100410, 'unblocked after 9999999999999'))).toMatchObject({
      refusal: { holdMs: 15 * 60_000 },
      alert: 'hold-clamped',
    })
  })
})

describe('a refusal without a time', () => {
  it.each([
    [100410, 'rate limited', 200],
    ['100410', 'rate limited', 200],
    [100410, 'Request rate limit exceeded. Please slow down', 200],
    [100409, 'too many requests', 200],
    [109429, '', 200],
    [100410, 'rate limited', 429],
  ])('%s %j, HTTP %i', (code, msg, status) => {
    expect(told(body(code, msg), status)).toEqual({
      trouble: { code, msg, kind: 'refused' },
      refusal: { by: ['exchange', 'uid', 'endpoint'] },
    })
  })

  it.each(['', '<html>Too many</html>', '{"message":"slow down"}', '{"code":"slow"}'])('HTTP 429 with %j', text => {
    expect(told(text, 429)).toEqual({
      trouble: { code: 429, msg: 'HTTP 429 without a readable code', kind: 'refused' },
      refusal: { by: ['exchange', 'uid', 'endpoint'] },
    })
  })
})

it.each([403, 418])('HTTP %i without a code holds the whole IP for 5 minutes, and a person should know', status => {
  expect(told('<html>blocked</html>', status)).toEqual({
    trouble: { code: status, msg: `HTTP ${status} without a readable code`, kind: 'held', untilMs: LOCAL_MS + 300_000 },
    refusal: { holdMs: 300_000, by: ['exchange', 'ip'] },
    alert: 'ip-banned',
  })
})

describe('risk control pauses the endpoint for 15 minutes, and the call does not go again', () => {
  it.each([
    [109429, 'Request is temporarily restricted due to risk control'],
    [80020, 'risk forbidden'],
    [40029, ''],
    [109403, 'risk control'],
  ])('%i %j', (code, msg) => {
    expect(told(body(code, msg))).toMatchObject({
      trouble: { code, msg, kind: 'risk', untilMs: LOCAL_MS + 900_000 },
      refusal: { holdMs: 900_000, by: ['exchange', 'uid', 'endpoint'] },
      final: true,
      alert: 'risk-control',
    })
  })

  it('also where it names a shorter time', () => {
    const msg = `restricted due to risk control, will be unblocked after ${LOCAL_MS + 1000}`
    expect(told(body(109429, msg))).toMatchObject({ trouble: { kind: 'risk' }, refusal: { holdMs: 900_000 } })
  })
})

describe('an error that is no refusal', () => {
  it.each([
    [100410, 'The current system is busy, please try again later', 'transient'],
    [100421, 'Null timestamp or timestamp mismatch, try to run our sample code', 'timestamp'],
    [100421, 'this pair is restricted', 'fatal'],
    [80014, 'timestamp is invalid', 'timestamp'],
    [109400, 'timestamp is invalid', 'timestamp'],
    [80014, 'invalid parameter', 'fatal'],
    [109400, 'CATI-USDT,symbol not exist, please verify it in api: /openApi/swap/v2/quote/contracts', 'fatal'],
    [100413, 'Incorrect apiKey', 'key'],
    [
      100419,
      'IP does not match IP whitelist , please go to https://bingx.com/en/account/api/ to verify the ip you have set',
      'key',
    ],
    [100001, 'signature mismatch', 'key'],
    [100412, 'Null signature', 'fatal'],
    [100004, 'permission denied', 'fatal'],
    [100202, 'Insufficient balance', 'fatal'],
    [100500, 'internal', 'transient'],
    [100503, 'unavailable', 'transient'],
    [109500, 'busy', 'transient'],
    [80012, 'busy', 'transient'],
    [100400, 'bad parameter', 'fatal'],
    [100404, 'no such path', 'fatal'],
    [424242, 'something new', 'unknown'],
    // No rate code: an inner time is not for us.
    [100400, `can retry after time: ${UNTIL_MS}`, 'fatal'],
  ])('%i %s: %s', (code, msg, kind) => {
    for (const status of [200, 400, 500])
      expect(told(body(code, msg), status)).toMatchObject({ trouble: { code, msg, kind } })
  })

  it.each([
    [500, 'transient'],
    [502, 'transient'],
    [503, 'transient'],
    [504, 'lost'],
    [524, 'lost'],
    [522, 'transient'],
    [408, 'transient'],
    [400, 'fatal'],
    [401, 'fatal'],
    [404, 'fatal'],
    [200, 'malformed'],
  ])('HTTP %i without a code: %s', (status, kind) => {
    for (const text of ['', '<html></html>', '[]', '{}', '{"code":null}', '{"code":{}}', '{"code":1.5e', '"0"']) {
      expect(told(text, status)).toMatchObject({
        trouble: { code: status, msg: `HTTP ${status} without a readable code`, kind },
      })
    }
  })

  it('takes a message that is no text for none', () => {
    expect(told(body(100400, { deep: true }))).toMatchObject({ trouble: { code: 100400, msg: '', kind: 'fatal' } })
  })
})

it.each([0, '0'])('code %o is success, whatever the status', code => {
  for (const status of [200, 500]) expect(told(JSON.stringify({ code, data: 7 }), status)).toEqual({ value: 7 })
})
