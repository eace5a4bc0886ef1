import process from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createScheduler, tokenBucket } from '@headgate/core'
import { logNormal, seededRandom, virtualClock } from '@headgate/core/testing'
import { expect, test } from 'vitest'
import { figure, finish } from '../support/world.ts'

/** HEADGATE_SOAK_HOURS=24 is the long run: 1.7 million calls. */
const HOURS = Number(process.env['HEADGATE_SOAK_HOURS'] || '1')
const HOUR_MS = 3_600_000

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes in use, once whatever can go has gone. */
function heapBytes(): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

test(`100 pollers, 20 calls a second, for ${HOURS} h: memory stays, and close() leaves no timer`, async () => {
  const clock = virtualClock()
  const random = seededRandom(1)
  const scheduler = createScheduler({
    limits: [
      tokenBucket({ name: 'ip', limit: 1_200, windowMs: 60_000, by: ['ip'] }),
      tokenBucket({ name: 'uid', limit: 50, windowMs: 10_000, by: ['uid'] }),
    ],
    clock,
    random,
  })
  const sleep = (ms: number) => new Promise<void>(resolve => void clock.setTimer(resolve, ms))
  let good = 0
  let bad = 0
  for (let i = 0; i < 100; i++) {
    const readings = scheduler.poll(
      { labels: { exchange: 'x', ip: 'a', uid: `u${i % 20}`, endpoint: `e${i}` } },
      async admission => {
        await sleep(10 + logNormal(random, 10, 1))
        if (random() < 0.001) throw new TypeError('fetch failed')
        if (random() < 0.0001) admission.refused({ holdMs: 30_000, by: ['uid'] })
      },
      { everyMs: 4_000, maxAgeMs: 20_000 },
    )
    void (async () => {
      for await (const reading of readings) {
        if (reading.ok) good++
        else bad++
      }
    })()
  }
  // What is compiled and cached comes in the first part; holds and losses come and go.
  await clock.advance(HOURS > 1 ? HOUR_MS : HOUR_MS / 2)
  const before = heapBytes()
  await clock.advance(HOURS > 1 ? (HOURS - 1) * HOUR_MS : HOUR_MS / 2)
  const after = heapBytes()
  figure('soak', { hours: HOURS, good, bad, before, after, grown: after / before - 1 })
  expect(after).toBeLessThan(1.05 * before)
  expect(good).toBeGreaterThan(0.95 * HOURS * 72_000)
  await finish({ scheduler, clock })
  expect(clock.pendingTimers).toBe(0)
  expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0, running: 0 } })
}, 3_600_000)
