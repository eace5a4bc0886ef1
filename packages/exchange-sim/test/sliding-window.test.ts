import { expect, test } from 'vitest'
import { SlidingWindow } from '../src/sliding-window.ts'

test('a call is inside until one window after it was counted, and at that instant no longer', () => {
  const window = new SlidingWindow(2, 1000)
  // [instant, used before, then count?]
  const steps: [number, number, boolean][] = [
    [0, 0, true],
    [400, 1, true],
    [999.999, 2, false],
    [1000, 1, true],
    [1399.999, 2, false],
    [1400, 1, false],
    [1999.999, 1, false],
    [2000, 0, false],
  ]
  for (const [nowMs, used, count] of steps) {
    expect(window.used(nowMs), `at ${nowMs}`).toBe(used)
    if (count) window.push(nowMs)
  }
})

test('tells the time until the oldest call leaves', () => {
  const window = new SlidingWindow(3, 1000)
  expect(window.resetMs(0)).toBe(0)
  window.push(100)
  window.push(300)
  expect(window.resetMs(350)).toBe(750)
  expect(window.resetMs(1100)).toBe(200)
})

test('a call counted in a full window takes the place of the oldest', () => {
  const window = new SlidingWindow(2, 1000)
  for (const nowMs of [0, 1, 900]) window.push(nowMs)
  expect(window.used(999)).toBe(2)
  expect(window.used(1001)).toBe(1)
  expect(window.used(1900)).toBe(0)
})
