import { type Labels, tokenBucket } from '@headgate/core'
import { logNormal } from '@headgate/core/testing'
import { describe, expect, it } from 'vitest'
import { kindServer } from '../support/kind-servers.ts'
import { average, figure, HEAVY, type Jitter, ORDINARY, saturate, world } from '../support/world.ts'

const SEEDS = Array.from({ length: 20 }, (_, i) => i + 1)
const FOR_MS = 600_000
const EPOCH_MS = 1_700_000_000_000

interface Server {
  jitter: Jitter
  /** How much faster than the client's its clock runs. */
  drift?: number
  /** What its clock is set forward by, and when. */
  steps?: readonly { atMs: number; byMs: number }[]
  /** What its clock counts in. */
  tickMs?: number
  /** Whether its time stands in the body, which is read later than the headers. */
  inBody?: boolean
  /** The addresses that the account goes by. */
  ips?: readonly string[]
}

/** Five calls a second from a server that tells its time in every answer. */
async function run({ jitter, drift = 0, steps = [], tickMs = 1, inBody = false, ips = ['a'] }: Server, seed: number) {
  const limits = [tokenBucket({ name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] })]
  const { clock, random, scheduler, server, sleep } = world(limits, seed, jitter, { coldStart: 'full' })
  const oneWay = () => sleep(jitter.baseMs + logNormal(random, jitter.medianMs, jitter.sigma))
  const call = (labels: Record<string, string>) =>
    scheduler.schedule({ labels, retries: 0 }, async admission => {
      await oneWay()
      const atMs = clock.nowMs()
      const accepted = server.arrive(labels, atMs)
      const stepped = steps.reduce((sum, step) => sum + (step.atMs <= atMs ? step.byMs : 0), 0)
      const serverTimeMs = Math.floor((EPOCH_MS + atMs * (1 + drift) + stepped) / tickMs) * tickMs
      await oneWay()
      if (inBody) {
        admission.counted()
        await sleep(3)
      }
      admission.counted({ serverTimeMs })
      if (!accepted) admission.refused()
      return accepted
    })
  for (const ip of ips) saturate({ uid: '1', ip }, 10, call, () => clock.nowMs() >= FOR_MS)
  await clock.advance(FOR_MS)
  return { refused: server.refused, share: server.accepted / (5 * (FOR_MS / 1_000)) }
}

async function runAll(server: Server) {
  const outcomes = await Promise.all(SEEDS.map(seed => run(server, seed)))
  return {
    refused: outcomes.reduce((sum, outcome) => sum + outcome.refused, 0),
    share: outcomes.reduce((sum, outcome) => sum + outcome.share, 0) / outcomes.length,
  }
}

describe('a server that tells its time', () => {
  it.each([
    ['in the headers', { jitter: ORDINARY }, 0.986],
    ['in the body', { jitter: ORDINARY, inBody: true }, 0.986],
    ['behind a heavy tail', { jitter: HEAVY }, 0.94],
    ['by a clock that runs 50 ppm fast', { jitter: ORDINARY, drift: 50e-6 }, 0.98],
    ['by a clock that runs 50 ppm slow', { jitter: ORDINARY, drift: -50e-6 }, 0.98],
  ] satisfies [string, Server, number][])(
    '%s gets more of its quota used, and refuses nothing',
    async (told, server, share) => {
      const outcome = await runAll(server)
      figure('told by the server', { told, ...outcome })
      expect(outcome.refused).toBe(0)
      expect(outcome.share).toBeGreaterThanOrEqual(share)
    },
  )

  it.each([
    ['an hour forward', 3_600_000],
    ['an hour back', -3_600_000],
    ['a fifth of a second forward', 200],
    ['a fifth of a second back', -200],
  ])('is not believed any more when its clock is set %s', async (_, byMs) => {
    const outcome = await runAll({ jitter: ORDINARY, steps: [{ atMs: 300_000, byMs }] })
    expect(outcome.refused).toBe(0)
  })

  it('is not believed when its clock counts in seconds', async () => {
    const outcome = await runAll({ jitter: ORDINARY, tickMs: 1_000 })
    expect(outcome.refused).toBe(0)
  })

  it('is believed of its own way alone, where an account may go by another', async () => {
    const limits = [tokenBucket({ name: 'uid', limit: 4, windowMs: 1_000, by: ['uid'] })]
    const { clock, random, scheduler, server, sleep } = world(limits, 1, ORDINARY, { coldStart: 'full' })
    const ways: Record<string, [there: number, back: number]> = { a: [10, 10], b: [10, 100] }
    const call = (ip: string) =>
      scheduler.schedule({ labels: { uid: 'u', ip } }, async admission => {
        const [thereMs, backMs] = ways[ip] as [number, number]
        await sleep(thereMs + random())
        const atMs = clock.nowMs()
        const accepted = server.arrive({ uid: 'u', ip }, atMs)
        await sleep(backMs + random())
        admission.counted({ serverTimeMs: Math.floor(EPOCH_MS + atMs) })
        if (!accepted) admission.refused()
      })
    for (let round = 0; round < 200; round++) {
      for (const ip of round % 20 === 0 ? ['a', 'b'] : ['a']) {
        for (let i = 0; i < 4; i++) void call(ip)
        await clock.advance(1_500)
      }
      // The way there by one of them becomes much longer: its floor is still that of the last hour, its lead is not.
      if (round === 60) ways['a'] = [100, 10]
    }
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 4; i++) void call('a')
      await clock.advance(500)
      for (let i = 0; i < 4; i++) void call('b')
      await clock.advance(3_000)
    }
    expect(server.refused).toBe(0)
  })

  it.each([
    ['to another exchange, where a limit does not tell them apart', { exchange: 'x' }, { exchange: 'y' }],
    ['by an address that nobody used before', { exchange: 'x', ip: 'a' }, { exchange: 'x', ip: 'b' }],
  ])('is not believed of a quicker way %s', async (_, slow: Labels, quick: Labels) => {
    // Before the answers of the slow way, between them and what it told of the window's end, and after that.
    for (const afterMs of [300, 600, 1_100, 1_365, 1_390]) {
      const limits = [tokenBucket({ name: 'uid', limit: 4, windowMs: 1_000, by: ['uid'] })]
      const { clock, random, scheduler, server, sleep } = world(limits, 1, ORDINARY, { coldStart: 'full' })
      const call = (labels: Labels, thereMs: number) =>
        scheduler.schedule({ labels: { ...labels, uid: 'u' } }, async admission => {
          await sleep(thereMs + 0.1 * random())
          const atMs = clock.nowMs()
          const accepted = server.arrive({ uid: 'u' }, atMs)
          await sleep(1 + 0.1 * random())
          admission.counted({ serverTimeMs: Math.floor(EPOCH_MS + atMs) })
          if (!accepted) admission.refused()
        })
      const four = async (labels: Labels, thereMs: number, forMs: number) => {
        for (let i = 0; i < 4; i++) void call(labels, thereMs)
        await clock.advance(forMs)
      }
      for (let round = 0; round < 20; round++) await four(slow, 400, 2_000)
      // Counted after 400 ms: their window is over at 1400, and those that follow are there in one.
      await four(slow, 400, afterMs)
      await four(quick, 1, 3_000)
      expect(server.refused).toBe(0)
      expect(server.accepted).toBe(88)
    }
  })

  it('does not prove to a quicker way when an anchored window began', async () => {
    const limits = [tokenBucket({ name: 'uid', limit: 4, windowMs: 1_000, by: ['uid'], window: 'anchored' })]
    const { clock, random, scheduler, sleep } = world(limits, 1, ORDINARY, { coldStart: 'full' })
    const server = kindServer('anchored', 4, 1_000)
    let refused = 0
    const call = (ip: string, thereMs: number) =>
      scheduler.schedule({ labels: { exchange: 'x', ip, uid: 'u' } }, async admission => {
        await sleep(thereMs + 0.1 * random())
        const atMs = clock.nowMs()
        const accepted = server.arrive(atMs)
        await sleep(1 + 0.1 * random())
        admission.counted({ serverTimeMs: Math.floor(EPOCH_MS + atMs) })
        if (accepted) return
        refused++
        admission.refused()
      })
    const many = (count: number, ip: string, thereMs: number) => {
      for (let i = 0; i < count; i++) void call(ip, thereMs)
    }
    for (let round = 0; round < 20; round++) {
      many(4, 'a', 400)
      await clock.advance(2_000)
    }
    // It begins a window at 400, into which the quick ones come; those that follow them wait for its end.
    many(1, 'a', 400)
    await clock.advance(500)
    many(7, 'b', 1)
    await clock.advance(5_000)
    expect(refused).toBe(0)
    expect(scheduler.snapshot().counters.answered).toBe(88)
  })

  it.each([
    ['ordinary networks', ORDINARY, 0.968],
    ['heavy tails', HEAVY, 0.93],
  ])('gets more used of an account that goes by two addresses over %s', async (_, jitter, share) => {
    const shares: number[] = []
    for (const seed of SEEDS.slice(0, 5)) {
      const outcome = await run({ jitter, ips: ['a', 'b'] }, seed)
      expect(outcome.refused).toBe(0)
      shares.push(outcome.share)
    }
    figure('told by two addresses', { jitter, share: average(shares) })
    expect(average(shares)).toBeGreaterThanOrEqual(share)
  })

  it('is not believed of the way there while all connections are new', async () => {
    const limits = [tokenBucket({ name: 'uid', limit: 5, windowMs: 10_000, by: ['uid'] })]
    const { clock, scheduler, server, sleep } = world(limits, 1, ORDINARY, { coldStart: 'full' })
    let answeredAtMs = Number.NEGATIVE_INFINITY
    const call = (uid: string) =>
      scheduler.schedule({ labels: { uid } }, async admission => {
        // A handshake takes twice as long as the way there.
        const isWarm = clock.nowMs() - answeredAtMs <= 2_000
        await sleep(isWarm ? 50 : 150)
        const atMs = clock.nowMs()
        const accepted = server.arrive({ uid }, atMs)
        await sleep(2)
        answeredAtMs = clock.nowMs()
        admission.counted({ serverTimeMs: Math.floor(EPOCH_MS + atMs) })
        if (!accepted) admission.refused()
      })
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 5; i++) void call('u')
      await clock.advance(12_000)
    }
    for (let i = 0; i < 4; i++) void call('u')
    await clock.advance(100)
    void call('u')
    // An answer to somebody else leaves a connection open, just before the fifth token is back.
    await clock.advance(9_800)
    void call('other')
    await clock.advance(100)
    for (let i = 0; i < 5; i++) void call('u')
    await clock.advance(60_000)
    expect(server.refused).toBe(0)
    expect(server.accepted).toBe(111)
  })
})
