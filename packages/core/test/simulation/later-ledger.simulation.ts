import { tokenBucket } from '@headgate/core'
import { seededRandom, virtualClock } from '@headgate/core/testing'
import { expect, test } from 'vitest'
import { laterLedger } from '../support/later-ledger.ts'
import { average, figure, finish, ORDINARY, saturate, seeds, world } from '../support/world.ts'

const ACCOUNT = tokenBucket({ name: 'account', limit: 5, windowMs: 1_000, by: ['uid'] })
const ADDRESS = tokenBucket({ name: 'address', limit: 1_000, windowMs: 10_000, by: ['ip'] })

/** A world whose ledger is 0.2 to 3 ms away. */
function farWorld(limits: Parameters<typeof world>[0], seed: number) {
  const clock = virtualClock()
  const random = seededRandom(1_000 + seed)
  const ledger = laterLedger(clock, () => 0.2 + 2.8 * random() ** 2)
  return world(limits, seed, ORDINARY, { coldStart: 'full', ledger }, clock)
}

test('one account over a ledger elsewhere: nothing is refused, and only the way to the ledger costs quota', async () => {
  const quotas: number[] = []
  for (const seed of seeds(10)) {
    const its = farWorld([ACCOUNT], seed)
    const { clock, server, call } = its
    saturate({ exchange: 'x', ip: 'i', uid: 'u' }, 15, call, () => clock.nowMs() >= 300_000)
    await clock.advance(300_000)
    await finish(its)
    expect(server.violations(), `seed ${seed}`).toEqual([])
    expect(server.refused, `seed ${seed}`).toBe(0)
    quotas.push((100 * server.acceptedBetween(0, 300_000)) / 1_500)
  }
  figure('one account, ledger elsewhere', { average: average(quotas), least: Math.min(...quotas) })
  expect(average(quotas)).toBeGreaterThanOrEqual(97)
})

test('40 accounts over a ledger elsewhere: nothing is refused, shares are equal', async () => {
  for (const seed of seeds(2)) {
    const its = farWorld([ACCOUNT, ADDRESS], seed)
    const { clock, server, call } = its
    const isOver = () => clock.nowMs() >= 120_000
    for (let i = 0; i < 40; i++) saturate({ exchange: 'x', ip: 'i', uid: `u${i}` }, 3, call, isOver)
    await clock.advance(120_000)
    await finish(its)
    const quota = (100 * server.acceptedBetween(0, 120_000)) / 12_000
    figure('40 accounts, ledger elsewhere', { quota, spread: server.spreadOver('uid') })
    expect(server.violations(), `seed ${seed}`).toEqual([])
    expect(quota, `seed ${seed}`).toBeGreaterThanOrEqual(99)
    expect(server.spreadOver('uid'), `seed ${seed}`).toBeLessThanOrEqual(1)
  }
})

test('calls aborted while the ledger judges them are never sent, and give their tokens back', async () => {
  for (const seed of seeds(10)) {
    const its = farWorld([ACCOUNT, ADDRESS], seed)
    const { clock, random, scheduler, server, sleep, oneWayMs } = its
    let settled = 0
    let accepted = 0
    const started = new Map<number, number>()
    const abortedBeforeStart = new Set<number>()
    const untilMs = 60_000
    for (let atMs = 0; atMs < untilMs; atMs += 40) {
      await clock.advance(40)
      const id = accepted++
      const labels = { exchange: 'x', ip: 'i', uid: `u${Math.floor(4 * random())}` }
      const controller = new AbortController()
      // A third is taken back, most of them while their decision is on its way.
      if (random() < 0.33) {
        const abort = () => {
          if (!started.has(id)) abortedBeforeStart.add(id)
          controller.abort()
        }
        clock.setTimer(abort, random() < 0.7 ? 4 * random() : 500 * random())
      }
      scheduler
        .schedule({ labels, signal: controller.signal }, async admission => {
          started.set(id, (started.get(id) ?? 0) + 1)
          await sleep(oneWayMs())
          server.arrive(labels, clock.nowMs())
          await sleep(oneWayMs())
          admission.counted()
        })
        .then(
          () => settled++,
          () => settled++,
        )
    }
    let drained = false
    void scheduler.drain().then(() => {
      drained = true
    })
    await clock.runAll(60_000)
    expect(server.violations(), `seed ${seed}`).toEqual([])
    expect(
      [...started.values()].filter(times => times !== 1),
      `seed ${seed}`,
    ).toEqual([])
    expect(
      [...abortedBeforeStart].filter(id => started.has(id)),
      `seed ${seed}`,
    ).toEqual([])
    expect(abortedBeforeStart.size, `seed ${seed}`).toBeGreaterThan(100)
    expect(settled, `seed ${seed}`).toBe(accepted)
    expect(drained, `seed ${seed}`).toBe(true)
    await clock.advance(60_000)
    const { buckets, lanes, counters } = scheduler.snapshot()
    expect(
      buckets.filter(({ free, limit, inFlight }) => free !== limit || inFlight !== 0),
      `seed ${seed}`,
    ).toEqual([])
    expect(lanes).toEqual([])
    expect(counters).toMatchObject({ queued: 0, running: 0 })
    expect(clock.pendingTimers).toBe(0)
  }
})
