import { type Limit, type PollOptions, type ScheduleRequest, type SchedulerOptions, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { laterLedger } from '../support/later-ledger.ts'
import { average, figure, finish, HEAVY, type Jitter, ORDINARY, seeds, type World, world } from '../support/world.ts'

const fast = tokenBucket({ name: 'fast', limit: 500, windowMs: 10_000, by: ['ip'] })
const slow = tokenBucket({ name: 'slow', limit: 1000, windowMs: 60_000, by: ['ip'] })

interface Polled {
  /** When each poll started, by poller. */
  readonly startsMs: number[][]
  readonly abort: AbortController
}

interface Plan extends Partial<PollOptions> {
  labels: Record<string, string>
  everyMs: number
  request?: Partial<ScheduleRequest>
}

/** Pollers that begin together, over the network. `stalledUntilMs` keeps answers back. */
function pollers(its: World, plans: readonly Plan[], stalled?: { fromMs: number; untilMs: number }): Polled {
  const abort = new AbortController()
  const startsMs = plans.map(({ labels, request, ...options }) => {
    const starts: number[] = []
    const readings = its.scheduler.poll(
      { labels, retries: 0, ...request },
      async admission => {
        starts.push(its.clock.nowMs())
        await its.sleep(its.oneWayMs())
        const accepted = its.server.arrive(labels, its.clock.nowMs(), request?.cost as number | undefined)
        await its.sleep(its.oneWayMs())
        const nowMs = its.clock.nowMs()
        if (stalled !== undefined && nowMs >= stalled.fromMs && nowMs < stalled.untilMs)
          await its.sleep(stalled.untilMs - nowMs)
        admission.counted()
        if (!accepted) admission.refused()
      },
      { signal: abort.signal, ...options },
    )
    void (async () => {
      for await (const _ of readings);
    })()
    return starts
  })
  return { startsMs, abort }
}

const together = (count: number, plan: Omit<Plan, 'labels'>): Plan[] =>
  Array.from({ length: count }, (_, uid) => ({ labels: { exchange: 'x', ip: 'a', uid: `u${uid}` }, ...plan }))

function gapsMs(starts: readonly number[], fromMs = 0, untilMs = Number.POSITIVE_INFINITY): number[] {
  const gaps: number[] = []
  for (let i = 1; i < starts.length; i++) {
    const atMs = starts[i] as number
    if (atMs >= fromMs && atMs <= untilMs) gaps.push(atMs - (starts[i - 1] as number))
  }
  return gaps
}

/** Mean age of what pollers know, from their starts, and the mean of the worst of them. */
function agesMs(startsMs: readonly (readonly number[])[], fromMs: number, untilMs: number) {
  const means = startsMs.map(starts => {
    const gaps = gapsMs(starts, fromMs, untilMs)
    const total = gaps.reduce((sum, gap) => sum + gap, 0)
    return gaps.reduce((sum, gap) => sum + (gap * gap) / 2, 0) / total
  })
  return { mean: average(means), worst: Math.max(...means) }
}

function polling(
  limits: readonly Limit[],
  seed: number,
  options: Partial<SchedulerOptions> = {},
  jitter: Jitter = ORDINARY,
) {
  return world(limits, seed, jitter, { coldStart: 'full', ...options })
}

async function ended(its: World, { abort }: Polled): Promise<void> {
  abort.abort()
  // A lane that a ledger elsewhere has still to judge is forgotten with its answer.
  expect(its.scheduler.snapshot().lanes.filter(lane => lane.waiting > 0)).toStrictEqual([])
  await finish(its)
  expect(its.clock.pendingTimers).toBe(0)
}

describe('100 pollers that begin together on 500 per 10 s and 1000 per minute', () => {
  const idealMs = 6_000
  test.each(seeds(2))('no gap is longer than a fifth more than the ideal; seed %i', async seed => {
    const its = polling([fast, slow], seed)
    const polled = pollers(its, together(100, { everyMs: 1_000 }))
    await its.clock.advance(600_000)
    const worst = Math.max(...polled.startsMs.flatMap(starts => gapsMs(starts)))
    const used = its.server.acceptedBetween(60_000, 600_000) / 9_000
    figure('100 pollers', { seed, worst, used, refused: its.server.refused })
    expect(worst).toBeLessThan(1.2 * idealMs)
    expect(used).toBeGreaterThan(0.95)
    expect(its.server.refused).toBe(0)
    const counts = polled.startsMs.map(starts => starts.length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    await ended(its, polled)
  })

  test.each(seeds(2))('after 4 s in which nothing answers none is twice the ideal; seed %i', async seed => {
    const its = polling([fast, slow], seed)
    const polled = pollers(its, together(100, { everyMs: 1_000 }), { fromMs: 100_000, untilMs: 104_000 })
    await its.clock.advance(600_000)
    const worst = Math.max(...polled.startsMs.flatMap(starts => gapsMs(starts)))
    const later = Math.max(...polled.startsMs.flatMap(starts => gapsMs(starts, 300_000)))
    figure('after a stall', { seed, worst, later, refused: its.server.refused })
    expect(worst).toBeLessThan(2 * idealMs)
    expect(later).toBeLessThan(1.2 * idealMs)
    expect(its.server.refused).toBe(0)
    await ended(its, polled)
  })
})

describe('200 pollers that get a third of what they ask for', () => {
  // 200 every 4 s are 50 calls/s; the limit gives 16.7: one poll each in 12 s.
  test.each(seeds(2))('are as fresh as an ideal round robin; seed %i', async seed => {
    const its = polling([slow], seed)
    const polled = pollers(its, together(200, { everyMs: 4_000 }))
    await its.clock.advance(900_000)
    const { mean, worst } = agesMs(polled.startsMs, 60_000, 900_000)
    figure('200 pollers', { seed, mean: mean / 6_000, worst: worst / 6_000 })
    expect(mean).toBeLessThan(1.05 * 6_000)
    expect(worst).toBeLessThan(1.15 * 6_000)
    await ended(its, polled)
  })
})

describe('shares', () => {
  test('weights 1, 2 and 3 get one, two and three sixths', async () => {
    const its = polling([slow], 1)
    const plans = together(60, { everyMs: 500 }).map((plan, index) => ({ ...plan, weight: 1 + (index % 3) }))
    const polled = pollers(its, plans)
    await its.clock.advance(600_000)
    const counts = [0, 1, 2].map(rest => polled.startsMs.filter((_, i) => i % 3 === rest).map(({ length }) => length))
    const perWeight = counts.map((of, rest) => average(of) / (1 + rest))
    figure('weights', { counts: counts.map(average) })
    for (const of of counts) expect(Math.max(...of) - Math.min(...of)).toBeLessThanOrEqual(1)
    expect(Math.max(...perWeight) / Math.min(...perWeight)).toBeLessThan(1.02)
    await ended(its, polled)
  })

  test('who asks for less than a share gets it all, the others the rest evenly', async () => {
    const its = polling([slow], 1)
    // 16.7/s: ten modest ones want 1 in 10 s, 40 greedy ones 2/s each: (16.67 − 1) / 40 for each of these.
    const plans = together(50, { everyMs: 500 }).map((plan, i) => (i % 5 === 0 ? { ...plan, everyMs: 10_000 } : plan))
    const polled = pollers(its, plans)
    await its.clock.advance(600_000)
    const modest = polled.startsMs.filter((_, i) => i % 5 === 0).map(({ length }) => length)
    const greedy = polled.startsMs.filter((_, i) => i % 5 !== 0).map(({ length }) => length)
    figure('modest and greedy', { modest: average(modest), greedy: average(greedy) })
    expect(Math.min(...modest)).toBeGreaterThanOrEqual(58)
    expect(Math.max(...greedy) - Math.min(...greedy)).toBeLessThanOrEqual(1)
    expect(average(greedy)).toBeGreaterThan(0.98 * (600 / 40) * (1000 / 60 - 1))
    await ended(its, polled)
  })

  test('two limits at once: accounts that their own limit holds back leave the rest to the others', async () => {
    const perUid = tokenBucket({ name: 'uid', limit: 5, windowMs: 10_000, by: ['uid'] })
    const its = polling([slow, perUid], 1)
    // 30 pollers of one account share its 0.5/s; 32 accounts of one poller each would use 16/s: together 16.5 of 16.7.
    const crowd = Array.from({ length: 30 }, () => ({
      labels: { exchange: 'x', ip: 'a', uid: 'crowd' },
      everyMs: 1_000,
    }))
    const polled = pollers(its, [...crowd, ...together(32, { everyMs: 500 })])
    await its.clock.advance(600_000)
    const counts = polled.startsMs.map(({ length }) => length)
    const ofCrowd = counts.slice(0, 30)
    const ofOthers = counts.slice(30)
    figure('two limits', { crowd: ofCrowd.reduce((a, b) => a + b), others: average(ofOthers) })
    expect(Math.max(...ofCrowd) - Math.min(...ofCrowd)).toBeLessThanOrEqual(1)
    expect(ofCrowd.reduce((sum, count) => sum + count)).toBeGreaterThan(0.93 * 300)
    expect(Math.min(...ofOthers)).toBeGreaterThan(0.93 * 300)
    expect(its.server.refused).toBe(0)
    await ended(its, polled)
  })

  test('two limits, both short: each account its own, all of them the shared one', async () => {
    const perUid = tokenBucket({ name: 'uid', limit: 10, windowMs: 10_000, by: ['uid'] })
    const its = polling([slow, perUid], 1)
    // 10 accounts of 10 pollers each have 10 calls a second between them; 20 of one poller share the other 6.7.
    const plans = Array.from({ length: 120 }, (_, i) => ({
      labels: { exchange: 'x', ip: 'a', uid: `u${i < 100 ? i % 10 : i}` },
      everyMs: 500,
    }))
    const polled = pollers(its, plans)
    await its.clock.advance(600_000)
    const counts = polled.startsMs.map(({ length }) => length)
    const crowds = counts.slice(0, 100)
    const single = counts.slice(100)
    const used = its.server.acceptedBetween(60_000, 600_000) / 9_000
    figure('both short', { crowds: average(crowds), single: average(single), used })
    expect(used).toBeGreaterThan(0.95)
    expect(Math.min(...crowds)).toBeGreaterThan(0.95 * 60)
    expect(Math.min(...single)).toBeGreaterThan(0.95 * 200)
    expect(Math.max(...single) - Math.min(...single)).toBeLessThanOrEqual(1)
    await ended(its, polled)
  })

  test('dear calls: a token is a token, whoever spends it', async () => {
    const its = polling([slow], 1)
    const plans = together(60, { everyMs: 500 }).map((plan, i) =>
      i % 2 === 0 ? plan : { ...plan, request: { cost: 3 } },
    )
    const polled = pollers(its, plans)
    await its.clock.advance(600_000)
    const cheap = average(polled.startsMs.filter((_, i) => i % 2 === 0).map(({ length }) => length))
    const dear = average(polled.startsMs.filter((_, i) => i % 2 === 1).map(({ length }) => length))
    figure('dear calls', { cheap, dear })
    expect(cheap / dear).toBeGreaterThan(2.9)
    expect(cheap / dear).toBeLessThan(3.1)
    expect(cheap * 30 + dear * 90).toBeGreaterThan(0.95 * 10_000)
    await ended(its, polled)
  })

  test('higher priority has what it asks for, the rest share what is left', async () => {
    const its = polling([slow], 1)
    const plans = together(60, { everyMs: 2_000 }).map((plan, i) =>
      i < 20 ? { ...plan, request: { priority: 1 } } : plan,
    )
    const polled = pollers(its, plans)
    await its.clock.advance(600_000)
    const counts = polled.startsMs.map(({ length }) => length)
    figure('priorities', { high: average(counts.slice(0, 20)), low: average(counts.slice(20)) })
    expect(Math.min(...counts.slice(0, 20))).toBeGreaterThan(0.9 * 300)
    expect(Math.max(...counts.slice(20)) - Math.min(...counts.slice(20))).toBeLessThanOrEqual(1)
    expect(counts.reduce((a, b) => a + b)).toBeGreaterThan(0.95 * 10_000)
    await ended(its, polled)
  })
})

describe('quota', () => {
  const small: [name: string, limit: Limit, jitter: Jitter, least: number][] = [
    ['5 per second', tokenBucket({ name: 's', limit: 5, windowMs: 1_000, by: ['ip'] }), ORDINARY, 0.9],
    ['1 per second', tokenBucket({ name: 's', limit: 1, windowMs: 1_000, by: ['ip'] }), ORDINARY, 0.9],
    ['20 per 10 s, heavy tails', tokenBucket({ name: 's', limit: 20, windowMs: 10_000, by: ['ip'] }), HEAVY, 0.9],
    ['1000 per second', tokenBucket({ name: 's', limit: 1_000, windowMs: 1_000, by: ['ip'] }), ORDINARY, 0.9],
    [
      '5 per second, burst 2',
      tokenBucket({ name: 's', limit: 5, windowMs: 1_000, by: ['ip'], burst: 2 }),
      ORDINARY,
      0.85,
    ],
  ]
  test.each(small)('%s: pollers leave next to none of it idle', async (name, limit, jitter, least) => {
    const its = polling([limit], 1, {}, jitter)
    const polled = pollers(its, together(100, { everyMs: 50 }))
    const { limit: tokens, windowMs } = limit as { limit: number; windowMs: number }
    const forMs = Math.max(30_000, 20 * windowMs)
    await its.clock.advance(forMs + 10_000)
    const used = its.server.acceptedBetween(10_000, forMs + 10_000) / ((tokens * forMs) / windowMs)
    const counts = polled.startsMs.map(({ length }) => length)
    figure(name, { used, refused: its.server.refused, spread: Math.max(...counts) - Math.min(...counts) })
    expect(used).toBeGreaterThan(least)
    await ended(its, polled)
  })

  test('a ledger elsewhere: the same', async () => {
    const clock = virtualClock()
    const its = world([fast, slow], 1, ORDINARY, { coldStart: 'full', ledger: laterLedger(clock, () => 5) }, clock)
    const polled = pollers(its, together(100, { everyMs: 1_000 }))
    await its.clock.advance(600_000)
    const worst = Math.max(...polled.startsMs.flatMap(starts => gapsMs(starts, 60_000)))
    const used = its.server.acceptedBetween(60_000, 600_000) / 9_000
    figure('later ledger', { worst, used })
    expect(worst).toBeLessThan(1.3 * 6_000)
    expect(used).toBeGreaterThan(0.95)
    await ended(its, polled)
  })

  test('one-off calls burst past the pollers, which find their pace again', async () => {
    const its = polling([slow], 1)
    const polled = pollers(its, together(100, { everyMs: 1_000 }))
    await its.clock.advance(100_000)
    const beforeMs = its.clock.nowMs()
    const waits = Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        await its.call({ exchange: 'x', ip: 'a', uid: `once${i}` })
        return its.clock.nowMs() - beforeMs
      }),
    )
    await its.clock.advance(400_000)
    const worst = Math.max(...polled.startsMs.flatMap(starts => gapsMs(starts)))
    const later = Math.max(...polled.startsMs.flatMap(starts => gapsMs(starts, 300_000)))
    figure('one-off calls', { slowest: Math.max(...(await waits)), worst, later })
    expect(Math.max(...(await waits))).toBeLessThan(13_000)
    expect(later).toBeLessThan(1.2 * 6_000)
    await ended(its, polled)
  })

  test('after a hold of five minutes they come back one by one', async () => {
    const its = polling([slow], 1)
    const polled = pollers(its, together(100, { everyMs: 1_000 }))
    await its.clock.advance(100_000)
    its.scheduler.hold({ ip: 'a' }, { forMs: 300_000, reason: 'banned' })
    await its.clock.advance(100_000)
    expect(its.scheduler.snapshot().counters.queued).toBeLessThanOrEqual(1)
    await its.clock.advance(400_000)
    const later = polled.startsMs.flatMap(starts => gapsMs(starts, 420_000))
    const starts = polled.startsMs
      .flat()
      .filter(atMs => atMs > 200_000)
      .sort((a, b) => a - b)
    figure('after a hold', { worst: Math.max(...later), first: starts[0], tenth: starts[9], hundredth: starts[99] })
    expect(Math.max(...later)).toBeLessThan(1.2 * 6_000)
    expect((starts[99] as number) - (starts[0] as number)).toBeGreaterThan(0.9 * 99 * 60)
    expect(its.server.refused).toBe(0)
    await ended(its, polled)
  })
})

describe('what is asked for is less than the limits give', () => {
  test('every poller keeps its time, and none of a hundred wakes with another for long', async () => {
    const its = polling([tokenBucket({ name: 'wide', limit: 10_000, windowMs: 1_000, by: ['ip'] })], 1)
    const polled = pollers(its, together(100, { everyMs: 10_000 }))
    await its.clock.advance(300_000)
    const gaps = polled.startsMs.flatMap(starts => gapsMs(starts))
    expect(Math.min(...gaps)).toBeGreaterThan(9_999.999)
    expect(Math.max(...gaps)).toBeLessThan(1.11 * 10_000)
    const settled = polled.startsMs.flatMap(starts => gapsMs(starts, 200_000))
    expect(Math.max(...settled)).toBeLessThan(1.001 * 10_000)
    const phases = polled.startsMs.map(starts => (starts.at(-1) as number) % 10_000).sort((a, b) => a - b)
    const between = phases.map((phase, i) => (phases[i + 1] ?? (phases[0] as number) + 10_000) - phase)
    figure('spread', { widest: Math.max(...between), narrowest: Math.min(...between) })
    expect(Math.max(...between)).toBeLessThan(300)
    await ended(its, polled)
  })
})
