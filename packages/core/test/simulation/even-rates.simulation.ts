import { tokenBucket } from '@headgate/core'
import { seededRandom } from '@headgate/core/testing'
import { expect, test } from 'vitest'
import { waterFilling } from '../support/water-filling.ts'
import { figure, finish, ORDINARY, seeds, world } from '../support/world.ts'

/** Every poller asks for more than any share; by what is drawn. */
const EVERY_MS = 50
const FROM_MS = 120_000
const FOR_MS = 600_000

interface Plan {
  readonly limits: readonly string[]
  readonly weight: number
  readonly cost: number
}

/** Ten to thirty pollers on two limits, on one of them or on both. */
function someWorld(seed: number) {
  const random = seededRandom(seed)
  const int = (from: number, to: number) => from + Math.floor(random() * (to - from + 1))
  const limits = ['l0', 'l1'].map(name => {
    const windowMs = [10_000, 60_000][int(0, 1)] as number
    return { name, windowMs, limit: int(2, 10) * (windowMs / 1_000) + int(0, 9) }
  })
  const plans = Array.from({ length: int(10, 30) }, (): Plan => {
    const own = [['l0'], ['l1'], ['l0', 'l1'], ['l1', 'l0']][int(0, 3)] as string[]
    return { limits: own, weight: int(1, 5), cost: random() < 0.5 ? 1 : int(1, 3) }
  })
  return { limits, plans }
}

test.each(seeds(12))(
  'of two limits every poller has its max-min share by weight, within 5 %, over ten minutes; world %i',
  async seed => {
    const { limits, plans } = someWorld(seed)
    const its = world(
      limits.map(limit => tokenBucket({ ...limit, by: [limit.name] })),
      seed,
      ORDINARY,
      { coldStart: 'full' },
    )
    const abort = new AbortController()
    const counts = plans.map(() => 0)
    for (const [index, { limits: own, weight, cost }] of plans.entries()) {
      const labels = Object.fromEntries(own.map(name => [name, 'x']))
      const readings = its.scheduler.poll(
        { labels, cost, retries: 0 },
        async admission => {
          if (its.clock.nowMs() >= FROM_MS) counts[index] = (counts[index] as number) + 1
          await its.sleep(its.oneWayMs())
          if (!its.server.arrive(labels, its.clock.nowMs(), cost)) admission.refused()
          await its.sleep(its.oneWayMs())
        },
        { everyMs: EVERY_MS, weight, signal: abort.signal },
      )
      void (async () => {
        for await (const _ of readings);
      })()
    }
    await its.clock.advance(FROM_MS + FOR_MS)

    const drawers = plans.map(plan => ({ ...plan, wants: 1_000 / EVERY_MS }))
    const drawn = (name: string, rates: readonly number[]) =>
      plans.reduce((sum, plan, i) => sum + (plan.limits.includes(name) ? plan.cost * (rates[i] as number) : 0), 0)
    const given = new Map(limits.map(({ name, limit, windowMs }) => [name, (limit * 1_000) / windowMs]))
    const rates = counts.map(count => (count * 1_000) / FOR_MS)
    // What no client can use of an exact window, for the round trip, is nobody's share.
    const used = new Map([...given].map(([name, tokens]) => [name, Math.min(tokens, drawn(name, rates))]))
    const ideal = waterFilling(drawers, given)
    for (const [name, tokens] of given) {
      if (drawn(name, ideal) > 0.99 * tokens) expect(drawn(name, rates)).toBeGreaterThan(0.93 * tokens)
      else used.set(name, tokens)
    }
    const shares = waterFilling(drawers, used).map(rate => (rate * FOR_MS) / 1_000)
    // One call more or less at the edges.
    const off = counts.map(
      (count, i) => Math.max(0, Math.abs(count - (shares[i] as number)) - 1) / (shares[i] as number),
    )
    figure('even rates', { seed, worst: Math.max(...off), used: [...used.values()] })
    expect(Math.max(...off)).toBeLessThan(0.05)
    expect(its.server.refused).toBe(0)
    abort.abort()
    await finish(its)
  },
)
