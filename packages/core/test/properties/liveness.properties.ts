import { inFlight, tokenBucket } from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { plainCall, type Story, someLimits, someStory, tell } from '../support/story.ts'
import { ORDINARY, world } from '../support/world.ts'

test('a refusal halves the bucket of a call that took nothing from it, however idle it is', async () => {
  const limit = tokenBucket({ name: 'b', limit: 4, windowMs: 1_000, by: ['uid'] })
  const { clock, scheduler } = world([limit], 1, ORDINARY, { coldStart: 'full' })
  const labels = { uid: 'u' }
  void scheduler
    .schedule({ labels, cost: 0, retries: 0 }, async admission => {
      // While it runs, others come, and idle buckets are dropped.
      for (let i = 0; i < 20; i++) void scheduler.schedule({ labels: { uid: `other ${i}` } }, () => undefined)
      await Promise.resolve()
      admission.refused()
    })
    .catch(() => undefined)
  await clock.advance(10)
  expect(scheduler.explain({ labels, cost: 3 }).go).toBe(false)
})

test('a call that takes nothing from a bucket does not wait for those who do', async () => {
  const limit = tokenBucket({ name: 'b', limit: 1, windowMs: 1_000, by: ['ip'] })
  const { clock, scheduler } = world([limit], 1, ORDINARY, { coldStart: 'full' })
  for (let i = 0; i < 3; i++) void scheduler.schedule({ labels: { ip: 'i', uid: `u${i}` } }, () => undefined)
  let startedAtMs = Number.NaN
  void scheduler.schedule({ labels: { ip: 'i', uid: 'free' }, cost: 0 }, () => {
    startedAtMs = clock.nowMs()
  })
  await clock.advance(10_000)
  expect(startedAtMs).toBe(0)
})

test('a refused call that fits no more, for its limit was lowered while it ran, rejects and lets those behind it go', async () => {
  const limit = tokenBucket({ name: 'b', limit: 2, windowMs: 1_000, by: ['uid'] })
  const { clock, scheduler } = world([limit], 1, ORDINARY, { coldStart: 'full' })
  const labels = { uid: 'u' }
  const dear = scheduler.schedule({ labels, cost: 2 }, async admission => {
    await Promise.resolve()
    admission.refused({ holdMs: 10 })
  })
  const settled = expect(dear).rejects.toThrow('never gives more than 1')
  let served = false
  void scheduler.schedule({ labels }, () => {
    served = true
  })
  scheduler.setLimit('b', 1)
  await clock.runAll(86_400_000)
  expect(served).toBe(true)
  await settled
})

/** Two lanes, each of which waits for what the other claims: the one that stepped back behind the other still blocks it. */
const CROSSED_CLAIMS: Story = {
  limits: [
    tokenBucket({ name: 'b0', limit: 1, windowMs: 20, by: ['uid'] }),
    tokenBucket({ name: 'b1', limit: 1, windowMs: 72, by: ['ip', 'endpoint'] }),
    inFlight({ name: 'cap', limit: 1, by: ['ip'] }),
  ],
  calls: [
    plainCall(0, 2, 0, 0),
    plainCall(0, 1, 1, 0, { priority: 1 }),
    plainCall(0, 1, 0, 0, { priority: 1 }),
    plainCall(0, 0, 0, 1, { priority: 1, answerMs: 14 }),
    plainCall(0, 1, 0, 1),
    plainCall(0, 1, 0, 0),
    plainCall(0, 1, 0, 2),
    plainCall(0, 0, 1, 0, { cost: 1 }),
    plainCall(0, 0, 0, 0, { cost: { b0: 2 } }),
    plainCall(100, 0, 0, 0, { cost: 0 }),
  ],
  coldStart: 'spent',
  lostCallMs: 0,
  timeoutMs: 500,
  ledgerMs: 14,
}

test('every call that fits starts in the end, whatever it draws on and whoever else waits', async () => {
  await fc.assert(
    fc.asyncProperty(someStory({ limits: someLimits, maxCalls: 60 }), async its => {
      const calls = its.calls.map(each => ({ ...each, abortAfterMs: undefined, maxWaitMs: undefined }))
      const { sent } = await tell({ ...its, calls })
      for (const each of calls) if (each.cost === undefined) expect(sent.some(one => one.plan === each)).toBe(true)
    }),
    { ...runs(200), examples: [[CROSSED_CLAIMS]] },
  )
})
