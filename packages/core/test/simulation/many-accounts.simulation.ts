import { type Limit, tokenBucket } from '@headgate/core'
import { expect, test } from 'vitest'
import { average, figure, finish, ORDINARY, saturate, seeds, world } from '../support/world.ts'

const ACCOUNT = tokenBucket({ name: 'account', limit: 5, windowMs: 1_000, by: ['uid'] })
const addressLimit = (limit: number) => tokenBucket({ name: 'address', limit, windowMs: 10_000, by: ['ip'] })

async function crowd(limits: readonly Limit[], accounts: number, untilMs: number, seed: number) {
  const its = world(limits, seed, ORDINARY, { coldStart: 'full' })
  const { clock, server, call } = its
  for (let i = 0; i < accounts; i++)
    saturate({ exchange: 'x', ip: 'i', uid: `u${i}` }, 3, call, () => clock.nowMs() >= untilMs)
  await clock.advance(untilMs)
  await finish(its)
  expect(server.violations()).toEqual([])
  return server
}

test('40 accounts fill the limit of their address, and none of their calls is refused', async () => {
  const quotas: number[] = []
  for (const seed of seeds(5)) {
    const server = await crowd([ACCOUNT, addressLimit(1_000)], 40, 600_000, seed)
    expect(server.refused, `seed ${seed}`).toBe(0)
    quotas.push((100 * server.acceptedBetween(0, 600_000)) / 60_000)
  }
  figure('40 accounts', { average: average(quotas), least: Math.min(...quotas) })
  expect(Math.min(...quotas)).toBeGreaterThanOrEqual(99.5)
})

test('60 accounts under a small limit of their address get the same number of calls, give or take one', async () => {
  for (const seed of seeds(5)) {
    // Not a multiple of the round: shares must be equal at any moment, not only at its end.
    const untilMs = 600_000 + 137 * seed
    const server = await crowd([ACCOUNT, addressLimit(300)], 60, untilMs, seed)
    const quota = (100 * server.acceptedBetween(0, untilMs)) / (30 * (untilMs / 1_000))
    figure('60 accounts', { quota, spread: server.spreadOver('uid') })
    expect(server.refused, `seed ${seed}`).toBe(0)
    expect(quota, `seed ${seed}`).toBeGreaterThanOrEqual(99.5)
    expect(server.acceptedBy('uid').size).toBe(60)
    expect(server.spreadOver('uid'), `seed ${seed}`).toBeLessThanOrEqual(1)
  }
})
