import { NeverFitsError, type Reserve, type TokenBucketOptions, tokenBucket } from '@headgate/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { gate, type Job, startsOf } from './harness.ts'

const labels = { uid: 'u' }
const perUid = (reserve: TokenBucketOptions['reserve'], limit = 10, more = {}) =>
  tokenBucket({ name: 'uid', limit, windowMs: 1_000, by: ['uid'], ...(reserve !== undefined && { reserve }), ...more })
const urgent = { share: 0.2, priority: 1 }
const started = (jobs: readonly Job[]) => jobs.filter(job => job.started).length

describe('reserve', () => {
  test('calls below its priority leave the last share of the tokens, and those above use it at once', async () => {
    const { clock, quick } = gate([perUid(urgent)])
    const low = Array.from({ length: 30 }, () => quick({ labels }))
    await clock.advance(100)
    expect(started(low)).toBe(8)
    const high = [1, 2, 7].map(priority => quick({ labels, priority }))
    await clock.advance(0)
    expect(startsOf(high)).toStrictEqual([100, 100, undefined])
    // The first eight are back at 1001, and one of them is for the call of priority 7.
    await clock.advance(901)
    expect([started(high), started(low)]).toStrictEqual([3, 8 + 5])
  })

  test('explain and snapshot say how much is kept, and that it is why', async () => {
    const { clock, scheduler, quick } = gate([perUid(urgent)])
    for (let i = 0; i < 8; i++) quick({ labels })
    await clock.advance(1)
    const bucket = { kind: 'bucket', name: 'uid', labels, limit: 10, free: 2, inFlight: 0 }
    const low = { ...bucket, reserved: 2, waitMs: 1_000 }
    expect(scheduler.explain({ labels })).toStrictEqual({
      go: false,
      because: low,
      waitMs: 1_000,
      before: 0,
      gates: [low],
    })
    expect(scheduler.explain({ labels, cost: 0 })).toMatchObject({ go: true })
    quick({ labels })
    const high = { ...bucket, waitMs: 0 }
    expect(scheduler.explain({ labels, priority: 1 })).toStrictEqual({ go: true, waitMs: 0, before: 1, gates: [high] })
    expect(scheduler.snapshot().buckets).toStrictEqual([high])
  })

  test('in several parts each call leaves the largest of those above it', async () => {
    const parts: Reserve[] = [
      { share: 0.5, priority: 1 },
      { share: 0.2, priority: 2 },
    ]
    for (const [priority, most] of [
      [0, 5],
      [1, 8],
      [1.5, 8],
      [2, 10],
      [3, 10],
    ] as const) {
      const { clock, quick } = gate([perUid(parts)])
      const jobs = Array.from({ length: 12 }, () => quick({ labels, priority }))
      await clock.advance(100)
      expect(started(jobs)).toBe(most)
    }
  })

  test.each([
    [1, 0.9, 1],
    [2, 0.1, 1],
    [3, 0.99, 1],
    [10, 0.25, 7],
    [30, 0.1, 27],
  ])('of %i at %d leaves %i: rounded up, and one for all', async (limit, share, most) => {
    const { clock, quick } = gate([perUid({ share, priority: 1 }, limit)])
    const jobs = Array.from({ length: limit + 1 }, () => quick({ labels }))
    await clock.advance(100)
    expect(started(jobs)).toBe(most)
  })

  test('a call that costs more than it may use never fits; setLimit and share move what that is', async () => {
    const { clock, scheduler, quick } = gate([perUid(urgent, 20)], { share: 0.5 })
    const dear = [quick({ labels, cost: 9 }), quick({ labels, cost: 9, priority: 1 }), quick({ labels, cost: 8 })]
    await clock.advance(0)
    expect(dear[0]?.value).toBeInstanceOf(NeverFitsError)
    expect(dear[0]?.value).toMatchObject({ limit: 'uid', cost: 9, size: 8 })
    expect(startsOf(dear)).toStrictEqual([undefined, 0, undefined])
    scheduler.setLimit('uid', 18)
    await clock.advance(0)
    expect(dear[2]?.value).toMatchObject({ cost: 8, size: 7 })
  })

  test('a large call of low priority waits for its tokens and those that it leaves', async () => {
    const { clock, quick } = gate([perUid({ share: 0.5, priority: 1 }, 4)])
    quick({ labels, priority: 1 })
    await clock.advance(200)
    quick({ labels, priority: 1 })
    const large = quick({ labels, cost: 2 })
    await clock.advance(2_000)
    expect(startsOf([large])).toStrictEqual([1_201])
  })

  test('a cold start fills it first', async () => {
    const { clock, quick } = gate([perUid(urgent)], { coldStart: 'paced' })
    const jobs = [quick({ labels }), quick({ labels }), quick({ labels, priority: 1 })]
    await clock.advance(2_000)
    // A token every 200 ms: the first for the urgent call, then two to keep.
    expect(startsOf(jobs)).toStrictEqual([800, 1_000, 200])
  })

  test('where the limit was halved it is a share of the half', async () => {
    const { clock, job, quick } = gate([perUid({ share: 0.5, priority: 1 })])
    job({ labels, retries: 0 }).refuse()
    await clock.advance(1_002)
    const jobs = Array.from({ length: 9 }, () => quick({ labels }))
    await clock.advance(0)
    expect(started(jobs)).toBe(2)
  })

  test('a probe of a silent route leaves it alone', async () => {
    const { clock, scheduler, job, quick } = gate([perUid({ share: 0.5, priority: 1 }, 4)], { lostCallMs: 500 })
    const lost = [job({ labels }), job({ labels })]
    await clock.advance(2_000)
    for (const each of lost) each.lose()
    const probe = quick({ labels })
    await clock.advance(1_400)
    expect(probe.started).toBe(false)
    await clock.advance(200)
    expect(probe.started).toBe(true)
    expect(scheduler.snapshot().buckets[0]?.free).toBe(2)
  })

  test.each([
    [{ share: 0, priority: 1 }, 'option "reserve.share": expected a number above 0 and below 1, got 0'],
    [{ share: 1, priority: 1 }, 'option "reserve.share": expected a number above 0 and below 1, got 1'],
    [{ share: 0.5 }, 'option "reserve.priority": expected a finite number, got undefined'],
    [[], 'option "reserve": expected a share and a priority, or an array of such, got an empty array'],
    [{ share: 0.5, priority: 1, tokens: 3 }, 'unknown option "tokens": expected one of share, priority, got 3'],
    [0.5, 'expected an object of options, got 0.5'],
  ])('%o is a TypeError', (reserve, message) => {
    const run = () => perUid(reserve as Reserve)
    expect(run).toThrow(TypeError)
    expect(run).toThrow(message)
  })
})

const MODEL = { windowMs: 1_000, guardMs: 1 }

test('no call takes a token that is kept from it, and none waits for one that is not', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.record({ share: fc.constantFrom(0.1, 0.2, 0.5, 0.75), priority: fc.integer({ min: 0, max: 3 }) }), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.array(
        fc.record({
          atMs: fc.integer({ min: 0, max: 4_000 }),
          priority: fc.integer({ min: -1, max: 3 }),
          cost: fc.constantFrom(1, 1, 1, 2),
          tripMs: fc.integer({ min: 1, max: 300 }),
        }),
        { maxLength: 80, size: 'max' },
      ),
      async (limit, parts, calls) => {
        const { clock, scheduler } = gate([perUid(parts, limit)], { floorMs: 0 })
        const kept = (priority: number) =>
          Math.min(
            limit - 1,
            Math.max(0, ...parts.map(part => (priority < part.priority ? Math.ceil(part.share * limit - 1e-9) : 0))),
          )
        const sent: { cost: number; backAtMs: number }[] = []
        const free = () =>
          limit - sent.reduce((sum, { cost, backAtMs }) => sum + (backAtMs > clock.nowMs() ? cost : 0), 0)
        let waiting = 0
        for (const { atMs, priority, cost, tripMs } of calls) {
          clock.setTimer(() => {
            if (cost > limit - kept(priority)) return
            const mayGo = waiting === 0 && free() >= cost + kept(priority)
            let went = false
            waiting++
            void scheduler.schedule({ labels, priority, cost }, () => {
              went = true
              waiting--
              expect(free()).toBeGreaterThanOrEqual(cost + kept(priority))
              sent.push({ cost, backAtMs: clock.nowMs() + tripMs + MODEL.windowMs + MODEL.guardMs })
              return new Promise<void>(resolve => void clock.setTimer(resolve, tripMs))
            })
            expect(went || !mayGo).toBe(true)
          }, atMs)
        }
        await clock.runAll(1_000_000)
        expect(waiting).toBe(0)
      },
    ),
    runs(150),
  )
})
