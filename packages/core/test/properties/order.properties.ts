import { tokenBucket } from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import {
  type CallPlan,
  type Fate,
  labelsOf,
  type Sent,
  type Story,
  someCalls,
  someLimits,
  someStory,
  tell,
} from '../support/story.ts'

const patient = (calls: CallPlan[]): CallPlan[] =>
  calls.map(plan => ({ ...plan, abortAfterMs: undefined, maxWaitMs: undefined }))
const laneOf = (plan: CallPlan) => JSON.stringify([labelsOf(plan), plan.priority])

/** Admissions, each with the calls that waited meanwhile and could have gone instead. */
function overtakings(
  story: Story,
  sent: readonly Sent[],
  over: (went: CallPlan, waited: CallPlan) => boolean,
): { went: CallPlan; waited: CallPlan; atMs: number }[] {
  const found: ReturnType<typeof overtakings> = []
  const order = new Map(sent.map(({ plan }, index) => [plan, index]))
  sent.forEach(({ plan: went, atMs }, index) => {
    for (const waited of story.calls) {
      // One that came in the same instant may have come a moment later.
      if (waited.atMs >= atMs || (order.get(waited) as number) <= index) continue
      if (over(went, waited)) found.push({ went, waited, atMs })
    }
  })
  return found
}

test('calls of one lane start in the order in which they came, whatever they cost', async () => {
  await fc.assert(
    fc.asyncProperty(someStory({ limits: someLimits, maxCalls: 60 }), async its => {
      const story = { ...its, calls: patient(its.calls).sort((a, b) => a.atMs - b.atMs) }
      const { sent } = await tell(story)
      const lanes = new Map<string, number>()
      for (const { plan } of sent) {
        const place = story.calls.indexOf(plan)
        expect(place).toBeGreaterThan(lanes.get(laneOf(plan)) ?? -1)
        lanes.set(laneOf(plan), place)
      }
    }),
    runs(200),
  )
})

test('a refused call goes again before those of its lane that came after it', async () => {
  const fates: Fate[] = ['refused', 'held']
  const costs = fc.constant(undefined)
  await fc.assert(
    fc.asyncProperty(someStory({ fates, costs }), fc.integer({ min: 20, max: 2_000 }), async (its, windowMs) => {
      // One token: no other call of the lane is under way when the refusal comes in.
      const limits = [tokenBucket({ name: 'b0', limit: 1, windowMs, by: ['uid', 'endpoint', 'ip'] })]
      const story = { ...its, limits, timeoutMs: 60_000, calls: patient(its.calls) }
      const { sent } = await tell(story)
      const last = new Map<string, CallPlan>()
      const ended = new Set<CallPlan>()
      for (const { plan } of sent) {
        const before = last.get(laneOf(plan))
        if (before !== undefined && before !== plan) ended.add(before)
        expect(ended.has(plan)).toBe(false)
        last.set(laneOf(plan), plan)
      }
      expect(sent.length).toBe(story.calls.length + story.calls.filter(({ fate }) => fates.includes(fate)).length)
    }),
    runs(100),
  )
})

const oneBucket = fc
  .record({ limit: fc.integer({ min: 1, max: 5 }), windowMs: fc.integer({ min: 100, max: 2_000 }) })
  .map(options => [tokenBucket({ name: 'b0', by: ['exchange'], ...options })])

/** From so long a wait on a call of lower priority may have its turn; no window here is as long as half of it. */
const OLD_MS = 10_000

test('while a call of higher priority waits for a bucket, none of lower priority takes from it that is not old', async () => {
  await fc.assert(
    fc.asyncProperty(someStory({ limits: oneBucket, maxCalls: 60, costs: fc.constant(undefined) }), async its => {
      const story = { ...its, ledgerMs: undefined, calls: patient(its.calls) }
      const { sent } = await tell(story)
      const found = overtakings(story, sent, (went, waited) => went.priority < waited.priority).filter(
        ({ went, atMs }) => atMs - went.atMs < OLD_MS,
      )
      expect(found).toEqual([])
    }),
    runs(200),
  )
})

test('between equals, while one waits for a bucket, each other goes at most once', async () => {
  const calls = someCalls({ maxCalls: 90, withinMs: 3_000, costs: fc.integer({ min: 1, max: 3 }) })
  await fc.assert(
    fc.asyncProperty(someStory({ limits: oneBucket }), calls, async (its, calls) => {
      const equals = patient(calls).map(plan => ({
        ...plan,
        priority: 0,
        endpoint: 0,
        ip: 0,
        uid: plan.uid * 3 + plan.endpoint,
      }))
      const { windowMs } = its.limits[0] as { windowMs: number }
      const limits = [tokenBucket({ name: 'b0', by: ['exchange'], limit: 4, windowMs })]
      const story = { ...its, limits, ledgerMs: undefined, calls: equals }
      const { sent } = await tell(story)
      const startOf = new Map(sent.map(({ plan }, index) => [plan, index]))
      for (const plan of equals) {
        const place = startOf.get(plan)
        expect(place).toBeDefined()
        // Since it was the first of its account.
        const headFrom = Math.max(
          -1,
          ...equals
            .filter(other => other.uid === plan.uid && (startOf.get(other) as number) < (place as number))
            .map(other => startOf.get(other) as number),
        )
        const went = sent.slice(headFrom + 1, place).filter(one => one.atMs > plan.atMs)
        const times = new Map<number, number>()
        for (const other of went) times.set(other.plan.uid, (times.get(other.plan.uid) ?? 0) + 1)
        expect(Math.max(0, ...times.values())).toBeLessThanOrEqual(1)
      }
    }),
    runs(150),
  )
})

test('a call never waits while everything that it draws on is free', async () => {
  await fc.assert(
    fc.asyncProperty(
      someStory({ limits: oneBucket, maxCalls: 40, costs: fc.constant(undefined), fates: ['unsent', 'fails'] }),
      async its => {
        const story = {
          ...its,
          ledgerMs: undefined,
          coldStart: 'full' as const,
          timeoutMs: 60_000,
          calls: patient(its.calls),
        }
        const { sent } = await tell(story)
        const { limit, windowMs } = story.limits[0] as { limit: number; windowMs: number }
        // A model of one bucket: a token is away from its sending until a window and a millisecond after its answer.
        for (const { plan, atMs } of sent) {
          const backAtMs = sent
            .filter(other => other.plan !== plan && other.atMs <= atMs)
            .map(({ plan: { requestMs, answerMs, fate }, atMs: sentAtMs }) =>
              fate === 'unsent' ? sentAtMs + requestMs : sentAtMs + requestMs + answerMs + windowMs + 1,
            )
          // At any moment before it started, since it came, all tokens were away.
          for (const momentMs of [plan.atMs, (plan.atMs + atMs) / 2, atMs - 0.01]) {
            if (momentMs < plan.atMs || momentMs >= atMs) continue
            const away = backAtMs.filter((backMs, index) => {
              const other = sent.filter(one => one.plan !== plan && one.atMs <= atMs)[index] as Sent
              return other.atMs <= momentMs && backMs > momentMs
            }).length
            expect(away).toBe(limit)
          }
        }
      },
    ),
    runs(100),
  )
})
