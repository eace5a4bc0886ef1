import type { Labels } from '@headgate/core'
import { expect, test } from 'vitest'
import type { Passage } from '../../src/ports/ledger.ts'
import { Passages } from '../../src/run/passages.ts'

/** More than two generations. */
const MANY = 10_000

const passageOf = (labels: Labels): Passage => ({ labels, gates: [] })

/** Others come, each once. */
function others(passages: Passages): void {
  for (let i = 0; i < MANY; i++) {
    const labels = { uid: `${i}` }
    passages.add(labels, passageOf(labels))
  }
}

test('labels seen once are remembered for a while, by their identity', () => {
  const passages = new Passages()
  const labels = { uid: '1' }
  const passage = passageOf(labels)
  passages.add(labels, passage)
  expect(passages.get({ ...labels })).toBeUndefined()
  expect(passages.get(labels)).toBe(passage)
})

test('labels seen once and never again are forgotten', () => {
  const passages = new Passages()
  const labels = { uid: '1' }
  passages.add(labels, passageOf(labels))
  others(passages)
  expect(passages.get(labels)).toBeUndefined()
})

test('labels seen twice are remembered whatever else comes', () => {
  const passages = new Passages()
  const labels = { uid: '1' }
  const passage = passageOf(labels)
  passages.add(labels, passage)
  passages.get(labels)
  others(passages)
  expect(passages.get(labels)).toBe(passage)
})
