import { logNormal, normal, seededRandom } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'

const take = (n: number, next: () => number) => Array.from({ length: n }, next)
const mean = (of: readonly number[]) => of.reduce((sum, each) => sum + each, 0) / of.length

describe('seededRandom', () => {
  test('the same seed gives the same numbers, on every host', () => {
    expect(take(3, seededRandom(1))).toStrictEqual(take(3, seededRandom(1)))
    expect(take(3, seededRandom(1)).map(each => Math.floor(each * 1e9))).toMatchInlineSnapshot(`
      [
        627073940,
        2735721,
        527447039,
      ]
    `)
    expect(take(3, seededRandom(2))).not.toStrictEqual(take(3, seededRandom(1)))
  })

  test.each([0, 1, -1, 2 ** 32, 0.5])('seed %d: uniform in [0, 1)', seed => {
    const numbers = take(20_000, seededRandom(seed))
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0)
    expect(Math.max(...numbers)).toBeLessThan(1)
    expect(mean(numbers)).toBeCloseTo(0.5, 1)
  })
})

test('normal: mean 0, deviation 1, always finite', () => {
  const random = seededRandom(1)
  const numbers = take(20_000, () => normal(random))
  expect(mean(numbers)).toBeCloseTo(0, 1)
  expect(mean(numbers.map(each => each * each))).toBeCloseTo(1, 1)
  expect(Number.isFinite(normal(() => 0))).toBe(true)
})

test('logNormal: half of the numbers are below the median, all above 0', () => {
  const random = seededRandom(1)
  const numbers = take(20_000, () => logNormal(random, 5, 1))
  expect(numbers.filter(each => each < 5).length / numbers.length).toBeCloseTo(0.5, 1)
  expect(Math.min(...numbers)).toBeGreaterThan(0)
  expect(logNormal(random, 5, 0)).toBe(5)
})
