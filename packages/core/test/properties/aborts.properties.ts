import { createScheduler, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { begin, type CallPlan, labelsOf, type Story, someCalls, someLimits, someStory } from '../support/story.ts'

/** Call by call, when it was admitted, and what the buckets hold at some moments. */
async function course(story: Story, kept: readonly CallPlan[]) {
  const { clock, scheduler, sent } = begin(story)
  const states: unknown[] = []
  // Moments at which nothing happens, but for rare chances.
  for (let atMs = 0; atMs < 8_000; atMs += 249.3) {
    await clock.advance(249.3)
    const { buckets, caps } = scheduler.snapshot()
    const gates = [...buckets, ...caps].filter(({ limit, free, inFlight }) => free !== limit || inFlight > 0)
    states.push(
      gates.map(({ name, labels, free, inFlight }) => JSON.stringify({ name, labels, free, inFlight })).sort(),
    )
  }
  await clock.runAll(3_600_000)
  // Sums of fractions differ in their last digits, and a timer that comes early by those is set again for a microsecond.
  const starts = kept.map(plan => sent.filter(one => one.plan === plan).map(({ atMs }) => Math.round(atMs * 10) / 10))
  return { starts, states, started: new Set(sent.map(({ plan }) => plan)) }
}

/** Labels of its own for each call: a lane has one turn, and who leaves it leaves that to those behind. */
const apart = (plan: CallPlan, index: number): CallPlan => ({ ...plan, endpoint: 10 + index })

/** No zeroes: the refusal of a call that took nothing is told in liveness.properties.ts. */
const costs = fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 3 }))

test('a call taken back in the instant in which it came leaves no trace, whatever it would have drawn on', async () => {
  const patient = someCalls({ fates: ['fails', 'refused', 'unsent'], costs }).map(calls =>
    calls.map(plan => ({ ...plan, heedsAbort: false, abortAfterMs: undefined })),
  )
  const fickle = someCalls({ maxCalls: 20, costs }).map(calls =>
    // One that goes all the same runs to its end: an abort in the instant of an answer comes before it or after it by chance.
    calls.map((plan, index) => ({ ...apart(plan, index), abortAfterMs: 0, heedsAbort: false })),
  )
  await fc.assert(
    fc.asyncProperty(someStory({ limits: someLimits }), patient, fickle, async (its, patient, fickle) => {
      const story = { ...its, ledgerMs: undefined, timeoutMs: 60_000 }
      const both = await course({ ...story, calls: [...patient, ...fickle] }, patient)
      // Those that could go at once have gone: they are calls like any others.
      const gone = fickle.filter(plan => both.started.has(plan))
      const without = await course({ ...story, calls: [...patient, ...gone] }, patient)
      expect(both.starts).toEqual(without.starts)
      // A cold bucket that was only looked at shows what it lacks, too.
      if (story.coldStart === 'full') expect(both.states).toEqual(without.states)
    }),
    runs(150),
  )
})

test('calls taken back while they wait leave all others the start times that they would have had without them', async () => {
  // One bucket a call, one token each: nobody waits for several tokens, so no place in a line is held by who then leaves. And
  // of one priority: otherwise who leaves may have been the oldest for a while, and been passed over in another's stead.
  const limits = [tokenBucket({ name: 'b0', limit: 3, windowMs: 700, by: ['uid'] })]
  const costs = fc.constant(undefined)
  const patient = someCalls({ costs }).map(calls =>
    calls.map(plan => ({ ...plan, priority: 0, abortAfterMs: undefined })),
  )
  const fickle = someCalls({ costs }).map(calls =>
    // At instants of their own: whether a token or an abort comes first in one instant is chance.
    calls.map((plan, index) => ({
      ...apart(plan, index),
      priority: 0,
      abortAfterMs: (plan.abortAfterMs ?? 150) + 0.37,
    })),
  )
  await fc.assert(
    fc.asyncProperty(someStory({}), patient, fickle, async (its, patient, fickle) => {
      const story = { ...its, limits, ledgerMs: undefined, timeoutMs: 60_000 }
      const both = await course({ ...story, calls: [...patient, ...fickle] }, patient)
      const gone = fickle.filter(plan => both.started.has(plan))
      const without = await course({ ...story, calls: [...patient, ...gone] }, patient)
      expect(both.starts).toEqual(without.starts)
      // A cold bucket that was only looked at shows what it lacks, too.
      if (story.coldStart === 'full') expect(both.states).toEqual(without.states)
    }),
    runs(150),
  )
})

test('expired calls, too, leave the buckets as if they had never been', async () => {
  const limits = [tokenBucket({ name: 'b0', limit: 3, windowMs: 700, by: ['uid'] })]
  const costs = fc.constant(undefined)
  const patient = someCalls({ costs }).map(calls =>
    calls.map(plan => ({ ...plan, priority: 0, abortAfterMs: undefined, maxWaitMs: undefined })),
  )
  const hurried = someCalls({ costs }).map(calls =>
    calls.map((plan, index) => ({
      ...apart(plan, index),
      priority: 0,
      abortAfterMs: undefined,
      maxWaitMs: plan.maxWaitMs ?? 300,
    })),
  )
  await fc.assert(
    fc.asyncProperty(someStory({}), patient, hurried, async (its, patient, hurried) => {
      const story = { ...its, limits, ledgerMs: undefined, timeoutMs: 60_000 }
      const both = await course({ ...story, calls: [...patient, ...hurried] }, patient)
      const gone = hurried.filter(plan => both.started.has(plan))
      const without = await course({ ...story, calls: [...patient, ...gone] }, patient)
      expect(both.starts).toEqual(without.starts)
      // A cold bucket that was only looked at shows what it lacks, too.
      if (story.coldStart === 'full') expect(both.states).toEqual(without.states)
    }),
    runs(100),
  )
})

test('an aborted call is never sent, and rejects with the reason of its signal in the instant of the abort', async () => {
  await fc.assert(
    fc.asyncProperty(someStory({ maxCalls: 60, withinMs: 1_500 }), async story => {
      const { clock, sent, settled } = begin(story)
      await clock.runAll(3_600_000)
      story.calls.forEach((plan, index) => {
        const { error, atMs } = settled[index] as (typeof settled)[number]
        const isSent = sent.some(one => one.plan === plan)
        if ((error as Error | undefined)?.message !== 'taken back') return
        expect(isSent).toBe(false)
        expect(atMs).toBe(plan.atMs + (plan.abortAfterMs as number))
      })
    }),
    runs(100),
  )
})

test('a call starts within its maxWaitMs, or rejects by then', async () => {
  await fc.assert(
    fc.asyncProperty(someStory({ maxCalls: 60, withinMs: 1_500 }), async story => {
      const { clock, sent, settled } = begin(story)
      await clock.runAll(3_600_000)
      for (const [index, plan] of story.calls.entries()) {
        if (plan.maxWaitMs === undefined) continue
        const { times, error, atMs } = settled[index] as (typeof settled)[number]
        const first = sent.find(one => one.plan === plan)
        expect(times).toBe(1)
        // A ledger elsewhere decides before it expires, and what it lets through may be on its way for so long.
        const byMs = plan.atMs + plan.maxWaitMs + 0.01
        if (first === undefined) expect(atMs).toBeLessThanOrEqual(byMs)
        else expect(first.atMs).toBeLessThanOrEqual(byMs)
        if ((error as { code?: unknown } | undefined)?.code === 'MAX_WAIT') expect(first).toBe(undefined)
      }
    }),
    runs(100),
  )
})

test('when the last call that waits is taken back, no timer stays', async () => {
  await fc.assert(
    fc.asyncProperty(someLimits, someCalls({ maxCalls: 20 }), fc.nat(5_000), async (limits, calls, atMs) => {
      const clock = virtualClock()
      const scheduler = createScheduler({ limits, clock, coldStart: 'full' })
      scheduler.hold({}, { forMs: 3_600_000, reason: 'test' })
      const controller = new AbortController()
      const { signal } = controller
      let settled = 0
      for (const plan of calls) {
        const { maxWaitMs, priority } = plan
        const labels = labelsOf(plan)
        scheduler
          .schedule({ labels, signal, priority, ...(maxWaitMs !== undefined && { maxWaitMs }) }, () => undefined)
          .catch(() => settled++)
      }
      await clock.advance(atMs)
      controller.abort()
      expect(clock.pendingTimers).toBe(0)
      await clock.advance(0)
      expect(settled).toBe(calls.length)
    }),
    runs(100),
  )
})
