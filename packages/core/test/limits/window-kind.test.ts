import { describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/limits/bucket.ts'
import { tokenBucket } from '../../src/limits/define.ts'
import { Route } from '../../src/limits/route.ts'
import { bucketOf, setTokens } from '../support/buckets.ts'
import { runKind, tokensBetween } from '../support/kind-load.ts'
import type { Kind } from '../support/kind-servers.ts'

const GUARD = 1
/** 200 ppm: clocks drift. */
const STEP = 200.04

function ofKind(window: Kind, more: { burst?: number; isBurst?: boolean; useFloor?: boolean } = {}) {
  const { burst, isBurst = false, useFloor = false } = more
  const limit = tokenBucket({ name: 'b', limit: 5, windowMs: 1_000, by: ['uid'], window, ...(burst && { burst }) })
  const bucket = bucketOf({ limit, tokens: 5, isBurst, useFloor })
  bucket.drawnBy(new Route(0), 0)
  return bucket
}

const hundredths = (ms: number) => Math.round(ms * 100) / 100

/** When each token that is away will be back. */
function returns(bucket: Bucket, nowMs: number): number[] {
  const instants: number[] = []
  for (let tokens = bucket.free(nowMs) + 1; tokens <= bucket.tokens; tokens++)
    instants.push(hundredths(bucket.readyAtMs(tokens, nowMs)))
  return instants
}

/** Calls sent at `sentAtMs`, answered at these instants. */
function burst(bucket: Bucket, sentAtMs: number, ...answersMs: number[]): void {
  for (const _ of answersMs) bucket.take(1, sentAtMs)
  for (const atMs of answersMs) bucket.giveBackAfter(atMs, 1)
}

describe('a counter that decays', () => {
  it('gives the tokens of a burst back one after another, the first as soon as one has decayed', () => {
    const bucket = ofKind('decay')
    burst(bucket, 0, 10, 20, 30, 40, 50)
    expect(returns(bucket, 60)).toEqual([1, 2, 3, 4, 5].map(n => hundredths(10 + n * STEP + GUARD)))
  })

  it('begins anew once it is empty', () => {
    const bucket = ofKind('decay')
    burst(bucket, 0, 10)
    burst(bucket, 5_000, 5_010, 5_020)
    expect(returns(bucket, 5_030)).toEqual([5_010 + STEP + GUARD, 5_010 + 2 * STEP + GUARD])
  })

  it('counts a call in flight whole, and fills the counter only with its answer', () => {
    const bucket = ofKind('decay')
    bucket.take(5, 0)
    expect(bucket.readyAtMs(1, 900)).toBe(Number.POSITIVE_INFINITY)
    bucket.giveBackAfter(900, 5)
    expect(bucket.readyAtMs(1, 900)).toBeCloseTo(900 + STEP + GUARD, 6)
  })

  it('a lost call is away until it must have been counted, and decays only from then on', () => {
    const bucket = ofKind('decay')
    bucket.take(5, 0)
    bucket.giveBack(5)
    // Back at 6,000 by a window of its own: counted by 5,000.
    bucket.giveBackAt(6_000, 5)
    expect(bucket.free(4_999)).toBe(0)
    expect(bucket.readyAtMs(1, 300)).toBeCloseTo(5_000 + STEP + GUARD, 6)
    expect(bucket.free(5_000)).toBe(0)
    expect(returns(bucket, 5_000)).toEqual([1, 2, 3, 4, 5].map(n => hundredths(5_000 + n * STEP + GUARD)))
  })

  it('lost calls and answered ones decay in one line', () => {
    const bucket = ofKind('decay')
    bucket.take(2, 0)
    bucket.giveBack(2)
    bucket.giveBackAt(6_000, 2)
    burst(bucket, 4_900, 4_950, 4_950)
    expect(bucket.free(4_950 + STEP + GUARD)).toBe(5 - 2 - 1)
    expect(bucket.free(4_950 + 3 * STEP + GUARD - 1)).toBe(5 - 2)
    expect(bucket.free(4_950 + 3 * STEP + GUARD)).toBe(5 - 1)
  })

  it('keeps what is in it when the limit changes, and lets it decay at the new rate', () => {
    const bucket = ofKind('decay')
    burst(bucket, 0, 0, 0, 0, 0, 0)
    // Two and a half have decayed by then.
    const atMs = GUARD + 2.5 * STEP
    expect(bucket.free(atMs)).toBe(2)
    setTokens(bucket, 10, atMs)
    expect(bucket.free(atMs)).toBe(7)
    expect(bucket.readyAtMs(8, atMs)).toBeCloseTo(atMs + STEP / 4, 6)
    setTokens(bucket, 1, atMs)
    expect(bucket.free(atMs)).toBe(-2)
    expect(bucket.readyAtMs(1, atMs)).toBeCloseTo(atMs + 2.5 * 5 * STEP, 6)
  })

  it('decays at the rate of a lowered limit from then on, also when nobody looks meanwhile', () => {
    const bucket = ofKind('decay')
    burst(bucket, 0, 0, 0, 0, 0, 0)
    setTokens(bucket, 1, GUARD)
    expect(bucket.free(GUARD + 5 * STEP + 0.01)).toBe(1 - 4)
  })

  it('decays half as fast while it is halved', () => {
    const bucket = ofKind('decay')
    burst(bucket, 0, 0, 0, 0, 0, 0)
    bucket.halve(0, GUARD)
    // Of five two have decayed by then; not halved, it would be four.
    expect(bucket.free(GUARD)).toBe(2 - 5)
    expect(bucket.free(999)).toBe(2 - 4)
    // One more is there to be used, and the counter is at three.
    expect(bucket.free(1_020)).toBe(2 - 3)
  })

  it('is emptied at once by a refusal in the cold start, as any other', () => {
    const limit = tokenBucket({ name: 'b', limit: 5, windowMs: 1_000, by: ['uid'], window: 'decay' })
    const bucket = bucketOf({ limit, tokens: 5, coldStart: 'paced', lostCallMs: 500, useFloor: false })
    expect([399, 400, 800, 2_000].map(atMs => bucket.free(atMs))).toEqual([0, 1, 2, 5])
  })
})

describe('an anchored window', () => {
  it('gives all tokens back one window after the first call that was surely counted', () => {
    const bucket = ofKind('anchored')
    burst(bucket, 0, 30, 40, 200, 300)
    expect(bucket.proved(40, 0)).toBe(true)
    expect(returns(bucket, 300)).toEqual([1_031, 1_041, 1_041, 1_041])
    bucket.proved(30, 0)
    expect(returns(bucket, 300)).toEqual([1_031, 1_031, 1_031, 1_031])
    bucket.take(1, 500)
    bucket.giveBackAfter(990, 1)
    expect(bucket.free(1_030)).toBe(0)
    expect(bucket.free(1_031)).toBe(5)
  })

  it('believes no answer of a call that may not have been counted', () => {
    const bucket = ofKind('anchored')
    burst(bucket, 0, 30, 200)
    expect(returns(bucket, 300)).toEqual([1_031, 1_201])
  })

  it('leaves a call away for a window of its own that may have been counted in the next', () => {
    const bucket = ofKind('anchored')
    burst(bucket, 0, 30, 999, 1_000)
    bucket.proved(30, 0)
    expect(returns(bucket, 1_000)).toEqual([1_031, 1_031, 2_001])
  })

  it('begins no window while anything of the last one may be away', () => {
    const bucket = ofKind('anchored')
    burst(bucket, 0, 30, 1_000)
    burst(bucket, 1_100, 1_130, 1_200)
    expect(bucket.proved(1_130, 1_100)).toBe(false)
    expect(returns(bucket, 1_300)).toEqual([2_001, 2_131, 2_201])
    burst(bucket, 2_500, 2_530, 2_600)
    expect(bucket.proved(2_530, 2_500)).toBe(true)
    expect(returns(bucket, 2_600)).toEqual([3_531, 3_531])
  })

  it('begins one after the last even if a straggler may have begun it, no earlier than the last can have ended', () => {
    const bucket = ofKind('anchored')
    bucket.take(1, 0)
    burst(bucket, 0, 30)
    bucket.proved(30, 0)
    // The last was over at 1,030 at the latest, and at 1,000 at the earliest.
    burst(bucket, 1_031, 1_060, 1_100, 1_998, 1_999)
    bucket.giveBackAfter(1_500, 1)
    expect(returns(bucket, 1_999)).toEqual([2_061, 2_101, 2_501, 2_999, 3_000])
    // The straggler's own answer proves nothing: it may have been counted in the last.
    expect(bucket.proved(1_500, 0)).toBe(false)
    expect(bucket.proved(1_060, 1_031)).toBe(true)
    expect(returns(bucket, 1_999)).toEqual([2_061, 2_061, 2_061, 2_061, 3_000])
  })

  it('begins none before the last is surely over', () => {
    const bucket = ofKind('anchored')
    burst(bucket, 0, 30)
    bucket.proved(30, 0)
    bucket.take(1, 1_030)
    bucket.giveBackAfter(1_040, 1)
    expect(bucket.proved(1_040, 1_030)).toBe(false)
    bucket.take(1, 1_031)
    bucket.giveBackAfter(1_041, 1)
    expect(bucket.proved(1_041, 1_031)).toBe(true)
  })

  it('begins none while the limit is halved: somebody else may have begun it', () => {
    const bucket = ofKind('anchored')
    bucket.halve(0, 0)
    burst(bucket, 100, 130, 200)
    expect(bucket.proved(130, 100)).toBe(false)
  })

  it('an answer to a call of an earlier window proves nothing of this one', () => {
    const bucket = ofKind('anchored')
    burst(bucket, 0, 30)
    burst(bucket, 2_000, 2_100, 2_200)
    expect(bucket.proved(30, 0)).toBe(false)
    expect(returns(bucket, 2_200)).toEqual([3_101, 3_201])
  })
})

describe('aligned windows', () => {
  it.each([
    // The server's clock is 7,000 ahead; a request of ours needs 20 ms at least.
    ['in the middle', 9_400, 10_000],
    ['a millisecond before its end', 9_999, 10_000],
    ['a millisecond after its begin', 10_001, 11_000],
  ])(
    'give a token back that was counted at the latest %s, when a request must arrive in the next',
    (_, latestMs, endsMs) => {
      const bucket = ofKind('aligned')
      const toMs = bucket.toldFromMs(latestMs, 99_999, -7_020)
      expect(toMs + 1_000).toBe(endsMs - 7_020)
      expect(bucket.toldFromMs(latestMs, 1_000, -7_020)).toBe(1_000)
    },
  )

  it('are as sliding ones without the time of the server', () => {
    const bucket = ofKind('aligned')
    burst(bucket, 0, 30, 400)
    bucket.proved(30, 0)
    expect(returns(bucket, 500)).toEqual([1_031, 1_401])
  })
})

describe.each(['aligned', 'anchored', 'decay'] as const)('what a burst allows under %s', window => {
  it('is an exact sliding window', () => {
    const bucket = ofKind(window, { burst: 5, isBurst: true })
    burst(bucket, 0, 30, 400)
    bucket.proved(30, 0)
    expect(bucket.toldFromMs(9_400, 123, -9_000)).toBe(123)
    expect(returns(bucket, 500)).toEqual([1_031, 1_401])
  })
})

describe('a start is not thought impossible that an answer still under way may bring', () => {
  it('decays from its answer on', () => {
    const bucket = ofKind('decay')
    bucket.take(5, 0)
    expect(bucket.earliestMs(1, 100)).toBeCloseTo(100 + STEP + GUARD, 6)
  })

  it('ends with the anchored window', () => {
    const bucket = ofKind('anchored')
    burst(bucket, 0, 30, 400, 500, 600)
    bucket.take(1, 700)
    expect(bucket.earliestMs(1, 800)).toBe(1_001)
  })

  it('ends with the aligned window, when the server says', () => {
    const bucket = ofKind('aligned')
    burst(bucket, 0, 30, 400, 500, 600)
    bucket.take(1, 700)
    expect(bucket.earliestMs(1, 800)).toBe(1_031)
    bucket.toldFromMs(9_000, 30, -8_500)
    expect(bucket.earliestMs(1, 800)).toBe(800)
  })
})

/** After an idle time 30 callers at once, each way 20 ms: what the first second and a half bring. */
const afterIdle = async (kind: Kind, toldKind: Kind) => {
  const limit = 20
  const outcome = await runKind({
    kind,
    toldKind,
    limit,
    windowMs: 2_000,
    legMs: call => (call < 60 ? 20 : 20 + (call % 7)),
    tellsTime: true,
    bursts: [
      { fromMs: 0, untilMs: 20_000, callers: 30 },
      { fromMs: 30_400, untilMs: 34_000, callers: 30 },
    ],
  })
  expect(outcome.refused).toBe(0)
  return tokensBetween(outcome, 30_400, 32_000)
}

describe('after a burst of the whole limit', () => {
  it('a counter that decays lets calls drip at its rate, where a sliding window is silent', async () => {
    expect(await afterIdle('decay', 'sliding')).toBe(20)
    expect(await afterIdle('decay', 'decay')).toBeGreaterThanOrEqual(20 + 14)
  })

  it('aligned windows begin anew when the clock says so', async () => {
    expect(await afterIdle('aligned', 'sliding')).toBe(20)
    expect(await afterIdle('aligned', 'aligned')).toBe(40)
  })

  it('an anchored window gives what trickled in since its begin back at its end', async () => {
    const trickle = async (toldKind: Kind) => {
      const outcome = await runKind({
        kind: 'anchored',
        toldKind,
        limit: 10,
        windowMs: 2_000,
        legMs: () => 20,
        bursts: [
          { fromMs: 0, untilMs: 1, callers: 1 },
          { fromMs: 1_000, untilMs: 4_000, callers: 20 },
        ],
      })
      expect(outcome.refused).toBe(0)
      return tokensBetween(outcome, 0, 2_500)
    }
    expect(await trickle('sliding')).toBe(11)
    expect(await trickle('anchored')).toBe(20)
  })
})

it('a kind that the server does not keep is refused: the judges of these tests do see', async () => {
  for (const toldKind of ['decay', 'anchored', 'aligned'] as const) {
    const { refused } = await runKind({
      kind: 'sliding',
      toldKind,
      limit: 10,
      windowMs: 1_000,
      legMs: call => 20 + (call % 7),
      tellsTime: true,
      bursts: [
        { fromMs: 0, untilMs: 8_300, callers: 5 },
        { fromMs: 10_000, untilMs: 10_001, callers: 1 },
        { fromMs: 10_500, untilMs: 12_000, callers: 20 },
      ],
    })
    expect(refused).toBeGreaterThan(0)
  }
})
