import { describe, expect, test } from 'vitest'
import { parseDisabledPeriod } from '../../src/feedback/disabled-period.ts'

const MINUTE = 60_000
/** Before the instants of the documented samples of 2024-09-24, by less than the clamp. */
const NOW = 1727193600000
const UNBLOCK = 1727193814249
const RETRY = 1727193970155

const sentence =
  'The endpoint trigger frequency limit rule is currently in the disabled period and will be unblocked after'
const rule = 'over 20 error code:100202 requests within 480000 ms for this api, please verify and fix it'

describe('a frequency rule', () => {
  test.each([
    ['as documented', `code:100410:${sentence} ${UNBLOCK}`],
    ['without the prefix', `${sentence} ${UNBLOCK}`],
    ['another code in front', `code:109429:${sentence} ${UNBLOCK}`],
    ['in capitals', `${sentence} ${UNBLOCK}`.toUpperCase()],
    ['only the verb', `unblocked after ${UNBLOCK}.`],
    ['a colon', `will be unblocked after: ${UNBLOCK}`],
    ['no blank', `unblocked after:${UNBLOCK}`],
    ['brackets and a unit', `Unblocked after [${UNBLOCK}ms]`],
    ['two blanks, a tab, line breaks', `\n will  be\tunblocked \r\n after \n${UNBLOCK}\n`],
    ['thousands of blanks', `unblocked${' '.repeat(20_000)}after${' '.repeat(20_000)}${UNBLOCK}`],
    ['blanks and colons of other scripts', `unblocked\u00a0after\uff1a\u3000${UNBLOCK}\u3002`],
    ['words of other scripts around', `限频 🚫 ${sentence} ${UNBLOCK} 请稍后 \ud800`],
    ['inside JSON', JSON.stringify({ code: 100410, msg: `${sentence} ${UNBLOCK}`, data: {} })],
    ['a clause before that names a number', `retry 3 times; ${sentence} ${UNBLOCK}`],
    ['a count before that is no time', `disabled after 20 calls, unblocked at ${UNBLOCK}`],
    ['until', `this endpoint is in the disabled period until ${UNBLOCK}`],
    ['the noun', `unblock time is ${UNBLOCK}`],
    ['more text behind', `unblocked after ${UNBLOCK}, request id 42.`],
    ['a unit before it', `unblocked after time(ms): ${UNBLOCK}`],
    ['another verb', `the ban will be lifted at ${UNBLOCK}`],
    ['fractions', `unblocked after ${UNBLOCK}.0`],
  ])('%s', (_, message) => {
    expect(parseDisabledPeriod(message, NOW)).toStrictEqual({ untilMs: UNBLOCK, cause: 'frequency' })
  })

  test.each([
    ['retry after 1727193970155', RETRY],
    ['can retry after time:1727193970155', RETRY],
    ['Retry-After: 1727193970155', RETRY],
    ['please try again after 1727193970155', RETRY],
    ['over 1000 requests within 10000 ms, can retry after time: 1727193970155', RETRY],
    ['unblocked after 1727193814 in epoch seconds', 1727193814000],
    ['unblocked after 1727193814.249', UNBLOCK],
    ['retry after 30 seconds', NOW + 30_000],
    ['retry after 5 min', NOW + 5 * MINUTE],
    ['retry after 1500ms', NOW + 1500],
  ])('%s', (message, untilMs) => {
    expect(parseDisabledPeriod(message, NOW)).toStrictEqual({ untilMs, cause: 'frequency' })
  })
})

describe('an error-count rule', () => {
  const whole = { untilMs: RETRY, cause: 'error-count', errorCode: 100202, errorCount: 20, windowMs: 480_000 }

  test.each([
    ['as documented', `${rule} ,can retry after time: ${RETRY}`, whole],
    ["with a prefix whose code is not the errors'", `code:100410:${rule} ,can retry after time: ${RETRY}`, whole],
    ['with "error code" in the prefix', `error code:100410: ${rule} ,can retry after time: ${RETRY}`, whole],
    ['in capitals', `${rule} ,can retry after time: ${RETRY}`.toUpperCase(), whole],
    [
      'no blanks where they can be spared',
      `over 20 error code:100202 requests within 480000ms,retry after:${RETRY}`,
      whole,
    ],
    ['the time first', `can retry after time: ${RETRY}, ${rule}`, whole],
    ['"exceeded", "errors", "in", seconds', `exceeded 20 errors (code 100202) in 480 s; retry after ${RETRY}`, whole],
    ['the code behind', `more than 20 requests with error code 100202 within 480000 ms, retry after ${RETRY}`, whole],
    [
      'what stands behind the time is not of the rule',
      `over 20 error code:100202 requests, retry after ${RETRY}, within 9 ms`,
      { untilMs: RETRY, cause: 'error-count', errorCode: 100202, errorCount: 20 },
    ],
    ['the first code', `over 20 error code:100202 (code 7) requests within 480000 ms, retry after ${RETRY}`, whole],
    ['"errors" behind the code', `over 20 code:100202 errors within 480000 ms, retry after ${RETRY}`, whole],
    [
      '109429, without an inner code',
      `over 30 error requests within 120000ms for this api, please verify and fix it ,can retry after time: ${RETRY}`,
      { untilMs: RETRY, cause: 'error-count', errorCount: 30, windowMs: 120_000 },
    ],
    [
      'other numbers',
      `over 5 error code:80014 requests within 60000 ms for this api ,can retry after time: ${NOW + 1}`,
      { untilMs: NOW + 1, cause: 'error-count', errorCode: 80014, errorCount: 5, windowMs: 60_000 },
    ],
    [
      'without a window',
      `over 20 error code:100202 requests, can retry after time: ${RETRY}`,
      { untilMs: RETRY, cause: 'error-count', errorCode: 100202, errorCount: 20 },
    ],
    [
      'numbers beyond all reason are left out',
      `over ${'9'.repeat(400)} error code:${'8'.repeat(40)} requests within ${'7'.repeat(400)} ms, retry at ${RETRY}`,
      { untilMs: RETRY, cause: 'error-count' },
    ],
  ])('%s', (_, message, expected) => {
    expect(parseDisabledPeriod(message, NOW)).toStrictEqual(expected)
  })
})

describe('a time that cannot be', () => {
  const latest = NOW + 15 * MINUTE

  test.each([
    ['in the past', NOW - 5 * MINUTE, NOW],
    ['one millisecond ago', NOW - 1, NOW],
    ['zero', 0, NOW],
    ['this very instant', NOW, NOW],
    ['exactly 15 minutes ahead', latest, latest],
  ])('%s', (_, saidMs, untilMs) => {
    expect(parseDisabledPeriod(`${sentence} ${saidMs}`, NOW)).toStrictEqual({ untilMs, cause: 'frequency' })
  })

  test.each([
    ['one millisecond later', `${latest + 1}`],
    ['a day ahead', `${NOW + 86_400_000}`],
    ['epoch seconds a day ahead', `${NOW / 1000 + 86_400}`],
    ['microseconds', `${UNBLOCK}000`],
    ['17 digits', '17271938142491234'],
    ['400 digits', '9'.repeat(400)],
    ['a day in minutes', '1440 minutes'],
  ])('%s is clamped, and says so', (_, said) => {
    expect(parseDisabledPeriod(`${sentence} ${said}`, NOW)).toStrictEqual({
      untilMs: latest,
      cause: 'frequency',
      clamped: true,
    })
  })

  test('a clamped error-count rule keeps its numbers', () => {
    expect(parseDisabledPeriod(`${rule} ,can retry after time: ${latest + 1}`, NOW)).toStrictEqual({
      untilMs: latest,
      cause: 'error-count',
      errorCode: 100202,
      errorCount: 20,
      windowMs: 480_000,
      clamped: true,
    })
  })
})

describe('no disabled period', () => {
  test.each([
    'rate limited',
    'Request rate limit exceeded...',
    'Request rate limit exceeded 1727193814249',
    'The current system is busy, please try again later',
    'The current system is busy, please try again later, request id 1727193814249',
    'Request is temporarily restricted due to risk control',
    'risk forbidden',
    'Incorrect apiKey',
    'timestamp is invalid',
    'Null timestamp or timestamp mismatch, server time 1727193814249',
    'CATI-USDT,symbol not exist, please verify it in api: /openApi/swap/v2/quote/contracts',
    'code:100410:The endpoint trigger frequency limit rule is currently in the disabled period',
    `${sentence}`,
    `${sentence} soon`,
    `${sentence} 2024-09-24 16:03:34`,
    `${sentence} １７２７１９３８１４２４９`,
    `${rule}`,
    'please retry 3 times',
    'unblocked after maintenance of 1727193814249',
    'constructor __proto__ after 1727193814249',
    '',
  ])('%j', message => {
    expect(parseDisabledPeriod(message, NOW)).toBeUndefined()
  })

  const noStrings: unknown[] = [
    undefined,
    null,
    0,
    UNBLOCK,
    true,
    [],
    {},
    Symbol('unblocked after'),
    () => UNBLOCK,
    new Error(`unblocked after ${UNBLOCK}`),
    { msg: `unblocked after ${UNBLOCK}` },
    [`unblocked after ${UNBLOCK}`],
    {
      get message() {
        throw new Error('a getter ran')
      },
      toString() {
        throw new Error('toString ran')
      },
    },
  ]
  test.each(noStrings.map(message => ({ message })))('a value that is no string: case %#', ({ message }) => {
    expect(parseDisabledPeriod(message, NOW)).toBeUndefined()
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('now is %d', nowMs => {
    expect(parseDisabledPeriod(`unblocked after ${UNBLOCK}`, nowMs)).toBeUndefined()
  })

  test('a time that the bound of 65,536 characters cuts in two is no time', () => {
    const text = `unblocked after ${UNBLOCK}`
    const ending = (at: number) => ' '.repeat(at - text.length) + text
    expect(parseDisabledPeriod(ending(65_536), NOW)?.untilMs).toBe(UNBLOCK)
    expect(parseDisabledPeriod(`${ending(65_536)}0`, NOW)).toBeUndefined()
    expect(parseDisabledPeriod(ending(65_540), NOW)).toBeUndefined()
    expect(parseDisabledPeriod(ending(70_000), NOW)).toBeUndefined()
    expect(parseDisabledPeriod(text + ' '.repeat(1_000_000), NOW)?.untilMs).toBe(UNBLOCK)
  })
})
