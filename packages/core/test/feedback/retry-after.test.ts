import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRetryAfter } from '../../src/feedback/retry-after.ts'
import { runs } from '../support/runs.ts'

const NOW = Date.UTC(2026, 8, 24, 16, 0, 0)

describe('parseRetryAfter', () => {
  test.each([
    ['0', 0],
    ['1', 1000],
    [' 120\t', 120_000],
    ['1.5', 1500],
    ['0.0001', 1],
    ['900', 900_000],
    ['901', 900_000],
    ['9'.repeat(100), 900_000],
    ['Thu, 24 Sep 2026 16:00:30 GMT', 30_000],
    ['thu, 24 sep 2026 16:00:30 gmt', 30_000],
    ['Thursday, 24-Sep-26 16:00:30 GMT', 30_000],
    ['Thu Sep 24 16:00:30 2026', 30_000],
    ['Tue Sep  1 16:00:30 2026', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    // Over 50 years ahead means the century before: 1994, not 2094.
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Thu, 24 Sep 2099 16:00:30 GMT', 900_000],
  ])('%j', (header, forMs) => {
    expect(parseRetryAfter(header, NOW)).toBe(forMs)
  })

  test.each([
    '',
    ' ',
    '-1',
    '+1',
    '1e3',
    '0x10',
    '1,5',
    '1.',
    '.5',
    '5 s',
    'soon',
    'x 1',
    'NaN',
    'Infinity',
    '2026-09-24',
    'Thu, 24 Foo 2026 16:00:30 GMT',
    'Thu, 24 Sep 2026 16:00:30 CET',
    'Thu, 24 Sep 2026 16:00:30',
    '1'.repeat(1000),
    undefined,
    null,
    5,
    ['5'],
    { toString: () => '5' },
  ])('nonsense: %j', header => {
    expect(parseRetryAfter(header, NOW)).toBeUndefined()
  })

  test('seconds need no clock, a date does', () => {
    expect(parseRetryAfter('5', Number.NaN)).toBe(5000)
    expect(parseRetryAfter('Thu, 24 Sep 2026 16:00:30 GMT', Number.NaN)).toBeUndefined()
  })

  test("a cap of the caller's", () => {
    expect(parseRetryAfter('120', NOW, 60_000)).toBe(60_000)
  })

  test('the form that Date writes is read, to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: -3600, max: 3600 }), aheadS => {
        const header = new Date(NOW + aheadS * 1000).toUTCString()
        expect(parseRetryAfter(header, NOW)).toBe(Math.min(Math.max(aheadS * 1000, 0), 900_000))
      }),
      runs(300),
    )
  })

  test('anything else stays in bounds and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.string({ unit: 'binary' })), fc.double(), (header, nowMs) => {
        const forMs = parseRetryAfter(header, nowMs)
        if (forMs !== undefined) expect(forMs >= 0 && forMs <= 900_000).toBe(true)
      }),
      runs(1000),
    )
  })
})
