import { tokenBucket } from '@headgate/core'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { bottleneckStarts, type Course, headgateStarts, pQueueStarts, type Starts } from './rivals.ts'

/** A timer that comes early by a rounding is set again for a microsecond later. */
const WAKE_MS = 0.002

/**
 * What is comparable. The rivals count a call when it is sent: where nothing jitters they are right, and a token is back
 * `windowMs` after the start. Headgate cannot know that nothing jitters. Its token is back
 *
 *     answer − floor + windowMs + guard  =  start + windowMs + (guard + roundTrip − floor)
 *
 * but never before the answer is in, where a window is shorter than a round trip. So a window may cost
 * `max(guard + roundTrip − floor, roundTrip − windowMs)` more: the guard is the larger of 1 ms and 200 ppm of the window; the
 * floor of a route whose round trips are all alike is nine tenths of them, or 0 where it is turned off.
 * Call k (from 0) stands at the end of a chain of at most ⌊k/limit⌋ such windows: later than a rival by their sum, no more.
 * One window late breaks that at the first call that waits; so does one token short, for its chain is a window longer.
 */
function lagPerWindowMs(windowMs: number, { roundTripMs, hasFloor }: Course): number {
  const guardMs = Math.max(1, windowMs * 200e-6)
  return Math.max(guardMs + roundTripMs - (hasFloor ? 0.9 * roundTripMs : 0), roundTripMs - windowMs) + WAKE_MS
}

/** Sums of many fractions. */
const ROUNDING_MS = 1e-6

/** Each start that comes later than the rival's and the lag of the windows before it; `undefined`: never. */
function lateStarts(ours: readonly Starts[], theirs: readonly Starts[], lagMs: (call: number) => number): string[] {
  return theirs.flatMap((starts, account) =>
    starts.flatMap((theirMs, call) => {
      const ourMs = ours[account]?.[call]
      if (ourMs !== undefined && ourMs <= theirMs + lagMs(call) + ROUNDING_MS) return []
      return [`account ${account} call ${call}: ${ourMs}, the rival ${theirMs}, allowed ${lagMs(call)} more`]
    }),
  )
}

function earlyStarts(ours: readonly Starts[], theirs: readonly Starts[]): string[] {
  return ours.flatMap((starts, account) =>
    starts.flatMap((ourMs, call) => {
      const theirMs = theirs[account]?.[call] as number
      return ourMs >= theirMs - ROUNDING_MS ? [] : [`account ${account} call ${call}: ${ourMs}, the rival ${theirMs}`]
    }),
  )
}

const roundTripMs = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1_500 }))

/** All at once, evenly, or in bunches with pauses between. */
const someArrivals = (limit: number, windowMs: number) => {
  const gapMs = fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.nat(Math.ceil((2 * windowMs) / limit)) },
    { weight: 1, arbitrary: fc.nat(2 * windowMs) },
  )
  return fc.array(gapMs, { minLength: 1, maxLength: 5 * limit + 3, size: 'max' }).map(gaps => {
    let atMs = 0
    return gaps.map(gap => (atMs += gap))
  })
}

const someCourse = (burst: number | undefined): fc.Arbitrary<Course> =>
  fc
    .record({
      limit: fc.integer({ min: 1, max: 12 }),
      stepMs: fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 500, max: 10_000 })),
      roundTripMs,
      hasFloor: fc.boolean(),
    })
    .chain(({ limit, stepMs, ...rest }) =>
      fc.record({
        // A multiple of the limit: Bottleneck's spacing is then whole milliseconds.
        limit: fc.constant(
          tokenBucket({
            name: 'b',
            by: ['uid'],
            limit,
            windowMs: stepMs * limit,
            ...(burst !== undefined && { burst }),
          }),
        ),
        accounts: fc.array(someArrivals(limit, stepMs * limit), { minLength: 1, maxLength: 3 }),
        roundTripMs: fc.constant(rest.roundTripMs),
        hasFloor: fc.constant(rest.hasFloor),
      }),
    )

describe('without jitter, Headgate admits the k-th call no later than', () => {
  test('the exact sliding window of p-queue, but for the lag of the windows before it; and never earlier', async () => {
    await fc.assert(
      fc.asyncProperty(someCourse(undefined), async course => {
        const { limit, windowMs } = course.limit
        const [ours, theirs] = [await headgateStarts(course), await pQueueStarts(course)]
        const lagMs = lagPerWindowMs(windowMs, course)
        expect(lateStarts(ours, theirs, call => Math.floor(call / (limit as number)) * lagMs)).toEqual([])
        expect(earlyStarts(ours, theirs)).toEqual([])
      }),
      runs(80),
    )
  })

  test('the even spacing of Bottleneck', async () => {
    await fc.assert(
      fc.asyncProperty(someCourse(undefined), async course => {
        const { limit, windowMs } = course.limit
        const [ours, theirs] = [await headgateStarts(course), await bottleneckStarts(course)]
        const lagMs = lagPerWindowMs(windowMs, course)
        expect(lateStarts(ours, theirs, call => Math.floor(call / (limit as number)) * lagMs)).toEqual([])
      }),
      runs(40),
    )
  })

  test('the even spacing of Bottleneck where it must space them too: a burst of one', async () => {
    await fc.assert(
      fc.asyncProperty(someCourse(1), async course => {
        const [ours, theirs] = [await headgateStarts(course), await bottleneckStarts(course)]
        // The chain is of calls, each a window of the burst: `windowMs / limit`. Only the longest one, of the whole limit, lags more.
        const { limit, windowMs } = course.limit
        const perCallMs = lagPerWindowMs(windowMs / (limit as number), course)
        expect(lateStarts(ours, theirs, call => call * perCallMs)).toEqual([])
      }),
      runs(40),
    )
  })
})
