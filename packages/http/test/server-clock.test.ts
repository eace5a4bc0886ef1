import { virtualClock } from '@headgate/core/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ServerClock, type TimeSample } from '../src/server-clock.ts'

const EPOCH_MS = 1_767_225_600_000

/** A clock that was asked once over a way of `wayMs` there and as much back. */
async function synced(wayMs = 20, aheadMs = 0) {
  const clock = virtualClock({ epochMs: EPOCH_MS - 3_600_000 })
  const serverMs = () => clock.nowMs() + EPOCH_MS + aheadMs
  let isMute = false
  const known: ServerClock = new ServerClock({
    clock,
    waitMs: 10_000,
    failed: () => {},
    ask: async () => {
      if (isMute) throw new Error('broken')
      const sentAtMs = clock.nowMs()
      await new Promise<void>(resolve => clock.setTimer(resolve, wayMs))
      const serverTimeMs = Math.floor(serverMs())
      await new Promise<void>(resolve => clock.setTimer(resolve, wayMs))
      known.heard({ serverTimeMs, sentAtMs, receivedAtMs: clock.nowMs(), asked: true })
    },
  })
  const ready = known.ready(Number.POSITIVE_INFINITY)
  await clock.advance(10 * wayMs)
  await ready
  /** An answer to a call that went `thereMs` and came `backMs`, and took `insideMs` after its time was taken. */
  const sample = (serverTimeMs: number, ways: { thereMs?: number; backMs?: number } = {}): TimeSample => {
    const { thereMs = 20, backMs = 20 } = ways
    return {
      serverTimeMs,
      sentAtMs: clock.nowMs() - thereMs - backMs,
      receivedAtMs: clock.nowMs(),
      asked: false,
    }
  }
  const told = (ageMs: number) => Math.floor(serverMs() - ageMs)
  const mute = () => {
    isMute = true
  }
  return { clock, known, serverMs, sample, told, mute }
}

describe('the distance of the clocks', () => {
  it('is bounded by half a round trip, and no more once it is known better', async () => {
    const { known, serverMs, sample, told } = await synced(30)
    expect(Math.abs(known.epochMs() - serverMs())).toBeLessThanOrEqual(known.errorMs() + 1)
    expect(known.errorMs()).toBeCloseTo(30.5, 1)
    known.heard(sample(told(5), { thereMs: 5, backMs: 5 }))
    expect(known.errorMs()).toBeLessThan(6)
    known.heard(sample(told(400), { thereMs: 400, backMs: 400 }))
    expect(known.errorMs()).toBeLessThan(6)
  })

  it('holds the truth, whatever the ways are like', async () => {
    const way = fc.integer({ min: 0, max: 2_000 })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ thereMs: way, backMs: way, pauseMs: way })), async ways => {
        const { clock, known, serverMs, sample, told } = await synced(25)
        for (const { thereMs, backMs, pauseMs } of ways) {
          await clock.advance(pauseMs)
          known.heard(sample(told(backMs), { thereMs, backMs }))
          expect(Math.abs(known.epochMs() - serverMs())).toBeLessThanOrEqual(known.errorMs() + 1)
        }
      }),
      { numRuns: 50 },
    )
  })

  it('grows with time: clocks drift', async () => {
    const { clock, known } = await synced()
    const before = known.errorMs()
    await clock.advance(600_000)
    expect(known.errorMs() - before).toBeCloseTo(120, 0)
  })

  it('is not moved by an answer that contradicts it', async () => {
    const { known, sample, told } = await synced()
    const before = known.epochMs()
    for (const awayMs of [-86_400_000, -2_000, -300, 300, 2_000, 86_400_000]) {
      expect(known.heard(sample(told(20) + awayMs))).toBe(false)
      expect(known.epochMs()).toBe(before)
    }
  })

  it('is taken from a refused call when the server does not answer, but only where that contradicts what is known', async () => {
    for (const [awayMs, moved] of [
      [0, false],
      [-60_000, true],
    ] as const) {
      const { clock, known, serverMs, sample, told, mute } = await synced()
      await clock.advance(60_000)
      mute()
      const before = known.epochMs()
      // Nine seconds under way, and refused for that: the clock was right.
      const said = sample(told(20) + awayMs, { thereMs: 9_000, backMs: 20 })
      await known.resync(said.sentAtMs, said)
      expect(known.epochMs() !== before).toBe(moved)
      if (!moved) expect(Math.abs(known.epochMs() - serverMs())).toBeLessThanOrEqual(known.errorMs() + 1)
    }
  })

  it('is asked for again after an answer that is off by over a second', async () => {
    const { clock, known, sample, told } = await synced()
    expect(known.ready(0)).toBeUndefined()
    known.heard(sample(told(20) + 5_000))
    const before = clock.pendingTimers
    expect(known.ready(0)).toBeUndefined()
    // It is asked, and nobody waits.
    expect(clock.pendingTimers).toBe(before + 1)
  })
})

describe('the gate is told of the time of an answer', () => {
  it('that lies between sending and receiving', async () => {
    const { clock, known, sample, told } = await synced()
    await clock.advance(7)
    expect(known.heard(sample(told(20)))).toBe(true)
  })

  it.each<[string, (it: Awaited<ReturnType<typeof synced>>) => TimeSample]>([
    ['in seconds', ({ sample, told }) => sample(Math.floor(told(20) / 1000))],
    ['in whole seconds', ({ sample, told }) => sample(Math.floor(told(20) / 1000) * 1000)],
    ['in whole tenths of one', ({ sample, told }) => sample(Math.floor(told(20) / 100) * 100)],
    ['in whole hundredths of one', ({ sample, told }) => sample(Math.floor(told(20) / 10) * 10)],
    ['in microseconds', ({ sample, told }) => sample(told(20) * 1000)],
    ['from a cache', ({ sample, told }) => sample(told(60_000))],
    ['of another day', ({ sample, told }) => sample(told(-86_400_000))],
    ['that only repeats the one of the request', ({ sample, told }) => ({ ...sample(told(40)), carriedMs: told(40) })],
    ['that is none', ({ sample }) => sample(Number.NaN)],
    ['below zero', ({ sample }) => sample(-1)],
    ['without end', ({ sample }) => sample(Number.POSITIVE_INFINITY)],
  ])('but not of one %s', async (_, make) => {
    const it = await synced()
    await it.clock.advance(7)
    const before = it.known.epochMs()
    expect(it.known.heard(make(it))).toBe(false)
    expect(Math.abs(it.known.epochMs() - before)).toBeLessThanOrEqual(it.known.errorMs())
  })

  it('but not before the clock was asked', () => {
    const clock = virtualClock({ epochMs: EPOCH_MS })
    const unknown = new ServerClock({ clock, waitMs: 1, failed: () => {}, ask: async () => {} })
    const serverTimeMs = EPOCH_MS + 1
    expect(unknown.heard({ serverTimeMs, sentAtMs: 0, receivedAtMs: 2, asked: false })).toBe(false)
    expect(unknown.isKnown).toBe(true)
  })
})
