import { errorBudget, type Limit, MaxWaitError } from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { type CallPlan, type Fate, type Sent, type Story, someLimits, someStory, tell } from '../support/story.ts'

/** A call under way that turns out never to have left gives its tokens back at once: nobody counts on that. */
const FATES: Fate[] = ['answered', 'fails', 'refused', 'held', 'breaks', 'says lost', 'never ends']
/** Sums of instants differ in their last digits. */
const NOISE_MS = 0.001

const startOf = (sent: readonly Sent[], plan: CallPlan) => sent.find(one => one.plan === plan)?.atMs

test('no call is refused at once that would have started in time, whatever came between', async () => {
  let refused = 0
  await fc.assert(
    fc.asyncProperty(
      someStory({ fates: FATES, limits: someLimits as fc.Arbitrary<Limit[]>, maxCalls: 40 }),
      fc.nat(39),
      fc.constantFrom(undefined, 0 as const),
      fc.constantFrom(1, 0.5),
      async (its, index, floorMs, share) => {
        const calls: CallPlan[] = its.calls.map(each => ({ ...each, maxWaitMs: undefined }))
        const chosen: CallPlan = {
          ...(calls[index % calls.length] as CallPlan),
          fate: 'answered',
          abortAfterMs: undefined,
        }
        const patient: Story = { ...its, calls: calls.with(index % calls.length, chosen) }
        const options = { share, ...(floorMs === 0 ? { floorMs } : {}) }
        const startMs = startOf((await tell(patient, options)).sent, chosen)
        if (startMs === undefined) return
        const waitedMs = startMs - chosen.atMs
        const hasty: CallPlan = { ...chosen, maxWaitMs: waitedMs + NOISE_MS }
        const told = await tell({ ...patient, calls: patient.calls.with(index % calls.length, hasty) }, options)
        expect(startOf(told.sent, hasty)).toBeCloseTo(startMs, 2)

        // And what it says is a bound: nobody starts before it.
        const first = await tell(
          { ...patient, calls: patient.calls.with(index % calls.length, { ...chosen, maxWaitMs: 0 }) },
          options,
        )
        const { error, atMs } = first.settled[index % calls.length] ?? {}
        if (!(error instanceof MaxWaitError) || error.earliestMs === undefined || atMs !== chosen.atMs) return
        refused++
        expect(error.earliestMs).toBeLessThanOrEqual(waitedMs + NOISE_MS)
      },
    ),
    runs(150),
  )
  expect(refused).toBeGreaterThan(0)
})

test('also where an error budget or a hold is what it would have to wait for', async () => {
  const budget = errorBudget({ name: 'errors', limit: 4, windowMs: 1_000, by: ['uid'] })
  await fc.assert(
    fc.asyncProperty(
      someStory({ fates: ['held', 'answered'], limits: someLimits.map(limits => [...limits, budget]) }),
      fc.nat(39),
      async (its, index) => {
        const calls: CallPlan[] = its.calls.map(each => ({ ...each, maxWaitMs: undefined, abortAfterMs: undefined }))
        const chosen = calls[index % calls.length] as CallPlan
        const startMs = startOf((await tell({ ...its, calls })).sent, chosen)
        if (startMs === undefined) return
        const hasty = { ...chosen, maxWaitMs: startMs - chosen.atMs + NOISE_MS }
        const told = await tell({ ...its, calls: calls.with(index % calls.length, hasty) })
        expect(startOf(told.sent, hasty)).toBeCloseTo(startMs, 2)
      },
    ),
    runs(80),
  )
})
