import { describe, expect, test } from 'vitest'
import { goesBefore, Lane, type Queued } from '../../src/lanes/lane.ts'

const call = (): Queued => ({ cost: undefined, queuedAtMs: 0, lane: undefined, previous: undefined, next: undefined })
const lane = () => new Lane('k', { labels: {}, gates: [] }, 0, '')

function inOrder(of: Lane): Queued[] {
  const calls: Queued[] = []
  for (let each = of.first; each !== undefined; each = each.next) calls.push(each)
  return calls
}

describe('a lane', () => {
  test('first come, first served; a call that comes again goes first', () => {
    const on = lane()
    const [a, b, c] = [call(), call(), call()]
    on.append(a)
    on.append(b)
    on.prepend(c)
    expect(inOrder(on)).toStrictEqual([c, a, b])
    expect([on.size, a.lane]).toStrictEqual([3, on])
  })

  test.each([[0], [1], [2]])('a call taken out of place %d leaves the others as they were', index => {
    const on = lane()
    const calls = [call(), call(), call()]
    for (const each of calls) on.append(each)
    const [taken] = calls.splice(index, 1) as [Queued]
    on.take(taken)
    expect(inOrder(on)).toStrictEqual(calls)
    expect(taken).toStrictEqual(call())
    const last = call()
    on.append(last)
    on.prepend(taken)
    expect(inOrder(on)).toStrictEqual([taken, ...calls, last])
  })

  test('emptied can be filled again', () => {
    const on = lane()
    const only = call()
    on.prepend(only)
    on.take(only)
    expect([on.size, on.first]).toStrictEqual([0, undefined])
    on.append(only)
    expect(inOrder(on)).toStrictEqual([only])
  })
})

test.each([
  ['the larger standing', { standing: 1, rank: 9, turn: 9 }, { standing: 0, rank: 1, turn: 1 }],
  ['the smaller rank', { standing: 0, rank: 1, turn: 9 }, { standing: 0, rank: 2, turn: 1 }],
  ['of one rank the smaller turn', { standing: 0, rank: 1, turn: 1 }, { standing: 0, rank: 1, turn: 2 }],
])('%s goes first', (_, a, b) => {
  expect([goesBefore(a, b), goesBefore(b, a), goesBefore(a, a)]).toStrictEqual([true, false, false])
})
