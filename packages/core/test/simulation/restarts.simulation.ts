import { type ColdStart, createScheduler, tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { ExactServer, figure, ORDINARY, rulesOf, saturate, seeds, world } from '../support/world.ts'

const LABELS = { exchange: 'x', ip: 'i', uid: 'u', endpoint: 'e' }
const RESTARTS = 60
const DOWN_MS = 50
const perEndpoint = (limit: number, windowMs: number) =>
  tokenBucket({ name: 'endpoint', limit, windowMs, by: ['uid', 'endpoint'] })
const perAddress = (limit: number, windowMs: number) => tokenBucket({ name: 'address', limit, windowMs, by: ['ip'] })

/** One bucket in command, or both by turns. */
const LIMITS = [
  [perEndpoint(5, 1_000)],
  [perEndpoint(30, 2_000)],
  [perEndpoint(1, 1_000)],
  [perEndpoint(5, 1_000), perAddress(45, 10_000)],
]

/**
 * A client that is killed while it uses its whole quota, and started again {@link DOWN_MS} later, over and over. What was
 * under way when it was killed still arrives.
 * @returns how many calls of each life were refused
 */
async function restarts(seed: number, limits: (typeof LIMITS)[number], coldStart: ColdStart, leastMs: number) {
  const { clock, random, sleep, oneWayMs } = world(limits, seed)
  const server = new ExactServer(rulesOf(limits))
  const windowMs = Math.max(...limits.map(limit => limit.windowMs))
  const refused: number[] = []
  for (let n = 0; n <= RESTARTS; n++) {
    const scheduler = createScheduler({ limits, clock, random, coldStart })
    let alive = true
    let ofThisLife = 0
    const call = (labels: Record<string, string>) =>
      scheduler.schedule({ labels, retries: 3 }, async admission => {
        if (!alive) return
        await sleep(oneWayMs(ORDINARY))
        const accepted = server.arrive(labels, clock.nowMs())
        if (!accepted) ofThisLife++
        await sleep(oneWayMs(ORDINARY))
        admission.counted()
        if (!accepted) admission.refused()
      })
    saturate(LABELS, 40, call, () => !alive)
    await clock.advance(leastMs + 4 * windowMs * random())
    alive = false
    await clock.advance(DOWN_MS)
    refused.push(ofThisLife)
    void scheduler.close()
  }
  return { refused: refused.slice(1), accepted: server.accepted }
}

describe.each(
  LIMITS.map(limits => [limits.map(({ limit, windowMs }) => `${limit}/${windowMs}`).join(' and '), limits]),
)('killed while it uses its whole quota and started again 50 ms later, 60 times: %s', (name, given) => {
  const limits = given as (typeof LIMITS)[number]
  const windowMs = Math.max(...limits.map(limit => limit.windowMs))

  test('spent: nothing is refused', async () => {
    for (const seed of seeds(2)) {
      // Nothing goes for a window and lostCallMs.
      const { refused, accepted } = await restarts(seed, limits, 'spent', windowMs + 5_000)
      figure('restarts, spent', { name, seed, refused: refused.filter(n => n > 0).length, accepted })
      expect(refused, `seed ${seed}`).toStrictEqual(Array(RESTARTS).fill(0))
    }
  })

  test('paced: nothing in nine of ten, else at most one flight', async () => {
    for (const seed of seeds(2)) {
      for (const leastMs of [0, 4 * windowMs]) {
        const { refused, accepted } = await restarts(seed, limits, 'paced', leastMs)
        figure('restarts, paced', { name, seed, leastMs, refused: refused.filter(n => n > 0), accepted })
        expect(refused.filter(n => n > 0).length, `seed ${seed}`).toBeLessThanOrEqual(RESTARTS / 10)
        // What is sent in a round trip at the pace of a cold start, in each of the buckets.
        expect(Math.max(...refused), `seed ${seed}`).toBeLessThanOrEqual(2 * limits.length)
      }
    }
  })
})
