import { createScheduler, tokenBucket } from '@headgate/core'
import { seededRandom, virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { networkError } from '../support/story.ts'

const VALUES = { uid: ['u0', 'u1', 'u2'], ip: ['i0', 'i1'], endpoint: ['e0', 'e1'] } as const

const labelSubset = fc
  .record({
    uid: fc.option(fc.constantFrom(...VALUES.uid), { nil: undefined }),
    ip: fc.option(fc.constantFrom(...VALUES.ip), { nil: undefined }),
    endpoint: fc.option(fc.constantFrom(...VALUES.endpoint), { nil: undefined }),
  })
  .map(
    labels =>
      Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== undefined)) as Record<string, string>,
  )

const allLabels = fc.record({
  uid: fc.constantFrom(...VALUES.uid),
  ip: fc.constantFrom(...VALUES.ip),
  endpoint: fc.constantFrom(...VALUES.endpoint),
})

type Saying = 'fine' | 'held' | 'breaks' | 'unsent'

const plan = fc.record({
  atMs: fc.integer({ min: 0, max: 10_000 }),
  labels: allLabels,
  tookMs: fc.integer({ min: 1, max: 800 }),
  says: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Saying>('fine') },
    { weight: 2, arbitrary: fc.constantFrom<Saying>('held', 'breaks', 'unsent') },
  ),
  by: fc.constantFrom(['uid'], ['ip'], ['endpoint'], ['uid', 'endpoint']),
  holdMs: fc.integer({ min: 0, max: 4_000 }),
})

const hold = fc.record({
  atMs: fc.integer({ min: 0, max: 12_000 }),
  labels: labelSubset,
  forMs: fc.integer({ min: 0, max: 5_000 }),
})

/** What a judge knows of the hold over some labels. */
interface Held {
  labels: Record<string, string>
  untilMs: number
  /** Answers, other than refusals, to calls sent since it closed last: the first one ends the probing. */
  answers: number
  /** Calls sent since it closed last, and still under way. */
  underWay: Set<object>
  /** When a probe brought no news. */
  failedAtMs: number
}

class Judge {
  readonly #holds = new Map<string, Held>()
  readonly wrongs: string[] = []

  closed(labels: Record<string, string>, untilMs: number): void {
    const key = JSON.stringify(Object.entries(labels).sort())
    const before = this.#holds.get(key)
    this.#holds.set(key, {
      labels,
      untilMs: Math.max(untilMs, before?.untilMs ?? 0),
      answers: 0,
      underWay: new Set(),
      failedAtMs: Number.NEGATIVE_INFINITY,
    })
  }

  sent(call: object, labels: Record<string, string>, atMs: number): void {
    for (const held of this.#over(labels)) {
      if (atMs < held.untilMs)
        this.wrongs.push(`sent at ${atMs} into a hold until ${held.untilMs}: ${JSON.stringify(held.labels)}`)
      if (held.answers === 0 && held.underWay.size > 0)
        this.wrongs.push(`two probes at ${atMs}: ${JSON.stringify(held.labels)}`)
      if (held.answers === 0 && atMs < held.failedAtMs + 900)
        this.wrongs.push(`no backoff at ${atMs}: ${JSON.stringify(held.labels)}`)
      held.underWay.add(call)
    }
  }

  ended(call: object, isAnswer: boolean, atMs: number): void {
    for (const held of this.#holds.values()) {
      if (!held.underWay.delete(call)) continue
      if (isAnswer) held.answers++
      else if (held.answers === 0) held.failedAtMs = atMs
    }
  }

  #over(labels: Record<string, string>): Held[] {
    return [...this.#holds.values()].filter(held =>
      Object.entries(held.labels).every(([name, value]) => labels[name] === value),
    )
  }
}

test('nothing is sent into a hold; after it one probe at a time, until one is answered; then all that waits is served', async () => {
  const limits = [
    tokenBucket({ name: 'account', limit: 6, windowMs: 1_000, by: ['uid'] }),
    tokenBucket({ name: 'address', limit: 9, windowMs: 1_000, by: ['ip'] }),
  ]
  const plans = fc.array(plan, { minLength: 5, maxLength: 60, size: 'max' })
  const holds = fc.array(hold, { minLength: 1, maxLength: 6, size: 'max' })
  await fc.assert(
    fc.asyncProperty(plans, holds, async (plans, holds) => {
      const clock = virtualClock()
      const judge = new Judge()
      const scheduler = createScheduler({
        limits,
        clock,
        random: seededRandom(1),
        coldStart: 'full',
        lostCallMs: 1_000,
      })
      let waiting = plans.length
      for (const { atMs, labels, tookMs, says, by, holdMs } of plans) {
        let attempts = 0
        const start = () =>
          scheduler.schedule({ labels }, async admission => {
            const call = {}
            const first = attempts++ === 0
            judge.sent(call, labels, clock.nowMs())
            await new Promise<void>(resolve => void clock.setTimer(resolve, tookMs))
            if (first && says === 'held') {
              judge.ended(call, false, Number.NEGATIVE_INFINITY)
              judge.closed(
                Object.fromEntries(by.map(name => [name, labels[name as keyof typeof labels]])),
                clock.nowMs() + holdMs,
              )
              admission.refused({ holdMs, by })
            } else if (first && says === 'breaks') {
              judge.ended(call, false, clock.nowMs())
              throw networkError()
            } else if (first && says === 'unsent') {
              judge.ended(call, false, clock.nowMs())
              admission.unsent()
            } else judge.ended(call, true, clock.nowMs())
          })
        const settled = () => void waiting--
        clock.setTimer(() => void start().then(settled, settled), atMs)
      }
      for (const { atMs, labels, forMs } of holds) {
        clock.setTimer(() => {
          judge.closed(labels, clock.nowMs() + forMs)
          scheduler.hold(labels, { forMs, reason: 'test' })
        }, atMs)
      }
      await clock.runAll(3_600_000)
      expect(judge.wrongs).toEqual([])
      expect(waiting).toBe(0)
      const { lanes, counters } = scheduler.snapshot()
      expect(lanes).toEqual([])
      expect(counters).toMatchObject({ queued: 0, running: 0 })
    }),
    runs(200),
  )
})

test('a hold never ends earlier than any of those that made it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(hold, { minLength: 2, maxLength: 8 }), async holds => {
      const clock = virtualClock()
      const limit = tokenBucket({ name: 'account', limit: 6, windowMs: 1_000, by: ['uid'] })
      const scheduler = createScheduler({ limits: [limit], clock, coldStart: 'full' })
      const labels = { uid: 'u0' }
      let untilMs = 0
      for (const { atMs, forMs } of holds) {
        clock.setTimer(() => {
          scheduler.hold(labels, { forMs, reason: 'test' })
          untilMs = Math.max(untilMs, clock.nowMs() + forMs)
        }, atMs)
      }
      await clock.advance(12_001)
      let sentAtMs = Number.NaN
      void scheduler.schedule({ labels }, () => {
        sentAtMs = clock.nowMs()
      })
      await clock.runAll(3_600_000)
      // Servers lift a ban at a tick of their own: a second is waited on top.
      expect(sentAtMs).toBe(Math.max(12_001, untilMs + 1_000))
    }),
    runs(100),
  )
})

test('release lets go what waits for exactly these labels, at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      labelSubset,
      fc.array(allLabels, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 60_000 }),
      async (held, calls, afterMs) => {
        const clock = virtualClock()
        const limit = tokenBucket({ name: 'account', limit: 100, windowMs: 1_000, by: ['uid'] })
        const scheduler = createScheduler({ limits: [limit], clock, coldStart: 'full' })
        scheduler.hold(held, { forMs: 120_000, reason: 'test' })
        const sent: { labels: Record<string, string>; atMs: number }[] = []
        for (const labels of calls)
          void scheduler.schedule({ labels }, () => void sent.push({ labels, atMs: clock.nowMs() }))
        await clock.advance(afterMs)
        scheduler.release(held)
        await clock.advance(0)
        expect(sent.length).toBe(calls.length)
        for (const { labels, atMs } of sent) {
          const isHeld = Object.entries(held).every(([name, value]) => labels[name] === value)
          expect(atMs).toBe(isHeld ? afterMs : 0)
        }
      },
    ),
    runs(100),
  )
})
