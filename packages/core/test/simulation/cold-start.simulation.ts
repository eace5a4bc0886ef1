import { createScheduler, tokenBucket } from '@headgate/core'
import { expect, test } from 'vitest'
import { figure, finish, ORDINARY, saturate, seeds, type World, world } from '../support/world.ts'

const LIMIT = tokenBucket({ name: 'account', limit: 20, windowMs: 2_000, by: ['uid'] })
const LABELS = { exchange: 'x', ip: 'i', uid: 'u' }
const PREDECESSOR = { ...LABELS, ip: 'predecessor' }
const DIED_AT_MS = 10_000
const UNTIL_MS = 60_000

/** A predecessor on the same server, which dies at {@link DIED_AT_MS}; its requests that are under way still arrive. */
async function predecessor(its: World, isEven: boolean): Promise<void> {
  const { clock, server, random, oneWayMs } = its
  if (isEven) {
    for (let atMs = 0; atMs < DIED_AT_MS; atMs += 100)
      clock.setTimer(() => void server.arrive(PREDECESSOR, clock.nowMs()), atMs + oneWayMs())
  } else {
    // The whole quota of its last window in its last moment.
    for (let i = 0; i < 20; i++)
      clock.setTimer(() => void server.arrive(PREDECESSOR, clock.nowMs()), DIED_AT_MS - 100 * random() + oneWayMs())
  }
  await clock.advance(DIED_AT_MS)
}

async function takeOver(seed: number, coldStart: 'paced' | 'spent' | 'full', isEven: boolean) {
  const idle = world([LIMIT], seed)
  await predecessor(idle, isEven)
  const { clock, server, random, sleep, oneWayMs } = idle
  const scheduler = createScheduler({ limits: [LIMIT], clock, random, coldStart })
  const call = (labels: Record<string, string>) =>
    scheduler.schedule({ labels, retries: 3 }, async admission => {
      await sleep(oneWayMs(ORDINARY))
      const accepted = server.arrive(labels, clock.nowMs())
      await sleep(oneWayMs(ORDINARY))
      admission.counted()
      if (!accepted) admission.refused()
    })
  saturate(LABELS, 50, call, () => clock.nowMs() >= UNTIL_MS)
  await clock.advance(UNTIL_MS - DIED_AT_MS)
  await finish({ scheduler, clock })
  const ours = server.arrivals.filter(({ labels }) => labels['ip'] === LABELS.ip)
  return { server, ours, refused: ours.filter(({ accepted }) => !accepted) }
}

for (const isEven of [true, false]) {
  const how = isEven ? 'evenly' : 'all at once at the end'
  test(`spent: nothing is refused after a predecessor that used its whole quota ${how}`, async () => {
    for (const seed of seeds(10)) {
      const { refused, ours } = await takeOver(seed, 'spent', isEven)
      expect(refused, `seed ${seed}`).toEqual([])
      expect((ours[0]?.atMs as number) - DIED_AT_MS, `seed ${seed}`).toBeGreaterThanOrEqual(7_000)
    }
  })
}

test('paced: nothing is refused after a predecessor that used its whole quota evenly', async () => {
  for (const seed of seeds(10)) {
    const { refused, ours } = await takeOver(seed, 'paced', true)
    expect(refused.length, `seed ${seed}`).toBe(0)
    // Half the quota in the first window, all of it by the end of the second.
    const inFirst = ours.filter(({ atMs }) => atMs < DIED_AT_MS + 2_000).length
    expect(inFirst, `seed ${seed}`).toBeGreaterThanOrEqual(8)
    expect(inFirst, `seed ${seed}`).toBeLessThanOrEqual(10)
  }
})

test('paced: after a predecessor that used its whole quota at its end, one refusal empties the bucket, and that was all', async () => {
  for (const seed of seeds(10)) {
    const { server, refused, ours } = await takeOver(seed, 'paced', false)
    figure('paced after a bunch', { seed, refused: refused.length })
    expect(refused.length, `seed ${seed}`).toBeGreaterThan(0)
    // One call every 200 ms, and an answer takes less: what else was under way when the refusal came in.
    expect(refused.length, `seed ${seed}`).toBeLessThanOrEqual(2)
    const atMs = refused[0]?.atMs as number
    expect(
      ours.filter(call => call.atMs > atMs + 250 && call.atMs < atMs + 7_000),
      `seed ${seed}`,
    ).toEqual([])
    const quota = (100 * server.acceptedBetween(20_000, UNTIL_MS)) / 400
    expect(quota, `seed ${seed}`).toBeGreaterThanOrEqual(97)
  }
})

test('full: the whole limit goes at once, and with nothing before it nothing is refused', async () => {
  for (const seed of seeds(10)) {
    const its = world([LIMIT], seed, ORDINARY, { coldStart: 'full' })
    const { clock, server, call } = its
    saturate(LABELS, 50, call, () => clock.nowMs() >= 30_000)
    await clock.advance(30_000)
    await finish(its)
    expect(server.acceptedBetween(0, 1_000), `seed ${seed}`).toBe(20)
    expect(server.violations(), `seed ${seed}`).toEqual([])
  }
})

test('paced: with nothing before it the quota is reached after two windows, and nothing is refused', async () => {
  for (const seed of seeds(10)) {
    const its = world([LIMIT], seed)
    const { clock, server, call } = its
    saturate(LABELS, 50, call, () => clock.nowMs() >= 30_000)
    await clock.advance(30_000)
    await finish(its)
    expect(server.violations(), `seed ${seed}`).toEqual([])
    expect(server.acceptedBetween(0, 200), `seed ${seed}`).toBe(0)
    expect(server.acceptedBetween(0, 4_100), `seed ${seed}`).toBeGreaterThanOrEqual(20)
  }
})

test('a bucket that is first used two windows after the start is full', async () => {
  const its = world([LIMIT], 1)
  const { clock, server, call } = its
  await clock.advance(4_000)
  saturate(LABELS, 20, call, () => true)
  for (let i = 0; i < 20; i++) void call(LABELS)
  await clock.advance(1_000)
  expect(server.accepted).toBe(20)
  await finish(its)
})
