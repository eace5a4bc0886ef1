import { describe, expect, test } from 'vitest'
import type { Bucket, BucketTerms } from '../../src/limits/bucket.ts'
import { Route } from '../../src/limits/route.ts'
import { bucketOf, setTokens } from '../support/buckets.ts'

/** A route whose floor is `floorMs` from 0 on: all its round trips are alike. */
function routeOf(floorMs: number): Route {
  const route = new Route(0)
  for (let i = 0; i < 40; i++) route.floor.add(floorMs / 0.9, 0)
  return route
}

type Step =
  | readonly ['take', atMs: number, tokens: number]
  | readonly ['answer', atMs: number, tokens: number]
  | readonly ['give back', atMs: number, tokens: number]
  | readonly ['back at', atMs: number, tokens: number]
  | readonly ['refused cold', atMs: number]
  | readonly ['limit', atMs: number, tokens: number]
  | readonly ['free', atMs: number, tokens: number]
  | readonly ['ready', atMs: number, tokens: number, readyAtMs: number]
  | readonly ['earliest', atMs: number, tokens: number, earliestMs: number]

function play(on: Bucket, steps: readonly Step[]): void {
  steps.forEach((step, index) => {
    const [what, atMs, tokens = 0] = step
    const where = `step ${index}: ${step.join(' ')}`
    if (what === 'take') on.take(tokens, atMs)
    else if (what === 'answer') on.giveBackAfter(atMs, tokens)
    else if (what === 'give back') on.giveBack(tokens)
    else if (what === 'back at') on.giveBackAt(atMs, tokens)
    else if (what === 'limit') setTokens(on, tokens, atMs)
    else if (what === 'refused cold') expect(on.refusedInColdStart(atMs), where).toBe(true)
    else if (what === 'free') expect(on.free(atMs), where).toBe(tokens)
    else if (what === 'ready') expect(on.readyAtMs(tokens, atMs), where).toBe(step[3])
    else expect(on.earliestMs(tokens, atMs), where).toBe(step[3])
  })
}

const NEVER = Number.POSITIVE_INFINITY

describe('the token rule', () => {
  test.each<[string, readonly Step[]]>([
    [
      'held while in flight, however long',
      [
        ['take', 0, 3],
        ['free', 0, 0],
        ['free', 1e6, 0],
        ['ready', 1e6, 1, NEVER],
      ],
    ],
    [
      'back a window and the guard after the answer',
      [
        ['take', 0, 1],
        ['answer', 100, 1],
        ['ready', 500, 2, 500],
        ['ready', 500, 3, 1101],
        ['free', 1100.999, 2],
        ['free', 1101, 3],
      ],
    ],
    [
      'each token by itself',
      [
        ['take', 0, 3],
        ['answer', 10, 1],
        ['answer', 20, 1],
        ['answer', 30, 1],
        ['ready', 30, 1, 1011],
        ['ready', 30, 2, 1021],
        ['ready', 30, 3, 1031],
        ['free', 1011, 1],
        ['free', 1030, 2],
        ['free', 1031, 3],
      ],
    ],
    [
      'answers in another order than the calls',
      [
        ['take', 0, 3],
        ['answer', 30, 1],
        ['answer', 10, 1],
        ['ready', 30, 1, 1011],
        ['ready', 30, 2, 1031],
      ],
    ],
    [
      'an answer noted later than another judged free already',
      [
        ['take', 0, 3],
        ['answer', 10, 1],
        ['free', 1011, 1],
        ['answer', 5, 1],
        ['free', 1011, 2],
        ['answer', 1000, 1],
        ['free', 1011, 2],
        ['free', 2001, 3],
      ],
    ],
    [
      'several tokens at once',
      [
        ['take', 0, 3],
        ['answer', 10, 3],
        ['free', 1010, 0],
        ['free', 1011, 3],
      ],
    ],
    [
      'a call that never left',
      [
        ['take', 0, 2],
        ['give back', 5, 2],
        ['free', 5, 3],
      ],
    ],
    [
      'a token that is known to come back',
      [
        ['take', 0, 2],
        ['give back', 0, 2],
        ['back at', 700, 2],
        ['ready', 0, 2, 700],
        ['free', 699, 1],
        ['free', 700, 3],
      ],
    ],
    [
      'known and answered ones in one order',
      [
        ['take', 0, 3],
        ['give back', 0, 1],
        ['back at', 1050, 1],
        ['answer', 10, 1],
        ['answer', 100, 1],
        ['ready', 100, 1, 1011],
        ['ready', 100, 2, 1050],
        ['ready', 100, 3, 1101],
      ],
    ],
    ['more than the bucket ever has', [['ready', 0, 4, NEVER]]],
    [
      'nothing needs nothing, even below 0',
      [
        ['take', 0, 3],
        ['limit', 0, 1],
        ['free', 0, -2],
        ['ready', 0, 0, 0],
      ],
    ],
  ])('%s', (_, steps) => play(bucketOf(), steps))
})

describe('a limit that is changed', () => {
  test('below what is away: nothing until enough is back', () => {
    play(bucketOf(), [
      ['take', 0, 3],
      ['answer', 0, 1],
      ['answer', 10, 1],
      ['answer', 20, 1],
      ['limit', 20, 1],
      ['free', 20, -2],
      ['ready', 20, 1, 1021],
      ['free', 1011, 0],
      ['free', 1021, 1],
      ['limit', 1021, 5],
      ['free', 1021, 5],
    ])
  })
})

describe('no start is possible before', () => {
  test.each<[string, readonly Step[]]>([
    ['now, when tokens are free', [['earliest', 5, 3, 5]]],
    [
      'the first return, when nothing is under way',
      [
        ['take', 0, 3],
        ['answer', 100, 3],
        ['earliest', 100, 1, 1101],
      ],
    ],
    [
      'a window from now, when an answer may come now',
      [
        ['take', 0, 3],
        ['earliest', 100, 1, 1101],
      ],
    ],
    [
      'a return that comes earlier than such an answer could help',
      [
        ['take', 0, 3],
        ['answer', 10, 1],
        ['earliest', 500, 1, 1011],
      ],
    ],
  ])('%s', (_, steps) => play(bucketOf(), steps))
})

describe('the floor', () => {
  test('of the one route shortens the wait', () => {
    const on = bucketOf()
    on.drawnBy(routeOf(90), 0)
    play(on, [
      ['take', 0, 1],
      ['answer', 100, 1],
      ['free', 1010.9, 2],
      ['free', 1011, 3],
    ])
  })

  test('of several routes is never that of a slow one', () => {
    const on = bucketOf()
    on.drawnBy(routeOf(90), 0)
    play(on, [['take', 0, 1]])
    on.drawnBy(routeOf(27), 0)
    play(on, [
      ['answer', 100, 1],
      ['free', 1100, 2],
      ['free', 1101, 3],
    ])
  })

  test('that is lost takes back what it had lent', () => {
    const on = bucketOf()
    on.drawnBy(routeOf(90), 0)
    play(on, [
      ['take', 0, 1],
      ['answer', 100, 1],
      ['free', 1011, 3],
    ])
    on.drawnBy(new Route(0), 1011)
    play(on, [
      ['free', 1011, 2],
      ['ready', 1011, 3, 1101],
    ])
  })

  test('is off with useFloor: false', () => {
    const on = bucketOf({ useFloor: false })
    on.drawnBy(routeOf(90), 0)
    play(on, [
      ['take', 0, 1],
      ['answer', 100, 1],
      ['free', 1100, 2],
      ['free', 1101, 3],
    ])
  })

  test('is that of the route that draws once all tokens of others are back', () => {
    const on = bucketOf()
    on.drawnBy(routeOf(27), 0)
    play(on, [
      ['take', 0, 1],
      ['answer', 100, 1],
      ['free', 1074, 3],
    ])
    // Back by its floor, and not yet back by any.
    on.drawnBy(routeOf(90), 1100)
    play(on, [['free', 1100, 2]])
    on.drawnBy(routeOf(90), 1101)
    play(on, [
      ['take', 1101, 1],
      ['answer', 1200, 1],
      ['free', 2110, 2],
      ['free', 2111, 3],
    ])
  })
})

describe('what the only route told', () => {
  const told = () => {
    const on = bucketOf()
    const route = new Route(0)
    route.mostLagMs = 50
    on.drawnBy(route, 0)
    play(on, [
      ['take', 0, 1],
      ['answer', 100, 1],
    ])
    on.bringForward(100, 40, 1)
    return on
  }

  test('is true of its own requests', () => {
    play(told(), [
      ['free', 1040.9, 2],
      ['free', 1041, 3],
    ])
  })

  test.each([
    ['before its tokens are back', 500],
    ['after its tokens are back, too soon for others', 1060],
  ])('is later by its lag for those of another that joins it %s', (_, joinedAtMs) => {
    const on = told()
    on.free(joinedAtMs)
    on.drawnBy(new Route(0), joinedAtMs)
    play(on, [
      ['free', joinedAtMs, 2],
      ['ready', joinedAtMs, 3, 1091],
      ['free', 1091, 3],
    ])
  })

  test('is so once: a third finds it true of any', () => {
    const on = told()
    for (const atMs of [500, 501]) {
      const route = new Route(0)
      route.mostLagMs = 70
      on.drawnBy(route, atMs)
    }
    play(on, [['ready', 501, 3, 1091]])
  })
})

test('a lost call that may still be counted keeps the floor of its route away from others', () => {
  const on = bucketOf()
  on.drawnBy(new Route(0), 0)
  play(on, [
    ['take', 0, 1],
    ['give back', 100, 1],
    ['back at', 5000, 1],
  ])
  on.drawnBy(routeOf(90), 3000)
  play(on, [
    ['take', 3000, 1],
    ['answer', 3100, 1],
    ['free', 4100, 1],
    ['free', 4101, 2],
  ])
})

describe('a cold start', () => {
  test.each<[string, Partial<BucketTerms>, readonly Step[]]>([
    [
      'paced: evenly over two windows',
      { coldStart: 'paced', tokens: 4 },
      [
        ['ready', 0, 1, 500],
        ['ready', 0, 4, 2000],
        ['free', 0, 0],
        ['free', 499, 0],
        ['free', 500, 1],
        ['free', 1000, 2],
        ['free', 1999, 3],
        ['free', 2000, 4],
      ],
    ],
    [
      'paced, limit 1: after one window',
      { coldStart: 'paced', tokens: 1 },
      [
        ['free', 999, 0],
        ['free', 1000, 1],
      ],
    ],
    [
      'paced, limit 2: after one, after two',
      { coldStart: 'paced', tokens: 2 },
      [
        ['free', 999, 0],
        ['free', 1000, 1],
        ['free', 2000, 2],
      ],
    ],
    [
      'paced, with calls',
      { coldStart: 'paced', tokens: 4 },
      [
        ['take', 500, 1],
        ['answer', 510, 1],
        ['free', 1000, 1],
        ['take', 1000, 1],
        ['free', 1511, 2],
        ['ready', 1000, 3, 2000],
      ],
    ],
    [
      'spent: nothing for a window and what may be under way',
      { coldStart: 'spent' },
      [
        ['ready', 0, 1, 6000],
        ['ready', 0, 3, 6000],
        ['free', 5999, 0],
        ['free', 6000, 3],
      ],
    ],
    ['full: all at once', { coldStart: 'full' }, [['free', 0, 3]]],
    [
      'counts from the making of the scheduler',
      { coldStart: 'paced', tokens: 4, bornAtMs: 10_000 },
      [
        ['free', 10_000, 0],
        ['free', 10_500, 1],
        ['free', 12_000, 4],
      ],
    ],
    ['first used later than two windows after: full', { coldStart: 'paced', bornAtMs: 0 }, [['free', 2000, 3]]],
    [
      'refused in it: empty for a window and what may be under way',
      { coldStart: 'paced', tokens: 4 },
      [
        ['take', 500, 1],
        ['answer', 510, 1],
        ['refused cold', 510],
        ['ready', 510, 1, 6510],
        ['free', 2000, 0],
        ['free', 6509, 0],
        ['free', 6510, 4],
      ],
    ],
    [
      'a limit that is raised goes on with the new pace',
      { coldStart: 'paced', tokens: 4 },
      [
        ['free', 500, 1],
        ['limit', 500, 8],
        ['free', 500, 2],
        ['free', 2000, 8],
      ],
    ],
    [
      'a limit that is raised while spent',
      { coldStart: 'spent' },
      [
        ['limit', 0, 8],
        ['free', 5999, 0],
        ['free', 6000, 8],
      ],
    ],
    [
      'a limit that is lowered',
      { coldStart: 'paced', tokens: 8 },
      [
        ['free', 500, 2],
        ['limit', 500, 4],
        ['free', 500, 1],
        ['free', 2000, 4],
      ],
    ],
  ])('%s', (_, options, steps) => play(bucketOf(options), steps))

  test('once over is over: a refusal then halves instead', () => {
    const on = bucketOf({ coldStart: 'paced' })
    expect(on.refusedInColdStart(2000)).toBe(false)
    expect(on.halve(2000, 2000)).toBe(true)
    expect(on.free(2000)).toBe(1)
  })

  test.each([7, 30, 100, 333, 1200])(
    'with a limit of %d no instant of return is missed by a rounding error',
    tokens => {
      const on = bucketOf({ coldStart: 'paced', tokens, windowMs: 1000 / 3, bornAtMs: 0.1 })
      let nowMs = 0.1
      for (let i = 0; i < tokens; i++) {
        nowMs = on.readyAtMs(1, nowMs)
        expect(on.free(nowMs)).toBeGreaterThanOrEqual(1)
        on.take(1, nowMs)
      }
      expect(nowMs).toBeCloseTo(0.1 + 2000 / 3, 6)
    },
  )
})

describe('idle', () => {
  test('is a bucket that would be the same if it were made anew', () => {
    const on = bucketOf()
    expect(on.isIdle(0)).toBe(true)
    on.take(1, 0)
    expect(on.isIdle(0)).toBe(false)
    on.giveBackAfter(100, 1)
    expect(on.isIdle(1100)).toBe(false)
    expect(on.isIdle(1101)).toBe(true)
    on.lanes++
    expect(on.isIdle(1101)).toBe(false)
    on.lanes--
    on.halve(2000, 2000)
    expect(on.isIdle(2000)).toBe(false)
    expect(on.isIdle(60_000)).toBe(true)
  })

  test('is not one in its cold start', () => {
    expect(bucketOf({ coldStart: 'paced' }).isIdle(1999)).toBe(false)
    expect(bucketOf({ coldStart: 'paced' }).isIdle(2000)).toBe(true)
  })

  test('is not one whose token came back early by the floor', () => {
    const on = bucketOf()
    on.drawnBy(routeOf(90), 0)
    on.take(1, 0)
    on.giveBackAfter(100, 1)
    expect([on.free(1011), on.isIdle(1011), on.isIdle(1101)]).toStrictEqual([3, false, true])
  })
})
