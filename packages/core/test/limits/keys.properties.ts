import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyOf, pick, labelsOf as valuesOf } from '../../src/limits/keys.ts'
import { runs } from '../support/runs.ts'

// Made of the very characters that join and end the values.
const value = fc.oneof(
  fc.string(),
  fc.array(fc.constantFrom('\u001f', '0', '1', '/', 'a', '"', ''), { maxLength: 6 }).map(parts => parts.join('')),
)
const names = ['a', 'b', 'c']
const values = fc.array(value, { minLength: 3, maxLength: 3 })
const labelsOf = (of: readonly string[]) => Object.fromEntries(names.map((name, i) => [name, of[i] as string]))

test('different values never give one key, equal ones always do', () => {
  fc.assert(
    fc.property(values, values, (one, other) => {
      const isSame = one.every((each, i) => each === other[i])
      expect(keyOf(names, labelsOf(one)) === keyOf(names, labelsOf(other))).toBe(isSame)
    }),
    runs(1000),
  )
})

test('a key tells the values that it was made of', () => {
  fc.assert(
    fc.property(values, fc.integer({ min: 0, max: 3 }), (of, count) => {
      const some = names.slice(0, count)
      const labels = labelsOf(of)
      expect(valuesOf(some, keyOf(some, labels) as string)).toStrictEqual(pick(some, labels))
    }),
    runs(1000),
  )
})

test('nor do values of which one is longer and the next shorter', () => {
  fc.assert(
    fc.property(value, value, value, fc.nat(8), (a, b, c, cut) => {
      const all = a + b
      const moved = [all.slice(0, cut), all.slice(cut), c]
      if (moved[0] === a) return
      expect(keyOf(names, labelsOf(moved))).not.toBe(keyOf(names, labelsOf([a, b, c])))
    }),
    runs(1000),
  )
})

test('a label that is missing, or only inherited, gives no key', () => {
  expect(keyOf(['a', 'b'], { a: '1' })).toBeUndefined()
  expect(keyOf(['toString'], {})).toBeUndefined()
  expect(keyOf([], {})).toBe('')
})

test('pick takes own labels alone, in the order of the names', () => {
  expect(Object.entries(pick(['b', 'x', 'a', 'constructor'], { a: '1', b: '2', c: '3' }))).toStrictEqual([
    ['b', '2'],
    ['a', '1'],
  ])
})
