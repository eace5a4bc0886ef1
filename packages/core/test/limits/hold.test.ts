import { describe, expect, test } from 'vitest'
import { Hold } from '../../src/limits/hold.ts'
import { Holds } from '../../src/limits/holds.ts'

const half = () => 0.5
const closed = (forMs: number, nowMs = 0) => {
  const hold = new Hold('k', { uid: 'u' }, 'first')
  hold.close(forMs, 'first', nowMs)
  return hold
}

describe('a hold', () => {
  test('is shut until a second after its time, then open for one', () => {
    const hold = closed(5000)
    expect([hold.capAt(5999), hold.readyAtMs(5999)]).toStrictEqual([0, 6000])
    expect([hold.capAt(6000), hold.readyAtMs(6000)]).toStrictEqual([1, 6000])
    hold.inFlight = 1
    expect(hold.readyAtMs(6000)).toBe(Number.POSITIVE_INFINITY)
  })

  test('opens one more with every answer, until it is over', () => {
    const hold = closed(0)
    const caps = [hold.capAt(1000)]
    for (let i = 0; i < 4; i++) {
      hold.answered(5)
      caps.push(hold.capAt(1000))
    }
    expect(caps).toStrictEqual([1, 2, 3, 4, 5])
    expect(hold.isOpen).toBe(true)
    expect(hold.readyAtMs(0)).toBe(0)
  })

  test('of a bucket of one is over with the probe', () => {
    const hold = closed(0)
    hold.answered(1)
    expect(hold.isOpen).toBe(true)
  })

  test('waits after a probe without an answer: a second and chance times 2, 4, 8 … up to 60 s', () => {
    const hold = closed(0)
    const waits: number[] = []
    for (let nowMs = 1000; waits.length < 8; nowMs = hold.readyAtMs(nowMs)) {
      hold.failed(nowMs, half)
      waits.push(hold.readyAtMs(nowMs) - nowMs)
    }
    expect(waits).toStrictEqual([2000, 3000, 5000, 9000, 17_000, 31_000, 31_000, 31_000])
  })

  test('never probes again at once, even by the smallest chance', () => {
    const hold = closed(0)
    hold.failed(1000, () => 0)
    expect(hold.readyAtMs(1000)).toBe(2000)
  })

  test('after the probe a call without an answer changes nothing', () => {
    const hold = closed(0)
    hold.answered(9)
    hold.failed(1000, half)
    expect([hold.capAt(1000), hold.readyAtMs(1000)]).toStrictEqual([2, 1000])
  })

  test('closed again: the later end counts, the reason is of that one, and there is a probe again', () => {
    const hold = closed(5000)
    hold.answered(9)
    hold.close(1000, 'second', 0)
    expect([hold.readyAtMs(0), hold.name, hold.capAt(6000)]).toStrictEqual([6000, 'first', 1])
    hold.close(9000, 'third', 0)
    expect([hold.readyAtMs(0), hold.name]).toStrictEqual([10_000, 'third'])
  })

  test.each([
    ['a day at the longest', 1e15, 86_401_000],
    ['negative is now', -5, 1000],
  ])('%s', (_, forMs, untilMs) => {
    expect(closed(forMs).readyAtMs(0)).toBe(untilMs)
  })
})

describe('holds', () => {
  const names = (holds: Holds, labels: Record<string, string>) => holds.matching(labels).map(hold => hold.reason)

  test('match requests that carry all of their labels with the same values', () => {
    const holds = new Holds()
    holds.over({ uid: 'u' }, 'uid', 0).close(0, 'uid', 0)
    holds.over({ uid: 'u', endpoint: 'e' }, 'both', 0).close(0, 'both', 0)
    holds.over({}, 'all', 0).close(0, 'all', 0)
    expect(names(holds, { uid: 'u' })).toStrictEqual(['uid', 'all'])
    expect(names(holds, { endpoint: 'e', uid: 'u', ip: 'x' })).toStrictEqual(['uid', 'both', 'all'])
    expect(names(holds, { uid: 'v', endpoint: 'e' })).toStrictEqual(['all'])
    expect(names(holds, Object.create({ uid: 'u' }) as Record<string, string>)).toStrictEqual(['all'])
  })

  test('one per set of labels, whatever their order', () => {
    const holds = new Holds()
    const hold = holds.over({ a: '1', b: '2' }, 'x', 0)
    hold.close(0, 'x', 0)
    expect(holds.over({ b: '2', a: '1' }, 'y', 0)).toBe(hold)
    expect(holds.take({ b: '2', a: '1' })).toBe(hold)
    expect(holds.take({ b: '2', a: '1' })).toBeUndefined()
    expect(holds.any).toBe(false)
  })

  test('forget what nobody has probed for an hour, never one with a call under way', () => {
    const holds = new Holds()
    for (const uid of ['idle', 'busy', 'long']) holds.over({ uid }, uid, 0).close(uid === 'long' ? 1e7 : 0, uid, 0)
    for (const hold of holds.all()) if (hold.reason === 'busy') hold.inFlight = 1
    holds.over({ uid: 'new' }, 'new', 3_601_001)
    expect([...holds.all()].map(hold => hold.reason)).toStrictEqual(['busy', 'long', 'new'])
  })
})
