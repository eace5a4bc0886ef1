import { tokenBucket } from '@headgate/core'
import { expect, test } from 'vitest'
import { type Fate, goodFate, unreliable } from '../support/unreliable.ts'
import { figure, finish, ORDINARY, saturate, seeds, world } from '../support/world.ts'

const LIMIT = tokenBucket({ name: 'account', limit: 5, windowMs: 1_000, by: ['uid'] })
const LABELS = { exchange: 'x', ip: 'i', uid: 'u' }
const LOST_CALL_MS = 5_000
const TIMEOUT_MS = 10_000
const NEVER = Number.POSITIVE_INFINITY
const OPTIONS = { coldStart: 'full', lostCallMs: LOST_CALL_MS, timeoutMs: TIMEOUT_MS } as const

for (const [who, giveUpMs] of [
  ['the scheduler', NEVER],
  ['the task', 2_000],
] as const) {
  test(`requests lost, answers lost and requests that come late never put too many in a window (given up by ${who})`, async () => {
    for (const seed of seeds(10)) {
      const its = world([LIMIT], seed, ORDINARY, OPTIONS)
      const { clock, random, server } = its
      const lateFromMs = Math.min(giveUpMs, TIMEOUT_MS)
      const { call, sent } = unreliable(
        its,
        () => {
          const good = goodFate(its)
          const draw = random()
          if (draw < 0.02) return { arrivesAfterMs: NEVER, answeredAfterMs: NEVER }
          if (draw < 0.04) return { ...good, answeredAfterMs: NEVER }
          // Stuck on the way until after it was given up, at the worst as long as it may be.
          if (draw < 0.06)
            return { arrivesAfterMs: lateFromMs + LOST_CALL_MS * (draw < 0.05 ? random() : 1), answeredAfterMs: NEVER }
          return good
        },
        giveUpMs,
      )
      saturate(LABELS, 15, call, () => clock.nowMs() >= 300_000)
      await clock.advance(300_000)
      await finish(its)
      figure('calls lost here and there', { giveUpMs, seed, refused: server.refused, sent: sent.length })
      expect(server.violations(), `seed ${seed}`).toEqual([])
      expect(server.refused, `seed ${seed}`).toBe(0)
      // And calls went on.
      expect(sent.length, `seed ${seed}`).toBeGreaterThan(400)
    }
  })
}

interface Silence {
  fromMs: number
  toMs: number
}

/** Requests sent in the silence are stuck; `stuckMs` after they were given up they are dropped on the way. */
function silentFate(silence: Silence, sentAtMs: number, good: Fate, stuckMs: number): Fate {
  const { fromMs, toMs } = silence
  const arrivesAtMs = sentAtMs + good.arrivesAfterMs
  const answeredAtMs = sentAtMs + good.answeredAfterMs
  if (answeredAtMs < fromMs || sentAtMs >= toMs) return good
  if (arrivesAtMs < fromMs) return { ...good, answeredAfterMs: NEVER }
  const waitMs = toMs - sentAtMs
  if (waitMs <= TIMEOUT_MS - 100) return { arrivesAfterMs: waitMs, answeredAfterMs: waitMs + ORDINARY.baseMs }
  return { arrivesAfterMs: waitMs <= TIMEOUT_MS + stuckMs ? waitMs : NEVER, answeredAfterMs: NEVER }
}

test('after minutes of silence, requests stuck no longer than lostCallMs never put too many in a window', async () => {
  for (const seed of seeds(10)) {
    const its = world([LIMIT], seed, ORDINARY, OPTIONS)
    const { clock, random, server } = its
    const silence = { fromMs: 60_000, toMs: 180_000 + 60_000 * random() }
    const { call } = unreliable(its, sentAtMs => silentFate(silence, sentAtMs, goodFate(its), LOST_CALL_MS))
    saturate(LABELS, 15, call, () => clock.nowMs() >= 900_000)
    await clock.advance(900_000)
    await finish(its)
    expect(server.violations(), `seed ${seed}`).toEqual([])
    expect(server.refused, `seed ${seed}`).toBe(0)
    // What was stuck for minutes is waited for as long again; then all is as before.
    const quota = (100 * server.acceptedBetween(600_000, 900_000)) / 1_500
    figure('silence, healed', { seed, quota })
    expect(quota, `seed ${seed}`).toBeGreaterThanOrEqual(97)
  }
})

test('when all that was stuck in minutes of silence arrives at once, a window holds the limit and one for every probe', async () => {
  for (const seed of seeds(10)) {
    const its = world([LIMIT], seed, ORDINARY, OPTIONS)
    const { clock, random, server } = its
    const silence = { fromMs: 60_000, toMs: 180_000 + 60_000 * random() }
    const { call, sent } = unreliable(its, sentAtMs => silentFate(silence, sentAtMs, goodFate(its), NEVER))
    saturate(LABELS, 15, call, () => clock.nowMs() >= 600_000)
    await clock.advance(600_000)
    await finish(its)
    const stuck = server.arrivals.filter(({ atMs }) => atMs >= silence.toMs && atMs < silence.toMs + 1_000)
    const probes = sent.filter(
      ({ sentAtMs }) => sentAtMs >= silence.fromMs + TIMEOUT_MS && sentAtMs < silence.toMs + 1_000,
    )
    figure('silence, all stuck', { seed, arrivedAtOnce: stuck.length, probes: probes.length })
    expect(stuck.length, `seed ${seed}`).toBeLessThanOrEqual((LIMIT.limit as number) + probes.length)
    // One probe after the other: each is given up, and its request and its window are over, before the next goes.
    for (const [index, { sentAtMs }] of probes.entries()) {
      const before = probes[index - 1]
      if (before === undefined) continue
      expect(sentAtMs - before.sentAtMs, `seed ${seed}`).toBeGreaterThan(
        TIMEOUT_MS + LOST_CALL_MS + LIMIT.windowMs - 1e-6,
      )
    }
    // Before the heap arrived and after it, nothing was over.
    const others = server.arrivals.filter(({ atMs }) => atMs < silence.toMs || atMs >= silence.toMs + 1_000)
    expect(
      others.filter(({ accepted }) => !accepted),
      `seed ${seed}`,
    ).toEqual([])
  }
})

test('a few seconds of silence, shorter than the time-out, cost nothing but themselves', async () => {
  for (const seed of seeds(10)) {
    const its = world([LIMIT], seed, ORDINARY, OPTIONS)
    const { clock, server } = its
    const silence = { fromMs: 60_000, toMs: 66_000 }
    const { call } = unreliable(its, sentAtMs => silentFate(silence, sentAtMs, goodFate(its), NEVER))
    saturate(LABELS, 15, call, () => clock.nowMs() >= 120_000)
    await clock.advance(120_000)
    await finish(its)
    expect(server.violations(), `seed ${seed}`).toEqual([])
    expect((100 * server.acceptedBetween(70_000, 120_000)) / 250, `seed ${seed}`).toBeGreaterThanOrEqual(97)
  }
})

test('when one of the two addresses of an account falls silent, what is stuck there counts against the other', async () => {
  for (const seed of seeds(10)) {
    const its = world([LIMIT], seed, ORDINARY, OPTIONS)
    const { clock, server } = its
    const silence = { fromMs: 60_000, toMs: 74_000 }
    const { call } = unreliable(its, (sentAtMs, labels) =>
      labels['ip'] === 'silent' ? silentFate(silence, sentAtMs, goodFate(its), LOST_CALL_MS) : goodFate(its),
    )
    const isOver = () => clock.nowMs() >= 120_000
    saturate({ ...LABELS, ip: 'silent' }, 8, call, isOver)
    saturate({ ...LABELS, ip: 'other' }, 8, call, isOver)
    await clock.advance(120_000)
    await finish(its)
    expect(server.violations(), `seed ${seed}`).toEqual([])
    expect(server.refused, `seed ${seed}`).toBe(0)
  }
})
