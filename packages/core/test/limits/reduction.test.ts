import { describe, expect, test } from 'vitest'
import { Reduction } from '../../src/limits/reduction.ts'

describe('a limit halved by a refusal', () => {
  test('comes back by a twentieth per quiet time, which is a window', () => {
    const reduction = new Reduction(100, 2000, 0)
    const at = (ms: number) => reduction.tokens(100, ms)
    expect([0, 1999, 2000, 4000, 18_000, 20_000, 1e9].map(at)).toStrictEqual([50, 50, 55, 60, 95, 100, 100])
  })

  test.each([
    [10, 1000],
    [1000, 1000],
    [30_000, 30_000],
    [600_000, 60_000],
  ])('with a window of %d ms a quiet time is %d ms', (windowMs, quietMs) => {
    const reduction = new Reduction(100, windowMs, 0)
    expect([reduction.tokens(100, quietMs - 0.1), reduction.tokens(100, quietMs)]).toStrictEqual([50, 55])
  })

  test('halved again: from where it was, and its quiet time doubles, up to a minute', () => {
    const reduction = new Reduction(100, 10_000, 0)
    reduction.halve(100, 10_000)
    expect(reduction.tokens(100, 10_000)).toBe(27)
    expect(reduction.tokens(100, 29_999)).toBe(27)
    expect(reduction.tokens(100, 30_000)).toBe(32)
    for (let i = 0; i < 5; i++) reduction.halve(100, 30_000)
    expect(reduction.tokens(100, 89_999)).toBe(reduction.tokens(100, 30_000))
    expect(reduction.tokens(100, 90_000)).toBeGreaterThan(reduction.tokens(100, 30_000))
  })

  test('never below 1', () => {
    const reduction = new Reduction(3, 1000, 0)
    for (let i = 0; i < 10; i++) reduction.halve(3, 0)
    expect(reduction.tokens(3, 0)).toBe(1)
    expect(new Reduction(1, 1000, 0).tokens(1, 0)).toBe(1)
  })

  test('never above the limit, which may be lowered meanwhile', () => {
    expect(new Reduction(100, 1000, 0).tokens(20, 0)).toBe(20)
  })

  test.each([0, 0.1, 0.3, 17.7, 123_456.789, 1e9 + 0.1])(
    'from %d: at the instant it names the next token is there, and never at one before',
    sinceMs => {
      for (const windowMs of [1000, 1000 / 3, 1234.5, 60_000]) {
        for (const full of [2, 3, 7, 20, 100, 1000]) {
          const reduction = new Reduction(full, windowMs, sinceMs)
          let nowMs = sinceMs
          for (let i = 0; i < 25 && reduction.tokens(full, nowMs) < full; i++) {
            const before = reduction.tokens(full, nowMs)
            nowMs = reduction.nextMs(full, nowMs)
            expect(reduction.tokens(full, nowMs)).toBeGreaterThan(before)
            expect(reduction.tokens(full, nowMs - 1)).toBe(before)
          }
        }
      }
    },
  )
})
