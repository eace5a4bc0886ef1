import { ClosedError, MaxWaitError, RefusedError, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { gate } from '../scheduler/harness.ts'
import { laterLedger } from '../support/later-ledger.ts'
import { runs } from '../support/runs.ts'

interface Plan {
  atMs: number
  uid: number
  key: 'a' | 'b' | undefined
  priority: number
  maxWaitMs: number | undefined
  abortAfterMs: number | undefined
  /** What becomes of its task's runs, should it be the one that runs; the last for all after it. */
  fates: ('answers' | 'fails' | 'refused' | 'held')[]
  takesMs: number
}

const plan: fc.Arbitrary<Plan> = fc.record({
  atMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6_000 })),
  uid: fc.nat(1),
  key: fc.constantFrom('a', 'a', 'a', 'b', undefined),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  maxWaitMs: fc.option(fc.integer({ min: 0, max: 8_000 }), { nil: undefined, freq: 2 }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 8_000 }), { nil: undefined, freq: 3 }),
  fates: fc.array(fc.constantFrom('answers', 'answers', 'fails', 'refused', 'held'), { minLength: 1, maxLength: 3 }),
  takesMs: fc.constantFrom(0, 20, 700),
})

const story = fc.record({
  plans: fc.array(plan, { minLength: 2, maxLength: 30, size: 'max' }),
  limit: fc.integer({ min: 1, max: 3 }),
  ledgerMs: fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined, freq: 3 }),
  closeAtMs: fc.option(fc.integer({ min: 0, max: 9_000 }), { nil: undefined, freq: 1 }),
})

/** One run of somebody's task. */
interface Run {
  readonly by: number
  readonly outcome: unknown
}

test('sharers settle once each, with what their call came to or what is their own, and with nobody else’s end', async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ plans, limit, ledgerMs, closeAtMs }) => {
      const clock = virtualClock()
      const { scheduler } = gate([tokenBucket({ name: 'uid', limit, windowMs: 1_000, by: ['uid'] })], {
        clock,
        ...(ledgerMs !== undefined && { ledger: laterLedger(clock, () => ledgerMs) }),
      })
      const runsSeen: Run[] = []
      const settled = plans.map(() => [] as { value?: unknown; error?: unknown; atMs: number }[])
      const aborts = plans.map(() => new AbortController())
      const isKnown = new Map<unknown, number>()
      for (const [index, each] of plans.entries()) {
        clock.setTimer(() => {
          const { uid, key, priority, maxWaitMs, abortAfterMs, fates, takesMs } = each
          const abort = aborts[index] as AbortController
          let runNumber = 0
          const promise = scheduler.schedule(
            {
              labels: { uid: `u${uid}` },
              priority,
              signal: abort.signal,
              retries: 2,
              ...(key !== undefined && { coalesce: key }),
              ...(maxWaitMs !== undefined && { maxWaitMs }),
            },
            async admission => {
              const outcome = { by: index, run: runNumber }
              isKnown.set(outcome, index)
              runsSeen.push({ by: index, outcome })
              const fate = fates[Math.min(runNumber++, fates.length - 1)]
              if (takesMs > 0) await new Promise<void>(resolve => void clock.setTimer(resolve, takesMs))
              if (fate === 'refused') admission.refused()
              else if (fate === 'held') admission.refused({ holdMs: 500 })
              else if (fate === 'fails') throw outcome
              return outcome
            },
          )
          promise.then(
            value => settled[index]?.push({ value, atMs: clock.nowMs() }),
            error => settled[index]?.push({ error, atMs: clock.nowMs() }),
          )
          if (abortAfterMs !== undefined) clock.setTimer(() => abort.abort(`left ${index}`), abortAfterMs)
        }, each.atMs)
      }
      if (closeAtMs !== undefined) clock.setTimer(() => void scheduler.close(), closeAtMs)
      await clock.runAll(40 * 60_000)

      for (const [index, { uid, key, maxWaitMs, abortAfterMs, atMs }] of plans.entries()) {
        const ends = settled[index] as (typeof settled)[number]
        expect(ends.length).toBe(1)
        const { value, error, atMs: endedAtMs } = ends[0] as (typeof ends)[number]
        const outcome = value ?? error
        if (isKnown.has(outcome)) {
          // The outcome of one run: of its own task, or of that of a call for the same.
          const by = isKnown.get(outcome) as number
          const other = plans[by] as Plan
          if (by !== index) expect([other.uid, other.key]).toStrictEqual([uid, key ?? 'never'])
        } else if (typeof error === 'string') {
          // Nobody leaves by another's signal.
          expect(error).toBe(`left ${index}`)
          expect(abortAfterMs).toBeDefined()
        } else if (error instanceof MaxWaitError) {
          expect(maxWaitMs).toBe(error.maxWaitMs)
          expect(endedAtMs).toBeGreaterThanOrEqual(atMs)
        } else if (error instanceof ClosedError) expect(closeAtMs).toBeDefined()
        else expect(error).toBeInstanceOf(RefusedError)
      }
      // One admission for every run, and no run for who joined.
      expect(scheduler.snapshot()).toMatchObject({
        lanes: [],
        counters: { admitted: runsSeen.length, queued: 0, running: 0 },
      })
      expect(clock.pendingTimers).toBe(0)
    }),
    runs(150),
  )
})

test('of calls for the same that come while one waits, one runs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(19)), async (count, leavers) => {
      const { clock, scheduler, job } = gate([tokenBucket({ name: 'uid', limit: 1, windowMs: 1_000, by: ['uid'] })])
      await scheduler.schedule({ labels: { uid: 'u' } }, () => undefined)
      const aborts = Array.from({ length: count }, () => new AbortController())
      const jobs = aborts.map(({ signal }) => job({ labels: { uid: 'u' }, coalesce: 'x', signal }))
      const gone = new Set(leavers.filter(leaver => leaver < count))
      for (const leaver of gone) aborts[leaver]?.abort('left')
      await clock.advance(1_001)
      expect(jobs.map(({ started }) => started)).toStrictEqual(jobs.map((_, i) => i === 0 && gone.size < count))
      jobs[0]?.answer('x')
      await clock.advance(0)
      expect(jobs.map(({ value }) => value)).toStrictEqual(jobs.map((_, i) => (gone.has(i) ? 'left' : 'x')))
    }),
    runs(100),
  )
})
