import { describe, expect, test } from 'vitest'
import { bounds } from '../src/checkers/bounds.ts'
import { conservation } from '../src/checkers/conservation.ts'
import { fairness } from '../src/checkers/fairness.ts'
import { holds } from '../src/checkers/holds.ts'
import { Once } from '../src/checkers/once.ts'
import { ownLimits } from '../src/checkers/own-limits.ts'
import { secrets } from '../src/checkers/secrets.ts'
import { settlement } from '../src/checkers/settlement.ts'
import type { Checker } from '../src/checkers/violation.ts'
import { waiting } from '../src/checkers/waiting.ts'
import { windows } from '../src/checkers/windows.ts'
import type { Scenario } from '../src/scenario/scenario.ts'
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
