import { tokenBucket } from '@headgate/core'
import { expect, test } from 'vitest'
import { average, figure, finish, HEAVY, type Jitter, ORDINARY, saturate, seeds, world } from '../support/world.ts'

const LIMIT = tokenBucket({ name: 'account', limit: 5, windowMs: 1_000, by: ['uid'] })
const MINUTES_10 = 600_000

interface Run {
  seed: number
  refused: number
  quota: number
}

async function tenMinutes(seed: number, jitter: Jitter, coldStart: 'full' | 'paced'): Promise<Run> {
  const its = world([LIMIT], seed, jitter, { coldStart })
  const { clock, server, call } = its
  const fromMs = coldStart === 'full' ? 0 : 2 * LIMIT.windowMs
  const untilMs = fromMs + MINUTES_10
  saturate({ exchange: 'x', ip: 'i', uid: 'u' }, 15, call, () => clock.nowMs() >= untilMs)
  await clock.advance(untilMs)
  await finish(its)
  const refused = server.refused
  // The judge and the server must be of one mind.
  expect(server.violations().length > 0, `seed ${seed}`).toBe(refused > 0)
  return { seed, refused, quota: (100 * server.acceptedBetween(fromMs, untilMs)) / (5 * 600) }
}

async function runsOf(jitter: Jitter, coldStart: 'full' | 'paced'): Promise<Run[]> {
  const runs: Run[] = []
  for (const seed of seeds(20)) runs.push(await tenMinutes(seed, jitter, coldStart))
  const quotas = runs.map(run => run.quota)
  figure(`one account, ${coldStart}, median ${jitter.medianMs} ms`, {
    refused: runs.filter(run => run.refused > 0),
    average: average(quotas),
    least: Math.min(...quotas),
  })
  return runs
}

for (const coldStart of ['full', 'paced'] as const) {
  test(`on an ordinary network no call is refused and 98 % of the quota is used (${coldStart} at first)`, async () => {
    const runs = await runsOf(ORDINARY, coldStart)
    expect(runs.filter(run => run.refused > 0)).toEqual([])
    expect(average(runs.map(run => run.quota))).toBeGreaterThanOrEqual(98)
    expect(runs.filter(run => run.quota < 97.8)).toEqual([])
  })
}

test('under a heavy tail at most one call in twenty runs is refused and 91 % of the quota is used', async () => {
  const runs = await runsOf(HEAVY, 'full')
  const refused = runs.filter(run => run.refused > 0)
  expect(
    refused.reduce((sum, run) => sum + run.refused, 0),
    JSON.stringify(refused),
  ).toBeLessThanOrEqual(runs.length / 20)
  expect(average(runs.map(run => run.quota))).toBeGreaterThanOrEqual(91)
})
