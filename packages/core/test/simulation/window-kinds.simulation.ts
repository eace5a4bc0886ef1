import { describe, expect, it } from 'vitest'
import { jitterLegs, type KindLoad, runKind, tokensBetween } from '../support/kind-load.ts'
import type { Kind } from '../support/kind-servers.ts'
import { average, figure, HEAVY, type Jitter, ORDINARY, seeds } from '../support/world.ts'

const SEEDS = seeds(4)
const FOR_MS = 300_000
/** Round trips are known by then. */
const FROM_MS = 60_000

async function shares(load: Omit<KindLoad, 'bursts' | 'legMs'>, jitter: Jitter, callers = 3 * load.limit) {
  const outcomes = await Promise.all(
    SEEDS.map(seed =>
      runKind({
        ...load,
        seed,
        legMs: jitterLegs(jitter),
        bursts: [{ fromMs: 0, untilMs: FOR_MS, callers }],
      }),
    ),
  )
  return {
    refused: outcomes.reduce((sum, { refused }) => sum + refused, 0),
    share: average(
      outcomes.map(outcome => {
        const windows = (FOR_MS - FROM_MS) / load.windowMs
        return tokensBetween(outcome, FROM_MS, FOR_MS) / (load.limit * windows)
      }),
    ),
  }
}

describe('saturated, each kind of window is used at least as well as a sliding one, and nothing is refused', () => {
  const KINDS: [Kind, Partial<KindLoad>, { ordinary: number; heavy: number }][] = [
    ['decay', {}, { ordinary: 0.999, heavy: 0.999 }],
    ['anchored', {}, { ordinary: 0.98, heavy: 0.93 }],
    ['aligned', { tellsTime: true }, { ordinary: 0.999, heavy: 0.985 }],
  ]
  it.each(KINDS)('%s %o', async (kind, more, least) => {
    for (const [name, jitter] of Object.entries({ ordinary: ORDINARY, heavy: HEAVY })) {
      for (const [limit, windowMs] of [
        [5, 1_000],
        [40, 3_000],
      ] as const) {
        const load = { kind, limit, windowMs, ...more }
        const told = await shares(load, jitter)
        const sliding = await shares({ ...load, toldKind: 'sliding' }, jitter)
        figure(`${kind} ${name} ${limit}/${windowMs}`, { more, told, sliding })
        expect(told.refused + sliding.refused).toBe(0)
        expect(told.share).toBeGreaterThanOrEqual(least[name as keyof typeof least])
        expect(told.share).toBeGreaterThanOrEqual(sliding.share - 0.002)
      }
    }
  })
})
