import { type Limit, tokenBucket } from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { type CallPlan, type Fate, labelsOf, type Sent, type Story, someCalls, tell } from '../support/story.ts'

const perAccount: fc.Arbitrary<Limit[]> = fc
  .array(
    fc.record({
      limit: fc.integer({ min: 1, max: 6 }),
      windowMs: fc.integer({ min: 20, max: 3_000 }),
      by: fc.constantFrom(['uid'], ['uid', 'ip'], ['uid', 'endpoint']),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map(buckets => buckets.map((options, index) => tokenBucket({ name: `b${index}`, ...options })))

/** Whether a token or an abort comes first in one instant hangs on whose timer was set first: aborts have their own instants. */
const untied = (plan: CallPlan): CallPlan => ({
  ...plan,
  abortAfterMs: plan.abortAfterMs === undefined ? undefined : plan.abortAfterMs + 0.37,
  maxWaitMs: plan.maxWaitMs === undefined ? undefined : plan.maxWaitMs + 0.61,
})

const ANY: Fate[] = ['fails', 'refused', 'held', 'breaks', 'says lost', 'never ends', 'unsent']

/** Admissions of one account's calls, in order. */
async function startsOf(uid: number, story: Story, calls: CallPlan[], options = {}): Promise<Sent[]> {
  const { sent } = await tell({ ...story, calls: calls.map(untied) }, options)
  return sent.filter(({ plan }) => plan.uid === uid)
}

function expectSame(ones: readonly Sent[], others: readonly Sent[]): void {
  expect(ones.map(({ plan }) => plan)).toEqual(others.map(({ plan }) => plan))
  // Sums of fractions differ in their last digits, and a timer that comes early by those is set again for a microsecond.
  for (const [index, { atMs }] of ones.entries()) expect(atMs).toBeCloseTo((others[index] as Sent).atMs, 1)
}

const story = fc.record({
  limits: perAccount,
  coldStart: fc.constantFrom('full' as const, 'paced' as const, 'spent' as const),
  lostCallMs: fc.constantFrom(200, 5_000),
  timeoutMs: fc.constantFrom(500, 3_000),
  ledgerMs: fc.constant(undefined),
  calls: fc.constant<CallPlan[]>([]),
})

/** Randomness only spreads the probes after a hold; a shared source would tell who else draws from it. */
const evenly = { random: () => 0.5 }

test('under limits of their own, one account starts its calls as if the other did not exist', async () => {
  const mine = someCalls({ fates: ['fails', 'refused', 'held', 'unsent'], maxCalls: 20 }).map(calls =>
    calls.map(plan => ({ ...plan, uid: 0 })),
  )
  const others = someCalls({ fates: ANY, maxCalls: 40 }).map(calls => calls.map(plan => ({ ...plan, uid: 1 })))
  await fc.assert(
    fc.asyncProperty(story, mine, others, async (its, mine, others) => {
      // No time-out of mine: whether a lost call was lost in silence is known of the address, which both share.
      const calm = { ...its, timeoutMs: 60_000 }
      const calls = mine.map(plan => ({ ...plan, heedsAbort: false }))
      const alone = await startsOf(0, calm, calls, evenly)
      const together = await startsOf(0, calm, [...calls, ...others], evenly)
      expectSame(together, alone)
    }),
    runs(150),
  )
})

test('over addresses of their own they share nothing at all: neither floors nor losses', async () => {
  const fates = [...ANY, 'answered' as const]
  const mine = someCalls({ fates, maxCalls: 20 }).map(calls => calls.map(plan => ({ ...plan, uid: 0, ip: 0 })))
  const others = someCalls({ fates, maxCalls: 40 }).map(calls => calls.map(plan => ({ ...plan, uid: 1, ip: 1 })))
  await fc.assert(
    fc.asyncProperty(story, mine, others, async (its, mine, others) => {
      const options = { ...evenly, floorMs: undefined }
      const alone = await startsOf(0, its, mine, options)
      const together = await startsOf(0, its, [...mine, ...others], options)
      expectSame(together, alone)
    }),
    runs(150),
  )
})

test('labels that no limit is kept by tell nothing apart', async () => {
  await fc.assert(
    fc.asyncProperty(story, someCalls({ maxCalls: 30 }), async (its, calls) => {
      const limits = [tokenBucket({ name: 'b0', limit: 3, windowMs: 700, by: ['uid'] })]
      const patient = calls.map(plan => ({
        ...plan,
        abortAfterMs: undefined,
        maxWaitMs: undefined,
        cost: undefined,
        priority: 0,
      }))
      const startTimes = async (plans: CallPlan[]) => {
        const { sent } = await tell({
          ...its,
          limits,
          calls: plans.map(plan => ({ ...plan, requestMs: 7, answerMs: 7, bodyMs: 0 })),
          timeoutMs: 60_000,
        })
        return sent.map(({ plan, atMs }) => `${labelsOf(plan).uid} ${atMs.toFixed(1)}`).sort()
      }
      const here = await startTimes(patient)
      const there = await startTimes(patient.map(plan => ({ ...plan, endpoint: 0 })))
      expect(there).toEqual(here)
    }),
    runs(100),
  )
})
