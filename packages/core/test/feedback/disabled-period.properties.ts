import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DisabledPeriod, parseDisabledPeriod } from '../../src/feedback/disabled-period.ts'
import { runs } from '../support/runs.ts'

const CLAMP_MS = 15 * 60_000
const now = fc.integer({ min: 1_500_000_000_000, max: 2_500_000_000_000 })

function expectWithinBounds(period: DisabledPeriod | undefined, nowMs: number) {
  if (period === undefined) return
  expect(period.untilMs).toBeGreaterThanOrEqual(nowMs)
  expect(period.untilMs).toBeLessThanOrEqual(nowMs + CLAMP_MS)
  expect(['frequency', 'error-count']).toContain(period.cause)
  for (const n of [period.errorCode, period.errorCount, period.windowMs])
    expect(n === undefined || Number.isFinite(n)).toBe(true)
  if (period.clamped) expect(period.untilMs).toBe(nowMs + CLAMP_MS)
}

/** Texts made of the words that the parser knows, so that its branches are met, not only missed. */
const nearMiss = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        'unblocked',
        'retry',
        'try',
        'disabled',
        'period',
        'after',
        'until',
        'time',
        'over',
        'exceeded',
        'error',
      ),
      fc.constantFrom(
        'errors',
        'code',
        'requests',
        'within',
        'in',
        'ms',
        'seconds',
        'min',
        ':',
        ',',
        '.',
        '-',
        '/',
        '…',
        '\u2028',
      ),
      fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String),
      now.map(String),
      fc.double().map(String),
      fc.string({ unit: 'binary', maxLength: 8 }),
    ),
    { maxLength: 40 },
  )
  .chain(words => fc.constantFrom('', ' ', '  ').map(glue => words.join(glue)))

test('no string makes it throw or leave its bounds', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), nearMiss), fc.oneof(now, fc.double()), (message, nowMs) => {
      expectWithinBounds(parseDisabledPeriod(message, nowMs), nowMs)
    }),
    runs(3000),
  )
})

test('any other value is no message', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), fc.anything()), now, (message, nowMs) => {
      const period = parseDisabledPeriod(message, nowMs)
      if (typeof message === 'string') expectWithinBounds(period, nowMs)
      else expect(period).toBeUndefined()
    }),
    runs(1000),
  )
})

test('a known wording is read whatever its numbers, case, white space and surroundings', () => {
  const blank = fc.string({ unit: fc.constantFrom(' ', '\t', '\n', '\u00a0', '\u3000'), minLength: 1, maxLength: 6 })
  const upper = fc.boolean()
  const around = fc.string({ unit: fc.constantFrom('限', '🚫', '!', '{', '"', ' ', '\ud800'), maxLength: 10 })
  fc.assert(
    fc.property(
      now,
      fc.integer({ min: -10 * CLAMP_MS, max: 10 * CLAMP_MS }),
      fc.nat(1000),
      fc.nat(999_999),
      fc.nat(10_000_000),
      fc.constantFrom('unblocked after', 'retry after time:', 'can retry after'),
      fc.boolean(),
      blank,
      upper,
      around,
      (nowMs, aheadMs, count, code, windowMs, anchor, byErrors, white, shout, junk) => {
        const why = byErrors
          ? `over ${count} error code:${code} requests within ${windowMs} ms, `
          : 'the disabled period '
        const text = `${why}${anchor} ${nowMs + aheadMs}`.replaceAll(' ', white)
        const period = parseDisabledPeriod(junk + (shout ? text.toUpperCase() : text) + junk, nowMs)
        expect(period).toStrictEqual({
          untilMs: nowMs + Math.min(Math.max(aheadMs, 0), CLAMP_MS),
          ...(byErrors
            ? { cause: 'error-count', errorCount: count, errorCode: code, windowMs }
            : { cause: 'frequency' }),
          ...(aheadMs > CLAMP_MS ? { clamped: true } : {}),
        })
      },
    ),
    runs(1000),
  )
})

test('seconds and milliseconds of one instant are one instant', () => {
  fc.assert(
    fc.property(now, fc.integer({ min: 1, max: 899 }), (nowMs, aheadS) => {
      const s = Math.floor(nowMs / 1000) + aheadS
      const parse = (time: number) => parseDisabledPeriod(`unblocked after ${time}`, nowMs)
      expect(parse(s)).toStrictEqual(parse(s * 1000))
    }),
    runs(300),
  )
})

test('what stands behind the first 65,536 characters changes nothing', () => {
  const head = `unblocked after 1727193814249 ${'x '.repeat(40_000)}`
  const first = parseDisabledPeriod(head, 1727193600000)
  expect(first?.untilMs).toBe(1727193814249)
  fc.assert(
    fc.property(nearMiss, tail => {
      expect(parseDisabledPeriod(`${head} ${tail}`, 1727193600000)).toStrictEqual(first)
    }),
    runs(50),
  )
})

const hostile: Record<string, (length: number) => string> = {
  blanks: n => `unblocked after${' '.repeat(n)}1`,
  digits: n => `unblocked after ${'9'.repeat(n)}`,
  letters: n => 'a'.repeat(n),
  'parted digits': n => '1-'.repeat(n / 2),
  'digits and letters in turn': n => '1a'.repeat(n / 2),
  'anchors without a time': n => 'retry after '.repeat(n / 12),
  'rules without an end': n => `retry after 1 ${'over 20 '.repeat(n / 8)}`,
  'astral characters': n => '🚫'.repeat(n / 2),
}

/** The least of several, since noise only adds. */
function leastMs(message: string): number {
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < 7; i++) {
    const startMs = performance.now()
    parseDisabledPeriod(message, 1727193600000)
    least = Math.min(least, performance.now() - startMs)
  }
  return least
}

test.each(Object.entries(hostile))('%s: the cost grows no faster than the length, and ends at the bound', (_, make) => {
  // 0.2 ms of slack against the clock's grain; quadratic cost would be 64 times, exponential would not return.
  expect(leastMs(make(64_000))).toBeLessThan(20 * (leastMs(make(8_000)) + 0.2))
  expect(leastMs(make(1_000_000))).toBeLessThan(20 * (leastMs(make(100_000)) + 0.2))
})
