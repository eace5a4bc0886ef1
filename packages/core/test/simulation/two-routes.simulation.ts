import { tokenBucket } from '@headgate/core'
import { expect, test } from 'vitest'
import { figure, finish, type Jitter, saturate, seeds, world } from '../support/world.ts'

const ACCOUNT = tokenBucket({ name: 'account', limit: 5, windowMs: 1_000, by: ['uid'] })
const SLOW: Jitter = { baseMs: 100, medianMs: 2, sigma: 0.7 }
const FAST: Jitter = { baseMs: 5, medianMs: 2, sigma: 0.7 }
const slow = { exchange: 'x', ip: 'slow', uid: 'u' }
const fast = { exchange: 'x', ip: 'fast', uid: 'u' }

test('an account that calls through a slow and a fast address is never refused', async () => {
  for (const seed of seeds(10)) {
    const its = world([ACCOUNT], seed, FAST, { coldStart: 'full' })
    const { clock, server, call } = its
    const isOver = () => clock.nowMs() >= 300_000
    saturate(slow, 6, labels => call(labels, SLOW), isOver)
    saturate(fast, 6, labels => call(labels, FAST), isOver)
    await clock.advance(300_000)
    await finish(its)
    figure('two routes', { seed, refused: server.refused, quota: (100 * server.acceptedBetween(0, 300_000)) / 1_500 })
    expect(server.refused, `seed ${seed}`).toBe(0)
    expect(server.violations()).toEqual([])
    // Both addresses were in use.
    expect(Math.min(...server.acceptedBy('ip').values()), `seed ${seed}`).toBeGreaterThan(100)
  }
})

test('what a slow address has taught is not believed of a fast one that joins it', async () => {
  for (const seed of seeds(10)) {
    const its = world([ACCOUNT], seed, FAST, { coldStart: 'full' })
    const { clock, server, call } = its
    saturate(
      slow,
      6,
      labels => call(labels, SLOW),
      () => clock.nowMs() >= 90_000,
    )
    await clock.advance(60_000)
    saturate(
      fast,
      6,
      labels => call(labels, FAST),
      () => clock.nowMs() >= 90_000,
    )
    await clock.advance(30_000)
    await finish(its)
    expect(server.refused, `seed ${seed}`).toBe(0)
    expect(server.violations()).toEqual([])
  }
})

test('an account that moves from a slow address to a fast one is not refused', async () => {
  for (const seed of seeds(10)) {
    const its = world([ACCOUNT], seed, FAST, { coldStart: 'full' })
    const { clock, server, call } = its
    saturate(
      slow,
      6,
      labels => call(labels, SLOW),
      () => clock.nowMs() >= 60_000,
    )
    await clock.advance(60_000)
    saturate(
      fast,
      6,
      labels => call(labels, FAST),
      () => clock.nowMs() >= 90_000,
    )
    await clock.advance(30_000)
    await finish(its)
    expect(server.refused, `seed ${seed}`).toBe(0)
  }
})

test('round trips over cold connections teach nothing of the route', async () => {
  /** A connection has to be opened first: two round trips more, and a certificate. */
  const HANDSHAKES_MS = 300
  for (const seed of seeds(10)) {
    const its = world([ACCOUNT], seed, FAST, { coldStart: 'full' })
    const { clock, scheduler, server, sleep, oneWayMs, call } = its
    const coldCall = () =>
      scheduler.schedule({ labels: fast }, async admission => {
        await sleep(HANDSHAKES_MS + oneWayMs())
        server.arrive(fast, clock.nowMs())
        await sleep(oneWayMs())
        admission.counted()
      })
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 5; i++) void coldCall()
      await clock.advance(3_000)
    }
    // Once more, and this time others wait behind them: those find the connections open, and arrive 300 ms sooner.
    for (let i = 0; i < 5; i++) void coldCall()
    saturate(fast, 12, call, () => clock.nowMs() >= 90_000)
    await clock.advance(30_000)
    await finish(its)
    expect(server.refused, `seed ${seed}`).toBe(0)
    expect(server.violations()).toEqual([])
  }
})
