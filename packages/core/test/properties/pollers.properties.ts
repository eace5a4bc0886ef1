import { type Limit, tokenBucket } from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { someLimits } from '../support/story.ts'
import { finish, ORDINARY, world } from '../support/world.ts'

interface Plan {
  uid: number
  ip: number
  endpoint: number
  everyMs: number
  weight: number
  priority: number
  cost: number
  endsAtMs: number | undefined
  end: 'return' | 'signal' | 'slow'
  key: string | undefined
}

const somePlans = (endless: boolean) =>
  fc.array(
    fc.record<Plan>({
      uid: fc.nat(2),
      ip: fc.nat(1),
      endpoint: fc.nat(2),
      everyMs: fc.constantFrom(100, 1_000, 5_000),
      weight: fc.constantFrom(1, 1, 1, 2, 0.5),
      priority: fc.constantFrom(0, 0, 0, 1, -1),
      cost: fc.constantFrom(1, 1, 1, 2, 0),
      endsAtMs: endless ? fc.constant(undefined) : fc.option(fc.integer({ min: 0, max: 30_000 }), { nil: undefined }),
      end: fc.constantFrom('return', 'signal', 'slow'),
      key: fc.option(fc.constantFrom('k', 'l'), { nil: undefined, freq: 2 }),
    }),
    { minLength: 1, maxLength: 12, size: 'max' },
  )

test('whatever the limits and the pollers: one call each at a time, never sooner than asked, and nothing left', async () => {
  await fc.assert(
    fc.asyncProperty(
      someLimits,
      somePlans(false),
      fc.integer({ min: 1, max: 1e6 }),
      fc.option(fc.integer({ min: 0, max: 20_000 }), { nil: undefined }),
      async (limits, plans, seed, holdAtMs) => {
        const its = world(limits, seed, ORDINARY, { coldStart: 'full' })
        const { clock, scheduler } = its
        for (const { uid, ip, endpoint, everyMs, weight, priority, cost, endsAtMs, end, key } of plans) {
          const abort = new AbortController()
          let open = 0
          let lastMs = Number.NEGATIVE_INFINITY
          const labels = { exchange: 'x', uid: `u${uid}`, ip: `i${ip}`, endpoint: `e${endpoint}` }
          const readings = scheduler.poll(
            { labels, priority, cost, ...(key !== undefined && { coalesce: key }) },
            async ({ signal }) => {
              // Of pollers that share, whoever comes first runs its own task.
              if (key === undefined) expect(++open).toBe(1)
              if (key === undefined) expect(clock.nowMs() - lastMs).toBeGreaterThan(everyMs - 1e-6)
              lastMs = clock.nowMs()
              await its.sleep(its.oneWayMs())
              open--
              if (signal.aborted) throw signal.reason
            },
            { everyMs, weight, signal: abort.signal, maxAgeMs: 3_000 },
          )
          const iterator = readings[Symbol.asyncIterator]()
          void (async () => {
            for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
              if (!next.value.ok && (next.value.error as Error).name === 'AssertionError') throw next.value.error
              if (end === 'slow') await its.sleep(2_500)
            }
          })()
          if (endsAtMs === undefined) continue
          clock.setTimer(() => {
            if (end === 'signal') abort.abort()
            else void iterator.return?.()
          }, endsAtMs)
        }
        if (holdAtMs !== undefined) {
          clock.setTimer(() => scheduler.hold({ ip: 'i0' }, { forMs: 5_000, reason: 'banned' }), holdAtMs)
        }
        await clock.advance(40_000)
        expect(clock.pendingTimers).toBeLessThanOrEqual(1 + 2 * plans.length)
        const closing = finish(its)
        await closing
        expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0, running: 0 } })
        expect(clock.pendingTimers).toBe(0)
      },
    ),
    runs(60),
  )
})

test('pollers that could use all of any limits leave no gate idle that is the narrowest for one of them', async () => {
  const limits: fc.Arbitrary<Limit[]> = fc
    .tuple(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 2, max: 20 }), fc.constantFrom(1_000, 10_000))
    .map(([shared, own, windowMs]) => [
      tokenBucket({ name: 'shared', limit: shared, windowMs, by: ['ip'] }),
      tokenBucket({ name: 'own', limit: own, windowMs, by: ['uid'] }),
    ])
  await fc.assert(
    fc.asyncProperty(limits, fc.array(fc.nat(5), { minLength: 20, maxLength: 40 }), async (both, uids) => {
      const its = world(both, 1, { baseMs: 5, medianMs: 2, sigma: 0.5 }, { coldStart: 'full' })
      const counts = uids.map(() => 0)
      for (const [index, uid] of uids.entries()) {
        const labels = { exchange: 'x', ip: 'a', uid: `u${uid}` }
        const readings = its.scheduler.poll(
          { labels, retries: 0 },
          async admission => {
            counts[index] = (counts[index] as number) + 1
            await its.sleep(its.oneWayMs())
            if (!its.server.arrive(labels, its.clock.nowMs())) admission.refused()
            await its.sleep(its.oneWayMs())
          },
          { everyMs: 10 },
        )
        void (async () => {
          for await (const _ of readings);
        })()
      }
      const [{ limit: shared, windowMs }, { limit: own }] = both as unknown as {
        limit: number
        windowMs: number
      }[] as [{ limit: number; windowMs: number }, { limit: number }]
      const windows = 20
      await its.clock.advance((windows + 2) * windowMs)
      const used = its.server.acceptedBetween(2 * windowMs, (windows + 2) * windowMs) / windows
      const most = Math.min(shared, own * new Set(uids).size)
      expect(used).toBeGreaterThan(0.85 * most)
      expect(its.server.refused).toBe(0)
      await finish(its)
    }),
    runs(25),
  )
})
