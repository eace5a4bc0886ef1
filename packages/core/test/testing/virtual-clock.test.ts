import { virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runs } from '../support/runs.ts'

describe('virtualClock', () => {
  test('stands still until it is told to go on', async () => {
    const clock = virtualClock({ startMs: 5, epochMs: 1_000_000 })
    expect([clock.nowMs(), clock.epochMs()]).toStrictEqual([5, 1_000_000])
    await clock.advance(2.5)
    expect([clock.nowMs(), clock.epochMs()]).toStrictEqual([7.5, 1_000_002])
  })

  test('its wall clock steps alone', async () => {
    const clock = virtualClock({ epochMs: 0 })
    clock.stepEpoch(-3_600_000)
    await clock.advance(1)
    expect([clock.nowMs(), clock.epochMs()]).toStrictEqual([1, -3_599_999])
  })

  test('timers fire at their instants, in the order in which they were set', async () => {
    const clock = virtualClock()
    const fired: [string, number][] = []
    for (const [name, ms] of [
      ['c', 30],
      ['a', 10],
      ['b', 10],
      ['now', 0],
      ['past', -5],
    ] as const) {
      clock.setTimer(() => fired.push([name, clock.nowMs()]), ms)
    }
    expect(clock.pendingTimers).toBe(5)
    await clock.advance(29)
    expect(fired).toStrictEqual([
      ['now', 0],
      ['past', 0],
      ['a', 10],
      ['b', 10],
    ])
    await clock.advance(1)
    expect(fired.at(-1)).toStrictEqual(['c', 30])
    expect(clock.pendingTimers).toBe(0)
  })

  test('all that are due at one instant fire before any promise reaction', async () => {
    const clock = virtualClock()
    const order: string[] = []
    for (const name of ['a', 'b']) {
      clock.setTimer(() => {
        order.push(name)
        void Promise.resolve().then(() => order.push(`${name} then`))
      }, 10)
    }
    await clock.advance(10)
    expect(order).toStrictEqual(['a', 'b', 'a then', 'b then'])
  })

  test('between instants every reaction runs, however long the chain', async () => {
    const clock = virtualClock()
    const seen: number[] = []
    const chain = async () => {
      for (let i = 0; i < 1000; i++) await undefined
      clock.setTimer(() => seen.push(clock.nowMs()), 5)
    }
    clock.setTimer(() => void chain(), 10)
    clock.setTimer(() => seen.push(clock.nowMs()), 16)
    await clock.advance(20)
    expect(seen).toStrictEqual([15, 16])
  })

  test('a timer taken back does not fire, not even by another one at its instant', async () => {
    const clock = virtualClock()
    const fired: string[] = []
    const first = clock.setTimer(() => {
      fired.push('first')
      second.cancel()
    }, 10)
    const second = clock.setTimer(() => fired.push('second'), 10)
    const third = clock.setTimer(() => fired.push('third'), 20)
    third.cancel()
    third.cancel()
    await clock.runAll()
    first.cancel()
    expect(fired).toStrictEqual(['first'])
    expect(clock.pendingTimers).toBe(0)
    expect(clock.nowMs()).toBe(10)
  })

  test('runAll goes on until no timer is left, or to its limit', async () => {
    const clock = virtualClock()
    let ticks = 0
    const tick = () => {
      ticks++
      clock.setTimer(tick, 10)
    }
    tick()
    await clock.runAll(95)
    expect([ticks, clock.pendingTimers]).toStrictEqual([10, 1])
  })

  test('whatever is set: nothing fires early, late or twice', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ms: fc.nat(50), cancelAtMs: fc.option(fc.nat(50)) }), { maxLength: 40 }),
        async plans => {
          const clock = virtualClock()
          const fired: number[][] = plans.map(() => [])
          plans.forEach(({ ms, cancelAtMs }, i) => {
            const timer = clock.setTimer(() => fired[i]?.push(clock.nowMs()), ms)
            if (cancelAtMs !== null) clock.setTimer(() => timer.cancel(), cancelAtMs)
          })
          await clock.runAll()
          plans.forEach(({ ms, cancelAtMs }, i) => {
            expect(fired[i]).toStrictEqual(cancelAtMs !== null && cancelAtMs < ms ? [] : [ms])
          })
          expect(clock.pendingTimers).toBe(0)
        },
      ),
      runs(50),
    )
  })
})
