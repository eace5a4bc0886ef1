import { createScheduler, type Scheduler, tokenBucket } from '@headgate/core'
import { logNormal, seededRandom, virtualClock } from '@headgate/core/testing'
import { expect, test } from 'vitest'
import { ExactServer, figure, finish, ORDINARY, rulesOf, saturate, seeds, world } from '../support/world.ts'

const A = tokenBucket({ name: 'a', limit: 500, windowMs: 10_000, by: ['a'] })
const B = tokenBucket({ name: 'b', limit: 1_000, windowMs: 60_000, by: ['b'] })
const LANES = 6_000
/** A lane always has a call waiting, or its share would hang on how soon its answers come. */
const WIDTH = 3

type Shape = (index: number) => Record<string, string>
const SHAPES: Record<string, Shape> = {
  'all lanes draw on both': uid => ({ a: '1', b: '1', uid: `${uid}` }),
  'lanes draw on one, the other or both': uid =>
    uid % 3 === 0
      ? { a: '1', uid: `${uid}` }
      : uid % 3 === 1
        ? { b: '1', uid: `${uid}` }
        : { a: '1', b: '1', uid: `${uid}` },
  'a few draw on both, most on the wider one': uid =>
    uid % 20 === 0 ? { a: '1', b: '1', uid: `${uid}` } : { a: '1', uid: `${uid}` },
  'most draw on both, a few on the narrower one': uid =>
    uid % 20 === 0 ? { b: '1', uid: `${uid}` } : { a: '1', b: '1', uid: `${uid}` },
  'lanes of four accounts, with a bucket of its own each': uid => ({
    a: '1',
    b: '1',
    own: `${uid % 4}`,
    uid: `${uid}`,
  }),
}
const OWN = tokenBucket({ name: 'own', limit: 100, windowMs: 10_000, by: ['own'] })

interface Outcome {
  scheduler: Scheduler
  server: ExactServer
}

async function contend(shape: Shape, untilMs: number, seed: number): Promise<Outcome> {
  const clock = virtualClock()
  const random = seededRandom(seed)
  const limits = [A, B, OWN]
  const scheduler = createScheduler({ limits, clock, random, coldStart: 'full', maxQueued: WIDTH * LANES })
  const server = new ExactServer(rulesOf(limits))
  const oneWayMs = () => ORDINARY.baseMs + logNormal(random, ORDINARY.medianMs, ORDINARY.sigma)
  const sleep = (delayMs: number) => new Promise<void>(resolve => void clock.setTimer(resolve, delayMs))
  const starts = Array.from({ length: LANES }, (_, i) => {
    const labels = shape(i)
    const request = { labels, retries: 0 }
    const go = (): void => {
      if (clock.nowMs() >= untilMs) return
      void scheduler
        .schedule(request, async () => {
          await sleep(oneWayMs())
          server.arrive(labels, clock.nowMs())
          await sleep(oneWayMs())
        })
        .then(go, () => undefined)
    }
    return go
  })
  // One call of each first: before anybody waits, the limits go to whoever comes.
  for (let w = 0; w < WIDTH; w++) for (const go of starts) go()
  await clock.advance(untilMs)
  await finish({ scheduler, clock })
  return { scheduler, server }
}

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`6,000 lanes behind two saturated limits, ${name}: few judgements an admission, equal shares`, async () => {
    const { scheduler, server } = await contend(shape, 1_200_000, 1)
    const { judgements, admitted } = scheduler.snapshot().counters
    // Equals carry the same labels but for their account.
    const classes = new Map<string, Map<string, number>>()
    for (let i = 0; i < LANES; i++) {
      const { uid = '', ...rest } = shape(i)
      const key = JSON.stringify(rest)
      const counts = classes.get(key) ?? new Map<string, number>()
      classes.set(key, counts.set(uid, 0))
    }
    for (const { labels, accepted } of server.arrivals) {
      const { uid = '', ...rest } = labels
      const counts = classes.get(JSON.stringify(rest)) as Map<string, number>
      if (accepted) counts.set(uid, (counts.get(uid) as number) + 1)
    }
    const shares = [...classes].map(([key, counts]) => ({
      key,
      least: Math.min(...counts.values()),
      most: Math.max(...counts.values()),
    }))
    figure(`6,000 lanes, ${name}`, { judgementsPerAdmission: judgements / admitted, admitted, shares })
    expect(server.refused).toBe(0)
    expect(server.violations()).toEqual([])
    expect(judgements / admitted).toBeLessThanOrEqual(3)
    for (const { key, least, most } of shares) expect(most - least, key).toBeLessThanOrEqual(1)
  })
}

/** Accepted by value of a label, from when everybody waited: before that, the limit goes to whoever comes. */
function sharesOver(
  server: ExactServer,
  label: string,
  pick: (labels: Record<string, string>) => boolean = () => true,
): Map<string, number> {
  const shares = new Map<string, number>()
  for (const { labels, accepted, atMs } of server.arrivals) {
    const value = labels[label] as string
    if (accepted && atMs >= 2_500 && pick(labels)) shares.set(value, (shares.get(value) ?? 0) + 1)
  }
  return shares
}

const spreadOf = (shares: Map<string, number>) => Math.max(...shares.values()) - Math.min(...shares.values())

test('four endpoints do not give an account four shares', async () => {
  for (const seed of seeds(5)) {
    const address = tokenBucket({ name: 'address', limit: 50, windowMs: 5_000, by: ['ip'] })
    const its = world([address], seed, ORDINARY, { coldStart: 'full' })
    const { clock, server, call } = its
    const isOver = () => clock.nowMs() >= 300_000
    for (const endpoint of ['a', 'b', 'c', 'd'])
      saturate({ exchange: 'x', ip: 'i', uid: 'four', endpoint }, 20, call, isOver)
    saturate({ exchange: 'x', ip: 'i', uid: 'one', endpoint: 'a' }, 60, call, isOver)
    await clock.advance(300_000)
    await finish(its)
    const accounts = sharesOver(server, 'uid')
    const endpoints = sharesOver(server, 'endpoint', labels => labels['uid'] === 'four')
    figure('fairBy', {
      seed,
      accounts: [...accounts],
      endpoints: [...endpoints],
      quota: (100 * server.accepted) / 3_000,
    })
    expect(server.refused, `seed ${seed}`).toBe(0)
    expect(spreadOf(accounts), `seed ${seed}`).toBeLessThanOrEqual(1)
    expect(spreadOf(endpoints), `seed ${seed}`).toBeLessThanOrEqual(1)
  }
})

test('fairBy names any label: shares go by its values', async () => {
  const address = tokenBucket({ name: 'address', limit: 50, windowMs: 5_000, by: ['ip'] })
  const its = world([address], 1, ORDINARY, { coldStart: 'full', fairBy: 'team' })
  const { clock, server, call } = its
  const isOver = () => clock.nowMs() >= 300_000
  for (const uid of ['a', 'b', 'c']) saturate({ ip: 'i', uid, team: 'red' }, 20, call, isOver)
  saturate({ ip: 'i', uid: 'd', team: 'blue' }, 60, call, isOver)
  await clock.advance(300_000)
  await finish(its)
  expect(spreadOf(sharesOver(server, 'team'))).toBeLessThanOrEqual(1)
})

test('a call that costs much is not starved by those that cost little, under one shared limit or two', async () => {
  const address = tokenBucket({ name: 'address', limit: 50, windowMs: 5_000, by: ['ip'] })
  const exchange = tokenBucket({ name: 'exchange', limit: 90, windowMs: 10_000, by: ['exchange'] })
  for (const limits of [[address], [address, exchange]]) {
    const { clock, scheduler, server, sleep, oneWayMs, call } = world(limits, 1, ORDINARY, { coldStart: 'full' })
    const isOver = () => clock.nowMs() >= 300_000
    for (let i = 0; i < 10; i++) saturate({ exchange: 'x', ip: 'i', uid: `u${i}` }, 20, call, isOver)
    const waits: number[] = []
    const dear = { exchange: 'x', ip: 'i', uid: 'dear' }
    const callDear = (labels: Record<string, string>) =>
      scheduler.schedule({ labels, cost: 20 }, async admission => {
        waits.push(admission.waitedMs)
        await sleep(oneWayMs())
        server.arrive(labels, clock.nowMs(), 20)
        await sleep(oneWayMs())
      })
    saturate(dear, 1, callDear, isOver)
    await clock.advance(300_000)
    await finish({ scheduler, clock })
    figure('dear calls', { limits: limits.length, calls: waits.length, longestMs: Math.max(...waits) })
    expect(server.violations()).toEqual([])
    // Ten others have a turn each before it, and its own tokens take two fifths of a window to come together.
    expect(Math.max(...waits)).toBeLessThanOrEqual(2 * 10_000)
    expect(waits.length).toBeGreaterThanOrEqual(300_000 / 20_000)
  }
})
