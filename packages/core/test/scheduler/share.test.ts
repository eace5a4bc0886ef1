import { ErrorBudgetError, errorBudget, inFlight, NeverFitsError, tokenBucket } from '@headgate/core'
import { checkWindow, virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { gate } from './harness.ts'

const labels = { uid: 'u' }
const perUid = (limit: number | (() => number), more = {}) =>
  tokenBucket({ name: 'uid', limit, windowMs: 1_000, by: ['uid'], ...more })

describe('share', () => {
  test.each([
    [10, 0.5, 5],
    [5, 0.5, 2],
    [1, 0.5, 1],
    [100, 0.29, 29],
    [30, 0.1, 3],
    [7, 1, 7],
  ])('of %i at %d is %i, in a bucket, a cap, a snapshot and explain', async (limit, share, part) => {
    const limits = [perUid(() => limit), inFlight({ name: 'cap', limit, by: ['uid'] })]
    const { clock, scheduler, job } = gate(limits, { share })
    expect(scheduler.explain({ labels }).gates.map(each => each.limit)).toStrictEqual([part, part])
    const jobs = Array.from({ length: limit }, () => job({ labels }))
    await clock.advance(500)
    expect(jobs.filter(({ started }) => started)).toHaveLength(part)
    expect(scheduler.snapshot()).toMatchObject({ buckets: [{ limit: part, free: 0 }], caps: [{ limit: part }] })
  })

  test('a call that costs more than the share never fits', async () => {
    const { quick } = gate([perUid(10)], { share: 0.5 })
    await expect(quick({ labels, cost: 6 }).promise).rejects.toThrow(NeverFitsError)
    await expect(quick({ labels, cost: 5 }).promise).resolves.toBeUndefined()
  })

  test('setLimit speaks of the whole limit', async () => {
    const { clock, scheduler, quick } = gate([perUid(4)], { share: 0.5 })
    scheduler.setLimit('uid', 9)
    expect(scheduler.explain({ labels })).toMatchObject({ gates: [{ limit: 4 }] })
    const dear = quick({ labels, cost: 4 })
    await clock.advance(0)
    expect(dear.state).toBe('fulfilled')
    const late = quick({ labels, cost: 4 })
    scheduler.setLimit('uid', 7)
    await clock.advance(0)
    expect(late.value).toMatchObject({ code: 'NEVER_FITS', cost: 4, size: 3 })
  })

  test('of a burst: as many at once as the share of it', async () => {
    const { clock, quick } = gate([perUid(20, { burst: 4 })], { share: 0.5 })
    const jobs = Array.from({ length: 5 }, () => quick({ labels }))
    await clock.advance(100)
    expect(jobs.filter(({ started }) => started)).toHaveLength(2)
  })

  test('of an anchored limit: each token is away for a window of its own, for others may begin the server’s', async () => {
    const anchored = tokenBucket({ name: 'uid', limit: 4, windowMs: 1_000, by: ['uid'], window: 'anchored' })
    const { clock, quick } = gate([anchored], { share: 0.5 })
    quick({ labels })
    await clock.advance(900)
    quick({ labels })
    const next = [quick({ labels }), quick({ labels })]
    await clock.advance(10_000)
    // With the window that it began itself both would be back at 1001.
    expect(next.map(({ startsMs }) => startsMs[0])).toStrictEqual([1_001, 1_901])
  })

  test('of an error budget: stops at its part of the errors, and is never too small for any call', async () => {
    for (const [limit, errors] of [
      [12, 3],
      [2, 1],
    ] as const) {
      const budget = errorBudget({ name: 'errors', limit, windowMs: 60_000, by: ['uid'] })
      const { clock, scheduler } = gate([perUid(100), budget], { share: 0.5 })
      let sent = 0
      let refused: unknown
      for (let i = 0; i < 10 && refused === undefined; i++) {
        await scheduler
          .schedule({ labels }, admission => {
            sent++
            admission.failed(80014)
          })
          .catch((error: unknown) => {
            refused = error
          })
        await clock.advance(1)
      }
      expect(sent).toBe(errors)
      expect(refused).toBeInstanceOf(ErrorBudgetError)
    }
  })
})

describe('headers under a share', () => {
  /** Limit 10, of which 5 are ours; one call of ours is in the window. */
  async function told(seen: object, more = {}) {
    const { clock, scheduler } = gate([perUid(10, more)], { share: 0.5, floorMs: 0 })
    await scheduler.schedule({ labels }, admission => admission.usage({ limit: 'uid', resetMs: 1_000, ...seen }))
    await clock.advance(1)
    return scheduler.snapshot().buckets[0]?.free
  }

  test.each([
    ['the others used nothing', { remaining: 9 }, 4],
    ['the others used their own part', { remaining: 4 }, 4],
    ['the others used one more than their part', { remaining: 3 }, 3],
    ['the same, told by what is used', { used: 7 }, 3],
    ['the same, told by both', { used: 7, remaining: 3 }, 3],
    ['nothing is left', { remaining: 0 }, 0],
    ['the server’s limit is lower: of 6, 3 are ours', { remaining: 5, max: 6 }, 2],
    ['and the others used one more than theirs', { remaining: 1, max: 6 }, 1],
    ['the server’s limit is higher, and nobody trusts it', { remaining: 18, max: 20 }, 4],
  ])('%s', async (_, seen, free) => {
    expect(await told(seen)).toBe(free)
  })

  test.each([
    ['of a higher limit that is trusted half is ours', { remaining: 19, max: 20 }, 9],
    ['also where only what remains is told', { remaining: 19 }, 9],
  ])('%s', async (_, seen, free) => {
    expect(await told(seen, { trustHeaders: 'raise' })).toBe(free)
  })

  test('a limit that is none of the call’s is still a TypeError', async () => {
    await expect(told({ limit: 'no such', remaining: 1 })).rejects.toThrow(TypeError)
  })
})

test('processes with their shares never use more than the whole limit together', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 50, max: 2_000 }),
      fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 5_000 }), process: fc.nat(4) }), {
        maxLength: 120,
        size: 'max',
      }),
      async (processes, extra, windowMs, bursts, calls) => {
        const limit = processes + extra
        // At least one for each: with less nothing would ever go.
        const burst = bursts === undefined ? limit : processes + Math.floor(bursts * extra)
        const clock = virtualClock()
        const limits = [tokenBucket({ name: 'b', limit, windowMs, by: ['uid'], ...(burst < limit && { burst }) })]
        const worlds = Array.from({ length: processes }, () => gate(limits, { clock, share: 1 / processes }))
        const counted: { atMs: number }[] = []
        for (const { atMs, process } of calls) {
          clock.setTimer(() => {
            void worlds[process % processes]?.scheduler.schedule(
              { labels },
              () => void counted.push({ atMs: clock.nowMs() }),
            )
          }, atMs)
        }
        await clock.runAll(10_000_000)
        expect(counted).toHaveLength(calls.length)
        expect(checkWindow(counted, { limit, windowMs })).toMatchObject({ ok: true })
        const inBurst = { limit: burst, windowMs: (burst * windowMs) / limit }
        expect(checkWindow(counted, inBurst)).toMatchObject({ ok: true })
      },
    ),
    runs(100),
  )
})
