import { type Limit, tokenBucket } from '@headgate/core'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type KindLoad, runKind, tokensBetween } from '../support/kind-load.ts'
import { type Kind, kindServer } from '../support/kind-servers.ts'
import { runs } from '../support/runs.ts'
import { costOf, type Fate, labelsOf, someStory, type Told, tell } from '../support/story.ts'

const KINDS: Kind[] = ['sliding', 'aligned', 'anchored', 'decay']
const EVERY_FATE: Fate[] = ['answered', 'fails', 'refused', 'breaks', 'says lost', 'never ends', 'unsent']

const someLimit = fc.record({
  limit: fc.integer({ min: 1, max: 8 }),
  windowMs: fc.oneof(fc.integer({ min: 20, max: 3_000 }), fc.constant(1_000)),
})

/** Calls that a server of the kind would have refused. */
function refusals(kind: Kind, limits: readonly Limit[], counted: Told['counted']): string[] {
  return limits.flatMap(limit => {
    if (limit.kind !== 'token-bucket') return []
    const servers = new Map<string, ReturnType<typeof kindServer>>()
    return counted.flatMap(({ plan, atMs }) => {
      const labels = labelsOf(plan) as Record<string, string>
      const key = limit.by.map(name => labels[name]).join()
      const server = servers.get(key) ?? kindServer(kind, limit.limit as number, limit.windowMs)
      servers.set(key, server)
      return server.arrive(atMs, costOf(plan, limit)) ? [] : [`${limit.name} ${key} at ${atMs}`]
    })
  })
}

describe.each(KINDS)('a server whose window is %s', kind => {
  it('refuses nothing, whatever the latencies, limits, costs and losses', async () => {
    const limits = fc
      .array(fc.tuple(someLimit, fc.constantFrom(['uid'], ['ip'], ['ip', 'endpoint'])), { minLength: 1, maxLength: 2 })
      .map(all => all.map(([options, by], i) => tokenBucket({ name: `b${i}`, ...options, by, window: kind })))
    await fc.assert(
      fc.asyncProperty(someStory({ fates: EVERY_FATE, limits }), async story => {
        const { counted } = await tell(story)
        expect(refusals(kind, story.limits, counted)).toEqual([])
      }),
      runs(250),
    )
  })

  const way = fc.integer({ min: 0, max: 60 })
  /** Heavy tails: most are small, some last for seconds. */
  const tail = fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 0, max: 400 }).map(n => n / 4) },
    { weight: 1, arbitrary: fc.integer({ min: 100, max: 2_500 }) },
  )
  const someLoad = fc
    .record({
      rule: someLimit,
      wayMs: way,
      tails: fc.array(tail, { minLength: 5, maxLength: 40 }),
      costs: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 10 }),
      lostEvery: fc.constantFrom(0, 0, 7, 23),
      elsewhereEvery: fc.constantFrom(0, 0, 5, 11),
      lostCallMs: fc.constantFrom(300, 1_000, 5_000),
      tellsTime: fc.boolean(),
      drift: fc.constantFrom(0, 60e-6, -60e-6),
      coldStart: fc.constantFrom('full', 'full', 'paced', 'spent'),
      bursts: fc.array(
        fc.record({
          from: fc.integer({ min: 0, max: 30 }),
          lasts: fc.integer({ min: 0, max: 20 }),
          callers: fc.integer({ min: 1, max: 20 }),
        }),
        { minLength: 1, maxLength: 4 },
      ),
    })
    .map(({ rule, wayMs, tails, costs, lostEvery, elsewhereEvery, bursts, ...more }): KindLoad => {
      let leg = 0
      return {
        kind,
        ...rule,
        ...more,
        // Every third call is as fast as can be: the least round trip is known as soon as it is believed.
        legMs: call => wayMs + (call % 3 === 0 ? 0 : (tails[leg++ % tails.length] as number)),
        cost: call => Math.min(rule.limit, costs[call % costs.length] as number) || (call % 4 === 0 ? 0 : 1),
        isLost: call => lostEvery > 0 && call % lostEvery === 1,
        isRefusedElsewhere: call => elsewhereEvery > 0 && call % elsewhereEvery === 0,
        bursts: bursts.map(({ from, lasts, callers }) => ({
          fromMs: (from * rule.windowMs) / 2,
          untilMs: (from + lasts) * (rule.windowMs / 2) + 1,
          callers,
        })),
      }
    })

  it('refuses nothing under bursts, idle times, heavy tails, lost calls and drifting clocks', async () => {
    await fc.assert(
      fc.asyncProperty(someLoad, async load => {
        expect((await runKind(load)).refused).toBe(0)
      }),
      runs(60),
    )
  })

  it('refuses nothing while the limit goes down and up', async () => {
    await fc.assert(
      fc.asyncProperty(someLoad, fc.integer({ min: 1, max: 8 }), async (load, other) => {
        const { windowMs, limit } = load
        const [few, many] = [Math.min(limit, other), Math.max(limit, other)]
        const { refused } = await runKind({
          ...load,
          limit: many,
          cost: call => Math.min(few, load.cost?.(call) ?? 1),
          // The client is told of less before it is less, and of more after it is more.
          happens: [
            { atMs: 5 * windowMs, what: scheduler => scheduler.setLimit('b', few) },
            { atMs: 7 * windowMs + 6_000, what: (_, setServerLimit) => setServerLimit(few) },
            { atMs: 15 * windowMs + 6_000, what: (_, setServerLimit) => setServerLimit(many) },
            { atMs: 16 * windowMs + 9_000, what: scheduler => scheduler.setLimit('b', many) },
          ],
          bursts: [{ fromMs: 0, untilMs: 20 * windowMs + 12_000, callers: 3 }],
        })
        expect(refused).toBe(0)
      }),
      runs(15),
    )
  })

  it('takes at least as many tokens as under a sliding window, give or take one round of calls', async () => {
    await fc.assert(
      fc.asyncProperty(someLimit, way, fc.array(tail, { minLength: 5, maxLength: 40 }), async (rule, wayMs, tails) => {
        const load: KindLoad = {
          kind,
          ...rule,
          legMs: call => wayMs + (call % 3 === 0 ? 0 : (tails[call % tails.length] as number)),
          bursts: [{ fromMs: 0, untilMs: 40 * rule.windowMs, callers: 2 * rule.limit }],
        }
        const endMs = 40 * rule.windowMs
        const told = tokensBetween(await runKind(load), 0, endMs)
        const sliding = tokensBetween(await runKind({ ...load, toldKind: 'sliding' }), 0, endMs)
        // Which call meets which latency differs; calls of seconds keep a whole limit busy.
        expect(told).toBeGreaterThanOrEqual(0.9 * sliding - 2 * rule.limit)
      }),
      runs(20),
    )
  })
})
