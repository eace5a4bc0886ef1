import { describe, expect, test } from 'vitest'
import { bounds } from '../src/checkers/bounds.ts'
import { budgets } from '../src/checkers/budgets.ts'
import { clock } from '../src/checkers/clock.ts'
import { conservation } from '../src/checkers/conservation.ts'
import { fairness } from '../src/checkers/fairness.ts'
import { holds } from '../src/checkers/holds.ts'
import { Once } from '../src/checkers/once.ts'
import { ownLimits } from '../src/checkers/own-limits.ts'
import { retries } from '../src/checkers/retries.ts'
import { secrets } from '../src/checkers/secrets.ts'
import { settlement } from '../src/checkers/settlement.ts'
import { stopped } from '../src/checkers/stopped.ts'
import type { Checker } from '../src/checkers/violation.ts'
import { waiting } from '../src/checkers/waiting.ts'
import { windows } from '../src/checkers/windows.ts'
import type { Budget, Load, Scenario } from '../src/scenario/scenario.ts'
import { NOBODYS } from '../src/world/log.ts'
import { LABELS, Story, scenario, snapshot } from './support.ts'

const judge = (checker: Checker, story: Story, its: Scenario = scenario()) =>
  checker(its, story.log).violations.map(({ what }) => what)

describe('windows', () => {
  /** Five calls at once, and a sixth `afterMs` later that the server refuses. */
  const six = (afterMs: number, changes: object = {}) => {
    const story = new Story()
    for (let i = 0; i < 5; i++) story.sent(story.call(0), 0)
    story.sent(story.call(afterMs), afterMs, { verdict: 'refused', ...changes })
    return story
  }

  test('a sixth call within the second is one too many', () => {
    expect(judge(windows, six(990))).toEqual(['uid|u: 5 of 5 in 1000 ms, and one more came'])
  })

  test('a server that lets it in is found out as well', () => {
    expect(judge(windows, six(990, { verdict: 'accepted' }))).toContain('the server and the checker count differently')
  })

  test('after the window it is no refusal at all', () => {
    const story = six(1_000, { verdict: 'accepted' })
    expect(judge(windows, story)).toEqual([])
  })

  test("the server's time tells of too early a counting where its clock was set back by less than an answer took", () => {
    for (const [byMs, many] of [
      [-900, 0],
      [-2_000, 1],
      [900, 1],
    ] as const) {
      const story = new Story()
      const slow = { arrivedAtMs: 1_000, answeredAtMs: 1_020, endedAtMs: 1_020 }
      for (let i = 0; i < 5; i++) story.sent(story.call(0), 0, slow)
      story.sent(story.call(900), 900, { verdict: 'refused', arrivedAtMs: 1_950 })
      const faults = [{ kind: 'server-clock', atMs: 500, byMs, ppm: 0 }] as const
      expect(judge(windows, story, scenario({ kind: 'http', faults }))).toHaveLength(many)
    }
  })

  test('a way there shorter than any of the last minutes excuses where answers tell the time', () => {
    for (const [kind, many] of [
      ['http', 0],
      ['core', 1],
    ] as const) {
      const story = new Story()
      for (let i = 0; i < 5; i++) {
        const atMs = i * 200
        // Once upon a time a round trip was short.
        story.sent(story.call(atMs), atMs, { answeredAtMs: atMs + 15, endedAtMs: atMs + 15 })
      }
      for (let i = 0; i < 5; i++)
        story.sent(story.call(150_000), 150_000, { arrivedAtMs: 150_100, answeredAtMs: 150_120 })
      story.sent(story.call(151_010), 151_010, { verdict: 'refused', arrivedAtMs: 151_020 })
      expect(judge(windows, story, scenario({ kind }))).toHaveLength(many)
    }
  })

  test('a foreign call in the window excuses', () => {
    const story = new Story()
    for (let i = 0; i < 4; i++) story.sent(story.call(0), 0)
    story.log.arrivals.push({ atMs: 11, labels: LABELS, cost: 1, verdict: 'accepted', attempt: undefined })
    story.sent(story.call(500), 500, { verdict: 'refused' })
    const { violations, excuses } = windows(scenario(), story.log)
    expect(violations).toEqual([])
    expect([...excuses]).toEqual([['foreign', 1]])
  })

  test('a start that is `paced` excuses what its predecessor did, one that is `spent` does not', () => {
    for (const [coldStart, many] of [
      ['paced', 0],
      ['spent', 1],
    ] as const) {
      const story = six(990)
      story.log.lives[0] = { bornAtMs: 0, coldStart: 'full', diedAtMs: 600 }
      story.log.lives.push({ bornAtMs: 700, coldStart, diedAtMs: Number.POSITIVE_INFINITY })
      const last = story.log.arrivals.at(-1)?.attempt
      Object.assign(last?.call ?? {}, { life: 1 })
      expect(judge(windows, story)).toHaveLength(many)
    }
  })
})

describe('own limits', () => {
  test('are kept by what is sent after they were set, and count what went before', () => {
    for (const [sentAtMs, many] of [
      [400, 0],
      [600, 1],
      [1_300, 0],
    ] as const) {
      const story = new Story()
      for (const atMs of [0, 200, 300]) story.sent(story.call(atMs), atMs)
      story.log.ownLimits.push({ atMs: 500, name: 'uid', limit: 2 })
      story.sent(story.call(sentAtMs), sentAtMs)
      const faults = [{ kind: 'own-limit', atMs: 500, name: 'uid', limit: 2 }] as const
      expect(judge(ownLimits, story, scenario({ kind: 'http', faults }))).toHaveLength(many)
    }
  })

  test('that were raised while a slow call was under way let others go before it', () => {
    const story = new Story()
    const its = scenario({ kind: 'http', ownLimits: { uid: 1 } })
    story.log.ownLimits.push({ atMs: 500, name: 'uid', limit: 3 })
    for (const atMs of [600, 700]) story.sent(story.call(atMs), atMs)
    story.sent(story.call(0), 0, { arrivedAtMs: 800, outcome: 'lost', answeredAtMs: Number.NaN })
    expect(judge(ownLimits, story, its)).toEqual([])
  })

  test('hold from the start where the client was made with them', () => {
    const story = new Story()
    for (const atMs of [0, 200, 300]) story.sent(story.call(atMs), atMs)
    const what = "uid|u: 2 in 1000 ms where the client's own limit is 2, and one more came"
    expect(judge(ownLimits, story, scenario({ kind: 'http', ownLimits: { uid: 2 } }))).toEqual([what])
  })
})

describe('bounds', () => {
  const ban = { kind: 'ban', atMs: 0, forMs: 20_000, labels: { uid: 'u' }, tells: 'nothing' } as const

  test('a client that goes on at full pace into a ban that names no time', () => {
    for (const [everyMs, many] of [
      [200, 1],
      [1_000, 0],
    ] as const) {
      const story = new Story()
      for (let atMs = 0; atMs < 19_900; atMs += everyMs) story.sent(story.call(atMs), atMs, { verdict: 'banned' })
      expect(judge(bounds, story, scenario({ faults: [ban] }))).toHaveLength(many)
    }
  })

  test('a faster route costs a few refusals, then it is known', () => {
    const attempt = new Story().sent(new Story().call(0), 0)
    const said: string[] = []
    const once = new Once()
    for (let i = 0; i < 8; i++) once.add(attempt, 'uid|u', 8, 50, what => said.push(what))
    once.add(attempt, 'uid|u', 8, 40, what => said.push(what))
    expect(said).toEqual([])
    once.add(attempt, 'uid|u', 8, 50, what => said.push(what))
    expect(said).toEqual(['uid|u: 9 refusals because a route was faster than the 50.0 ms seen before'])
  })

  test('who has seen few answers knows no better than the shortest of them', () => {
    for (const [sentAtMs, many] of [
      [6_250, 0],
      [6_900, 1],
    ] as const) {
      const story = new Story()
      const its = scenario({ limits: [{ name: 'uid', limit: 1, windowMs: 1_000, by: ['uid'] }] })
      story.sent(story.call(0), 0)
      // Sent over a warm connection, and slow.
      story.sent(story.call(1_100), 1_100, { answeredAtMs: 1_900, endedAtMs: 1_900 })
      story.sent(story.call(4_500), 4_500)
      story.sent(story.call(4_500), sentAtMs)
      // Most round trips are quick.
      for (let i = 0; i < 300; i++) story.sent(story.call(50_000 + 2_000 * i), 50_000 + 2_000 * i)
      expect(judge(waiting, story, its)).toHaveLength(many)
    }
  })
})

describe('settlement', () => {
  test('a call that never settles, one that settles twice, one with a strange error', () => {
    const story = new Story()
    story.call(0)
    story.call(0, { settled: 2, how: 'ok', settledAtMs: 5 })
    story.call(0, { settled: 1, how: 'RangeError', settledAtMs: 5 })
    expect(judge(settlement, story)).toEqual([
      'call 0 never settled',
      'call 1 settled 2 times',
      'call 2 settled with RangeError',
    ])
  })

  test('one that starts after its time, or after its abort', () => {
    const story = new Story()
    story.sent(story.call(0, { maxWaitMs: 100 }), 200)
    story.sent(story.call(0, { abortedAtMs: 50 }), 60)
    expect(judge(settlement, story)).toEqual([
      'call 0 had to start within 100 ms',
      'call 1 started after it was aborted',
    ])
  })

  test('a call of a life that ended need not', () => {
    const story = new Story()
    story.log.lives[0] = { bornAtMs: 0, coldStart: 'full', diedAtMs: 50 }
    story.call(0)
    expect(judge(settlement, story)).toEqual([])
  })
})

describe('retries', () => {
  const its = scenario({ kind: 'http', loads: [{ ...(scenario().loads[0] as Load), retries: 3 }] })
  const ended = (kind: string, went: number, changes: object = {}) => {
    const story = new Story()
    story.call(0, { settled: 1, how: 'BingxError', settledAtMs: 100, outcome: { kind }, went, ...changes })
    return judge(retries, story, its)
  }

  test('what may pass was tried as often as it may be', () => {
    expect([ended('transient', 4), ended('fatal', 1), ended('lost', 1, { maxWaitMs: 50 })].flat()).toEqual([])
    expect(ended('transient', 1)).toEqual(['call 0 ended as transient after 1 attempts, where 4 were to be made'])
  })

  test('unless a budget may be spent', () => {
    const story = new Story()
    for (let i = 0; i < 10; i++) story.sent(story.call(0), 0, { failedAtMs: 20 })
    story.call(50, { settled: 1, how: 'BingxError', settledAtMs: 100, outcome: { kind: 'lost' }, went: 1 })
    expect(judge(retries, story, its)).toEqual([])
  })
})

describe('holds', () => {
  const held = () => {
    const story = new Story()
    const banned = story.sent(story.call(0), 0, { verdict: 'banned', toldUntilMs: 10_000 })
    const known = { labels: { uid: 'u' }, life: 0, by: 'server' as const, attempt: banned }
    story.log.holds.push({
      ...known,
      fromMs: 20,
      untilMs: 10_000,
      latestMs: 10_010,
      releasedAtMs: Number.POSITIVE_INFINITY,
    })
    return story
  }

  test('a call into a known hold', () => {
    const story = held()
    story.sent(story.call(500), 500, { verdict: 'banned' })
    expect(judge(holds, story)).toEqual(['call 1 went into a known hold over {"uid":"u"}, 9500 ms before its end'])
  })

  test('two probes at once', () => {
    const story = held()
    story.sent(story.call(11_000), 11_000)
    story.sent(story.call(11_000), 11_005)
    expect(judge(holds, story)).toEqual(['{"uid":"u"}: 2 calls in flight after 0 answers'])
  })

  test('one probe, then two', () => {
    const story = held()
    story.sent(story.call(11_000), 11_000)
    story.sent(story.call(11_000), 11_100)
    story.sent(story.call(11_000), 11_105)
    expect(judge(holds, story)).toEqual([])
  })

  test('a hold that others do not share', () => {
    const story = held()
    story.sent(story.call(500), 500, { labels: { ...LABELS, uid: 'v' } })
    expect(judge(holds, story)).toEqual([])
  })
})

describe('conservation', () => {
  test('a token that never came back', () => {
    const story = new Story()
    story.log.atEnd = { ...snapshot, buckets: [{ name: 'uid', labels: { uid: 'u' }, limit: 5, free: 4, inFlight: 0 }] }
    expect(judge(conservation, story)).toEqual(['uid {"uid":"u"}: 4 of 5 free and 0 in flight after all was over'])
  })

  test('a call in flight that nobody sent', () => {
    const story = new Story()
    story.log.snapshots.push({
      ...snapshot,
      buckets: [{ name: 'uid', labels: { uid: 'u' }, limit: 5, free: 4, inFlight: 1 }],
    })
    expect(judge(conservation, story)).toEqual(['uid {"uid":"u"}: 1 in flight, and the world knows of 0'])
  })

  test('a call that could not go after all was over', () => {
    const story = new Story()
    story.call(95_000, { settled: 1, how: 'ok' })
    expect(judge(conservation, story)).toEqual(['call 0 could not go after all was over: ok'])
  })
})

describe('waiting', () => {
  test('a call that waits though all its tokens are there', () => {
    const story = new Story()
    story.sent(story.call(0), 3_000)
    expect(judge(waiting, story)).toEqual(['load 0 waited 3000 ms though all its tokens were there'])
  })

  test('one that waits for tokens', () => {
    const story = new Story()
    for (let i = 0; i < 5; i++) story.sent(story.call(0), 0)
    story.sent(story.call(0), 1_021)
    expect(judge(waiting, story)).toEqual([])
  })

  test('one that waits for the token of a lost call', () => {
    const its = scenario({ limits: [{ name: 'uid', limit: 1, windowMs: 1_000, by: ['uid'] }] })
    for (const [sentAtMs, many] of [
      [16_500, 0],
      [40_000, 1],
    ] as const) {
      const story = new Story()
      story.sent(story.call(0), 0, { outcome: 'lost', endedAtMs: 10_000, answeredAtMs: Number.NaN })
      // Another account hears from the same address.
      story.sent(story.call(10_500, { load: 1 }), 10_500, { labels: { ...LABELS, uid: 'v' } })
      story.sent(story.call(0), sentAtMs)
      expect(judge(waiting, story, its)).toHaveLength(many)
    }
  })
})

describe('fairness', () => {
  const load = (uid: string) => ({ ...scenario().loads[0], labels: { ...LABELS, uid } }) as Scenario['loads'][number]
  const two = scenario({
    limits: [{ name: 'ip', limit: 5, windowMs: 1_000, by: ['ip'] }],
    loads: [load('u'), load('v')],
  })

  test('one account that gets two calls while the other waits', () => {
    for (const [order, many] of [
      [[0, 1, 0, 1, 0], 0],
      [[0, 0, 1, 1, 0], 1],
    ] as const) {
      const story = new Story()
      const waitingCalls = [0, 1].map(number => Array.from({ length: 6 }, () => story.call(0, { load: number })))
      for (const [index, turn] of order.entries()) {
        const call = waitingCalls[turn]?.shift()
        if (call) story.sent(call, index * 200)
      }
      expect(judge(fairness, story, two)).toHaveLength(many)
    }
  })
})

describe('worlds of the HTTP layer', () => {
  test('a call that comes again after a failure waits like any other', () => {
    const its = scenario({ kind: 'http' })
    for (const [againAtMs, many] of [
      [2_900, 0],
      [500, 1],
    ] as const) {
      const story = new Story()
      const call = story.call(0)
      story.sent(call, 0)
      story.sent(call, 3_000, { again: { atMs: againAtMs, order: story.next() } })
      expect(judge(waiting, story, its)).toHaveLength(many)
    }
  })

  test('waits are judged until a refusal disturbs the limit', () => {
    for (const [refusedAtMs, many] of [
      [10_000, 1],
      [50, 0],
    ] as const) {
      const story = new Story()
      story.sent(story.call(0), 3_000)
      story.sent(story.call(refusedAtMs), refusedAtMs, { verdict: 'refused' })
      story.log.arrivals.sort((a, b) => a.atMs - b.atMs)
      expect(judge(waiting, story)).toHaveLength(many)
    }
  })

  test('an account over its share of a limit that was set low', () => {
    const load = (uid: string) => ({ ...scenario().loads[0], labels: { ...LABELS, uid } }) as Scenario['loads'][number]
    const limits = [
      { name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] },
      { name: 'ip', limit: 100, windowMs: 1_000, by: ['ip'] },
    ]
    const loads = [load('u'), load('v')]
    for (const [ip, many] of [
      [6, 1],
      // Then it is their own limit that binds.
      [12, 0],
    ] as const) {
      const story = new Story()
      const calls = [0, 1].map(number => Array.from({ length: 6 }, () => story.call(0, { load: number })))
      for (const [index, turn] of [0, 0, 1, 1].entries()) {
        const call = calls[turn]?.shift()
        if (call) story.sent(call, index * 200)
      }
      const its = scenario({ kind: 'http', limits, loads, ownLimits: { ip } })
      expect(judge(fairness, story, its)).toHaveLength(many)
    }
  })
})

describe('budgets', () => {
  const budget: Budget = {
    name: 'errors',
    limit: 6,
    windowMs: 10_000,
    by: ['uid'],
    count: 'apart',
    banMs: 1_000,
    stopAt: 0.5,
  }
  const its = (changes: Partial<Budget> = {}) => scenario({ budgets: [{ ...budget, ...changes }] })
  /** Sent, and answered with an error before anything else happens. */
  const fail = (story: Story, sentAtMs: number, errorCode = '7', changes: object = {}) => {
    const attempt = story.sent(story.call(sentAtMs), sentAtMs)
    const told = { failedAtMs: sentAtMs + 20, failedOrder: story.next(), endedOrder: story.next() }
    return Object.assign(attempt, { errorCode, errorAtMs: sentAtMs + 10, ...told, ...changes })
  }
  /** Sent, and answered well. */
  const goes = (story: Story, sentAtMs: number) =>
    Object.assign(story.sent(story.call(sentAtMs), sentAtMs), { endedOrder: story.next() })
  const stops = (story: Story, settledAtMs: number, againAfterMs: number) =>
    story.call(settledAtMs, {
      settled: 1,
      settledAtMs,
      settledOrder: story.next(),
      how: 'ErrorBudgetError',
      stopped: { budget: 'errors', againAfterMs },
    })

  test('more calls in flight than errors are allowed', () => {
    const story = new Story()
    for (let i = 0; i < 6; i++) story.sent(story.call(0), i)
    expect(judge(budgets, story, its())).toEqual(['errors|u: 0 errors and 5 in flight of 6, and one more went'])
  })

  test('a call more once an error is in than `stopAt` lets go', () => {
    const story = new Story()
    for (const atMs of [0, 100, 200]) fail(story, atMs)
    expect(judge(budgets, story, its())).toEqual([])
    goes(story, 300)
    expect(judge(budgets, story, its())).toEqual([
      'errors|u: 3 errors and 0 in flight where 3 of 6 is the end, and one more went',
    ])
    expect(judge(budgets, story, its({ stopAt: 0.9 }))).toEqual([])
  })

  test('calls in flight when the first error came in', () => {
    const story = new Story()
    const flying = Array.from({ length: 4 }, (_, i) => story.sent(story.call(0), i))
    fail(story, 5)
    for (const each of flying) each.endedOrder = story.next()
    expect(judge(budgets, story, its())).toEqual([])
  })

  test('codes apart, and together', () => {
    const story = new Story()
    for (const [index, code] of ['1', '2', '3', '1', '2'].entries()) fail(story, index * 100, code)
    expect(judge(budgets, story, its())).toEqual([])
    expect(judge(budgets, story, its({ count: 'together' }))).not.toEqual([])
  })

  test('an error a window old counts no more', () => {
    for (const [sentAtMs, many] of [
      [9_900, 1],
      [10_050, 0],
    ] as const) {
      const story = new Story()
      for (const atMs of [0, 100, 200]) fail(story, atMs)
      goes(story, sentAtMs)
      expect(judge(budgets, story, its())).toHaveLength(many)
    }
  })

  test('a call failed for errors that have not come, or no longer count', () => {
    for (const [errors, atMs, many] of [
      [3, 300, 0],
      [2, 300, 1],
      [3, 10_400, 1],
    ] as const) {
      const story = new Story()
      for (let i = 0; i < errors; i++) fail(story, i * 100)
      stops(story, atMs, 9_000)
      expect(judge(budgets, story, its())).toHaveLength(many)
    }
  })

  test('calls that fail after the time that was told', () => {
    for (const [againAfterMs, many] of [
      [9_000, 0],
      [1_000, 1],
      [11_000, 1],
    ] as const) {
      const story = new Story()
      for (const atMs of [0, 100, 200]) fail(story, atMs)
      stops(story, 300, againAfterMs)
      if (againAfterMs === 1_000) stops(story, 2_000, 8_000)
      expect(judge(budgets, story, its())).toHaveLength(many)
    }
  })

  test('errors of lost calls, of which nobody could know, are excused', () => {
    const story = new Story()
    for (let i = 0; i < 7; i++)
      fail(story, i * 100, '7', { outcome: 'lost', failedAtMs: Number.NaN, failedOrder: Number.POSITIVE_INFINITY })
    const { violations, excuses } = budgets(its(), story.log)
    expect(violations).toEqual([])
    expect([...excuses]).toEqual([['errors that the client could not know of', 7]])
  })
})

describe('memory', () => {
  /** A ban until 10 s that was known when the client crashed at 5 s; the next life begins at `bornAtMs`. */
  const reborn = (bornAtMs: number) => {
    const story = new Story()
    const banned = story.sent(story.call(0), 0, { verdict: 'banned', toldUntilMs: 10_000 })
    story.log.holds.push({
      labels: { uid: 'u' },
      life: 0,
      by: 'server',
      attempt: banned,
      fromMs: 20,
      untilMs: 10_000,
      latestMs: 10_010,
      releasedAtMs: Number.POSITIVE_INFINITY,
    })
    story.log.lives[0] = { bornAtMs: 0, coldStart: 'full', diedAtMs: 5_000 }
    story.log.lives.push({ bornAtMs, coldStart: 'spent', diedAtMs: Number.POSITIVE_INFINITY })
    return story
  }
  const its = scenario({ memory: true })

  test('a call into a ban that was known before the crash', () => {
    const story = reborn(6_000)
    story.sent(story.call(7_000, { life: 1 }), 7_000)
    const what = 'call 1 went into a hold that was known before the crash, over {"uid":"u"}, 3000 ms before its end'
    expect(judge(holds, story, its)).toEqual([what])
    expect(judge(holds, story)).toEqual([])
  })

  test('two probes at once of a hold that ran out meanwhile', () => {
    for (const [bornAtMs, many] of [
      [30_000, 1],
      // Long over.
      [80_000, 0],
    ] as const) {
      const story = reborn(bornAtMs)
      for (const afterMs of [0, 5]) story.sent(story.call(bornAtMs, { life: 1 }), bornAtMs + afterMs)
      const what = '{"uid":"u"}: 2 calls in flight after 0 answers since the crash'
      expect(judge(holds, story, its)).toEqual(many === 1 ? [what] : [])
    }
  })

  test('a wall clock that was set in between says nothing of ends', () => {
    const story = reborn(6_000)
    story.sent(story.call(7_000, { life: 1 }), 7_000)
    const faults = [{ kind: 'wall-step', atMs: 5_500, byMs: 3_600_000 }] as const
    expect(judge(holds, story, { ...its, faults })).toEqual([])
  })

  test('a limit that was halved begins its next life so', () => {
    const ban = { kind: 'ban', atMs: 0, forMs: 20_000, labels: { uid: 'u' }, tells: 'nothing' } as const
    for (const [memory, many] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const story = new Story()
      for (let atMs = 0; atMs < 19_000; atMs += 280)
        story.sent(story.call(atMs, { life: atMs < 9_500 ? 0 : 1 }), atMs, { verdict: 'banned' })
      expect(judge(bounds, story, scenario({ memory, faults: [ban] }))).toHaveLength(many)
    }
  })
})

describe('headers', () => {
  /** One call, whose answer told something; then one that waits for longer than its token is away. */
  const told = (usage: object, sentAtMs: number) => {
    const story = new Story()
    story.sent(story.call(0), 0, { usage: { name: 'uid', isTrue: false, isBelievable: true, ...usage } })
    story.sent(story.call(0), sentAtMs)
    return story
  }

  test('numbers that may be those of the limit are believed for two windows', () => {
    expect(judge(waiting, told({}, 2_900))).toEqual([])
    const what = 'load 0 waited 6000 ms though all its tokens were there, and longer than any header told'
    expect(judge(waiting, told({}, 6_000))).toEqual([what])
  })

  test('those of another scope are nothing to wait for', () => {
    expect(judge(waiting, told({ isBelievable: false }, 1_900))).toHaveLength(1)
  })

  test('true ones tell of others only where there are others', () => {
    expect(judge(waiting, told({ isTrue: true }, 1_900))).toHaveLength(1)
    const foreign = { kind: 'foreign', atMs: 0, forMs: 1_000, labels: { uid: 'u' }, perSecond: 1 } as const
    expect(judge(waiting, told({ isTrue: true }, 1_900), scenario({ faults: [foreign] }))).toEqual([])
  })
})

describe('stopped', () => {
  const wrongKey = { errorKind: 'key', failedAtMs: 20 } as const

  test('a call with a key that was called wrong', () => {
    const story = new Story()
    story.sent(story.call(0), 0, wrongKey)
    // Under way when it was.
    story.sent(story.call(10), 10, { errorKind: 'key', failedAtMs: 40 })
    story.log.resumes.push(1_000)
    story.sent(story.call(1_100), 1_100)
    expect(judge(stopped, story)).toEqual([])
    story.sent(story.call(500), 500)
    expect(judge(stopped, story)).toEqual([`call 3 went out with u's key, 480 ms after it was called wrong`])
  })

  test('another account, another address, and what was said of the time before somebody resumed', () => {
    const story = new Story()
    story.sent(story.call(0), 0, wrongKey)
    for (const other of [{ uid: 'v' }, { ip: 'b' }])
      story.sent(story.call(500), 500, { labels: { ...LABELS, ...other } })
    const labels = { ...LABELS, uid: 'v' }
    story.sent(story.call(2_000), 2_000, { labels, errorKind: 'key', failedAtMs: 2_500 })
    story.log.resumes.push(2_200)
    story.sent(story.call(3_000), 3_000, { labels })
    expect(judge(stopped, story)).toHaveLength(0)
  })
})

describe('clock', () => {
  const asks = (story: Story, atMs: number) => {
    const labels = { exchange: 'bingx', ip: 'a', endpoint: 'GET /openApi/swap/v2/server/time' }
    return Object.assign(story.sent(story.call(atMs, { load: NOBODYS }), atMs), { labels })
  }
  const isWrong = { errorKind: 'time', failedAtMs: 20 } as const

  test('a call signed by a wrong clock after the time was asked for', () => {
    const story = new Story()
    story.sent(story.call(0), 0, isWrong)
    asks(story, 50)
    story.sent(story.call(100), 100, { errorKind: 'time', failedAtMs: 120 })
    const what = 'call 2 was signed by a wrong clock, 30 ms after it was asked for'
    expect(judge(clock, story)).toEqual([what])
    const faults = [{ kind: 'server-clock', atMs: 80, byMs: 60_000, ppm: 0 }] as const
    expect(judge(clock, story, scenario({ faults }))).toEqual([])
  })

  test('two clocks that part while nobody calls', () => {
    const hour = 3_600_000
    for (const [ppm, many] of [
      [350, 0],
      [50, 1],
    ] as const) {
      const story = new Story()
      asks(story, 50)
      story.sent(story.call(hour), hour, { errorKind: 'time', failedAtMs: hour + 20 })
      const faults = [{ kind: 'drift', atMs: 0, ppm }] as const
      expect(judge(clock, story, scenario({ faults }))).toHaveLength(many)
    }
  })

  test('nobody asks', () => {
    for (const asked of [true, false]) {
      const story = new Story()
      story.sent(story.call(0), 0, isWrong)
      // In vain: its answer never came.
      if (asked) Object.assign(asks(story, 1_000), { succeeded: false })
      story.sent(story.call(100_000), 100_000, { errorKind: 'time', failedAtMs: 100_020 })
      const what = 'call 1 was signed by a wrong clock, and nobody asked since 99980 ms'
      expect(judge(clock, story)).toEqual(asked ? [] : [what])
    }
  })

  test('a request that was long under way is stale whatever the clock', () => {
    const story = new Story()
    asks(story, 0)
    story.sent(story.call(100), 100, { arrivedAtMs: 9_000, errorKind: 'time', failedAtMs: 9_010 })
    expect(judge(clock, story)).toEqual([])
  })
})

describe('secrets', () => {
  test('a key, or a signature, in what is given out', () => {
    const story = new Story()
    story.log.secrets.push('key-of-u0-abc')
    story.log.texts.push('all is well', 'wrong key key-of-u0-abc', `signature=${'a1'.repeat(32)}`)
    const found = judge(secrets, story)
    expect(found).toHaveLength(2)
    expect(found.join(' ')).not.toContain('key-of-u0-abc')
  })
})
