import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { TimeRing } from '../../src/limits/time-ring.ts'
import { runs } from '../support/runs.ts'

const contents = (ring: TimeRing) => Array.from({ length: ring.length }, (_, i) => ring.at(i))

test('in at the back, out at the front', () => {
  const ring = new TimeRing()
  for (const atMs of [1, 2, 3]) ring.insert(atMs)
  ring.dropFirst()
  expect(contents(ring)).toStrictEqual([2, 3])
})

test('an instant that comes late finds its place', () => {
  const ring = new TimeRing()
  for (const atMs of [5, 9, 7, 7, 1]) ring.insert(atMs)
  expect(contents(ring)).toStrictEqual([1, 5, 7, 7, 9])
})

test('how many are so long ago is found from wherever the search begins', () => {
  const ring = new TimeRing()
  for (const atMs of [0, 1, 2, 3, 4]) ring.insert(atMs)
  ring.dropFirst()
  for (const near of [0, 1, 2, 3, 4]) {
    expect([10, 11, 12.9, 13, 14, 99].map(nowMs => ring.countBack(10, nowMs, near))).toStrictEqual([0, 1, 2, 3, 4, 4])
  }
})

test('whatever comes and goes, it is a sorted list that loses its first', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 50 }) },
    { weight: 2, arbitrary: fc.constant('drop' as const) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
      const ring = new TimeRing()
      let model: number[] = []
      for (const what of steps) {
        if (what !== 'drop') {
          ring.insert(what)
          model = [...model, what].sort((a, b) => a - b)
        } else if (model.length > 0) {
          ring.dropFirst()
          model.shift()
        }
        expect(contents(ring)).toStrictEqual(model)
      }
    }),
    runs(100),
  )
})
