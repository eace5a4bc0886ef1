import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoffMs } from '../../src/backoff/backoff.ts'
import { runs } from '../support/runs.ts'

const options = fc.record(
  {
    baseMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
    capMs: fc.double({ min: 0, max: 1e12, noNaN: true }),
    factor: fc.double({ min: 1, max: 1e6, noNaN: true }),
  },
  { requiredKeys: ['baseMs', 'capMs'] },
)
const attempt = fc.oneof(fc.nat(40), fc.nat(1_000_000_000), fc.constant(1_000_000_000))
const random01 = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test.each([
  [0, 0.5, 50],
  [1, 0.5, 100],
  [3, 0.5, 400],
  [3, 0, 0],
  [4, 0.5, 500],
  [1e9, 0.5, 500],
])('attempt %d with %d of a base of 100 and a cap of 1000: %d ms', (n, random, ms) => {
  expect(backoffMs(n, { baseMs: 100, capMs: 1000 }, random)).toBe(ms)
})

test('the factor is an option', () => {
  expect(backoffMs(3, { baseMs: 1, capMs: 1000, factor: 3 }, 0.5)).toBe(13.5)
})

test('a base of 0 never waits, at no attempt', () => {
  expect(backoffMs(1e9, { baseMs: 0, capMs: 1000 }, 0.5)).toBe(0)
})

test("never below 0, never above the cap or the first ceiling's growth, never NaN", () => {
  fc.assert(
    fc.property(attempt, options, random01, (n, o, random) => {
      const ms = backoffMs(n, o, random)
      expect(ms).toBeGreaterThanOrEqual(0)
      expect(ms).toBeLessThanOrEqual(o.capMs)
      if (n === 0) expect(ms).toBeLessThanOrEqual(o.baseMs)
    }),
    runs(2000),
  )
})

test('the ceiling never falls from one attempt to a later one, and reaches the cap', () => {
  fc.assert(
    fc.property(attempt, attempt, options, random01, (a, b, o, random) => {
      const [early, late] = a < b ? [a, b] : [b, a]
      expect(backoffMs(early, o, random)).toBeLessThanOrEqual(backoffMs(late, o, random))
      if (o.baseMs > 0 && (o.factor ?? 2) > 1.001) expect(backoffMs(1e9, o, random)).toBe(random * o.capMs)
    }),
    runs(2000),
  )
})

test('jitter is full: the wait is the random share of the ceiling', () => {
  fc.assert(
    fc.property(attempt, options, random01, (n, o, random) => {
      const almostCeiling = backoffMs(n, o, 1 - 2 ** -53)
      const ms = backoffMs(n, o, random)
      expect(Math.abs(ms - random * almostCeiling)).toBeLessThanOrEqual(almostCeiling * 1e-12 + Number.MIN_VALUE)
    }),
    runs(1000),
  )
})
