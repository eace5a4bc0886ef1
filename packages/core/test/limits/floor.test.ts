import { describe, expect, test } from 'vitest'
import { Floor } from '../../src/limits/floor.ts'

const MINUTE_MS = 60_000

/** A floor that has seen these round trips, at 0. */
function floorOf(roundTripsMs: readonly number[], atMs = 0): Floor {
  const floor = new Floor()
  for (const ms of roundTripsMs) floor.add(ms, atMs)
  return floor
}
const many = (n: number, ms: number) => Array<number>(n).fill(ms)
/** 100, 101, 102 … */
const rising = (n: number, stepMs: number) => Array.from({ length: n }, (_, i) => 100 + i * stepMs)

describe('max(0, min(0.9·m1, m1 − 2·(m16 − m1)))', () => {
  test.each<[string, readonly number[], number]>([
    ['nothing seen', [], 0],
    ['39 answers are not enough', many(39, 100), 0],
    ['40 alike: nine tenths', many(40, 100), 90],
    ['a spread of 3: still nine tenths', rising(40, 0.2), 90],
    ['a spread of 15', rising(40, 1), 70],
    ['a spread that leaves nothing', rising(40, 4), 0],
    ['only the 16 smallest decide', [...many(16, 50), ...many(24, 5000)], 45],
    ['15 small ones do not: the 16th is far away', [...many(15, 50), ...many(25, 5000)], 0],
    ['their order makes no difference', rising(40, 1).reverse(), 70],
    ['one freak low answer costs the floor, not safety', [1, ...many(60, 100)], 0],
  ])('%s', (_, roundTripsMs, expected) => {
    expect(floorOf(roundTripsMs).floorMs(0)).toBeCloseTo(expected, 9)
  })

  test('the ceiling is nine tenths of the smallest, as soon as one is known', () => {
    expect(new Floor().ceilingMs(0)).toBe(0)
    expect(floorOf([100, 50, 70]).ceilingMs(0)).toBe(45)
  })
})

describe('the last hour, in six slots of ten minutes', () => {
  test('after it the samples are gone', () => {
    const floor = floorOf(many(40, 100))
    expect(floor.floorMs(59.9 * MINUTE_MS)).toBe(90)
    expect(floor.floorMs(60 * MINUTE_MS)).toBe(0)
    expect(floor.ceilingMs(60 * MINUTE_MS)).toBe(0)
  })

  test('a route that became slower is believed when the fast answers are an hour old', () => {
    const floor = floorOf(many(40, 100))
    for (let slot = 1; slot <= 5; slot++) for (let i = 0; i < 40; i++) floor.add(300, slot * 10 * MINUTE_MS)
    expect(floor.floorMs(59 * MINUTE_MS)).toBe(90)
    expect(floor.floorMs(61 * MINUTE_MS)).toBe(270)
  })

  test('a route that became faster is believed at once', () => {
    const floor = floorOf(many(40, 300))
    floor.add(100, 1)
    expect(floor.floorMs(1)).toBe(0)
    for (let i = 0; i < 15; i++) floor.add(100, 1)
    expect(floor.floorMs(1)).toBe(90)
  })

  test('answers of several slots count together', () => {
    const floor = new Floor()
    for (let slot = 0; slot < 4; slot++) for (let i = 0; i < 10; i++) floor.add(100, slot * 10 * MINUTE_MS)
    expect(floor.floorMs(39 * MINUTE_MS)).toBe(90)
  })

  test('a slot is used again after an hour, empty', () => {
    const floor = floorOf(many(40, 100))
    floor.add(500, 60 * MINUTE_MS)
    expect(floor.ceilingMs(60 * MINUTE_MS)).toBe(450)
    expect(floor.floorMs(60 * MINUTE_MS)).toBe(0)
  })
})

describe('a round trip over a new connection', () => {
  test('counts only when it is shorter than any before: the route has become faster', () => {
    const floor = floorOf(many(40, 100))
    floor.learn(120, false, 0)
    floor.learn(100, false, 0)
    expect(floor.floorMs(0)).toBe(90)
    floor.learn(60, false, 0)
    expect([floor.ceilingMs(0), floor.floorMs(0)]).toStrictEqual([54, 0])
  })

  test('is never the first', () => {
    const floor = new Floor()
    floor.learn(60, false, 0)
    expect(floor.ceilingMs(0)).toBe(0)
    floor.learn(60, true, 0)
    expect(floor.ceilingMs(0)).toBe(54)
  })
})

describe('refusals', () => {
  test('three in a row sooner than any answer: the route may have become faster, and is learned anew', () => {
    const floor = floorOf(many(60, 100))
    for (let i = 0; i < 2; i++) floor.doubt(99, MINUTE_MS)
    expect(floor.floorMs(MINUTE_MS)).toBe(90)
    floor.doubt(99, MINUTE_MS)
    expect(floor.floorMs(MINUTE_MS)).toBe(0)
    expect(floor.ceilingMs(MINUTE_MS)).toBe(0)
    for (const ms of many(40, 50)) floor.add(ms, MINUTE_MS)
    expect(floor.floorMs(MINUTE_MS)).toBe(45)
  })

  test('with an answer between them are freaks', () => {
    const floor = floorOf(many(60, 100))
    for (let i = 0; i < 6; i++) {
      floor.doubt(1, 0)
      if (i % 2 === 1) floor.learn(100, i === 3, 0)
    }
    expect(floor.floorMs(0)).toBe(90)
  })

  test('no sooner than the soonest answer say nothing of the route', () => {
    const floor = floorOf(many(60, 100))
    for (let i = 0; i < 6; i++) floor.doubt(100, MINUTE_MS)
    expect(floor.floorMs(MINUTE_MS)).toBe(90)
  })

  test('are no samples', () => {
    const floor = floorOf([])
    for (const ms of many(60, 100)) floor.doubt(ms, 0)
    expect(floor.ceilingMs(0)).toBe(0)
  })
})
