import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { reopening } from '../src/checkers/reopening.ts'
import { banWordsOf, toldBy } from '../src/world/ban-words.ts'
import { ServerClock } from '../src/world/server-clock.ts'
import { Story, scenario } from './support.ts'

describe('the server clock', () => {
  test('is set, and drifts from then on', async () => {
    const clock = virtualClock({ epochMs: 1_000_000 })
    const faults = [
      { kind: 'server-clock', atMs: 1_000, byMs: 3_600_000, ppm: 0 },
      { kind: 'server-clock', atMs: 2_000, byMs: -10_000, ppm: 1_000 },
    ] as const
    const server = new ServerClock(scenario({ faults }), clock)
    expect(server.epochMs()).toBe(1_000_000)
    await clock.advance(1_000)
    expect(server.epochMs()).toBe(1_001_000 + 3_600_000)
    await clock.advance(11_000)
    expect(server.epochMs()).toBe(1_012_000 + 3_590_000 + 10)
    expect(server.nowMs()).toBe(12_000)
  })
})

describe('a ban in words', () => {
  const UNTIL = 1_767_225_900_000
  const words = (timestamp: string) =>
    `{"code":100410,"msg":"code:100410:The endpoint trigger frequency limit rule is currently in the disabled period and will be unblocked after ${UNTIL}"${timestamp}}`
  /** The client's clock is half an hour behind, the server's right. */
  const clocks = {
    arrivedAtMs: 500,
    serverEpochMs: UNTIL - 60_000,
    answeredAtMs: 520,
    clientEpochMs: UNTIL - 60_000 - 1_800_000,
    wasSet: false,
  }

  test('is read against the time that the answer tells, whatever the clocks show', () => {
    const told = banWordsOf(words(`,"timestamp":${UNTIL - 300_000}`))
    expect(told && toldBy(told, clocks)).toEqual({ untilMs: 300_500, latestMs: 300_520 })
  })

  test('without one, against a clock that a client may know', () => {
    const told = banWordsOf(words(''))
    // Cut to 15 minutes by its own clock, a minute by the server's.
    expect(told && toldBy(told, clocks)).toEqual({ untilMs: 60_500, latestMs: 900_520 })
  })

  test('a time in the past is none, and half an answer says nothing', () => {
    const told = banWordsOf(words(`,"timestamp":${UNTIL + 5_000}`))
    expect(told && toldBy(told, clocks)).toEqual({ untilMs: 500, latestMs: 520 })
    expect(banWordsOf(words('').slice(0, -1))).toBeUndefined()
    expect(banWordsOf('{"code":0,"timestamp":1767225900000}')).toBeUndefined()
  })
})

describe('reopening', () => {
  /** Banned until 10 s; a call made at `fromMs` goes at `thenMs`. */
  const held = (fromMs: number, thenMs: number) => {
    const story = new Story()
    const attempt = story.sent(story.call(0), 0, { verdict: 'banned', toldUntilMs: 10_000 })
    const told = { fromMs: 20, untilMs: 10_000, latestMs: 10_010, releasedAtMs: Number.POSITIVE_INFINITY }
    story.log.holds.push({ labels: { uid: 'u' }, life: 0, by: 'server', attempt, ...told })
    story.sent(story.call(fromMs), thenMs)
    return reopening(scenario(), story.log).violations.map(({ what }) => what)
  }

  test('a ban that is kept far longer than it was told', () => {
    const what = 'nothing went for 37 s after a ban over {"uid":"u"} had run out, and a call waited'
    expect(held(5_000, 80_000)).toEqual([what])
    expect(held(5_000, 11_500)).toEqual([])
  })

  test('nobody waits', () => {
    expect(held(70_000, 80_000)).toEqual([])
  })
})
