import { describe, expect, test } from 'vitest'
import { ageing } from '../src/checkers/ageing.ts'
import { coalescing } from '../src/checkers/coalescing.ts'
import { overflow } from '../src/checkers/overflow.ts'
import { priority } from '../src/checkers/priority.ts'
import { reserves } from '../src/checkers/reserves.ts'
import { settlement } from '../src/checkers/settlement.ts'
import type { Checker } from '../src/checkers/violation.ts'
import { windows } from '../src/checkers/windows.ts'
import type { Load, Rule, Scenario } from '../src/scenario/scenario.ts'
import type { Attempt, CallLog } from '../src/world/log.ts'
import { Story, scenario } from './support.ts'

const judge = (checker: Checker, story: Story, its: Scenario = scenario()) =>
  checker(its, story.log).violations.map(({ what }) => what)
const load = scenario().loads[0] as Load
const rule = scenario().limits[0] as Rule

describe('coalescing', () => {
  const its = scenario({ loads: [{ ...load, shares: 1 }] })
  const coalesce = 'p0'
  const shares = (call: CallLog, attempt: Attempt, settledAtMs = attempt.endedAtMs) =>
    Object.assign(call, { settled: 1, how: 'ok', settledAtMs, answer: attempt, outcome: attempt, sharedBy: attempt })

  /** Two for the same; the first goes at 500. */
  const two = (secondAtMs = 100) => {
    const story = new Story()
    const [first, second] = [story.call(0, { coalesce }), story.call(secondAtMs, { coalesce })] as const
    const attempt = story.sent(first, 500)
    for (const call of [first, second]) {
      shares(call, attempt)
      call.settledOrder = story.next()
    }
    return { story, first, second, attempt }
  }

  test('nothing to say of two that are answered together', () => {
    expect(judge(coalescing, two().story, its)).toEqual([])
  })

  test('one that came while another waited, and went by itself', () => {
    const { story, second } = two()
    shares(second, story.sent(second, 900))
    second.settledOrder = story.next()
    expect(judge(coalescing, story, its)).toEqual([
      'call 1 came while call 0 waited for the same, and ended by itself: ok',
    ])
  })

  test('one that left has nothing to be answered', () => {
    const { story, second } = two()
    Object.assign(second, { how: 'AbortError', answer: undefined, outcome: 'gone', abortedAtMs: 200, settledAtMs: 200 })
    expect(judge(coalescing, story, its)).toEqual([])
    Object.assign(second, { abortedAtMs: Number.NaN })
    expect(judge(coalescing, story, its)).toHaveLength(1)
    expect(judge(settlement, story, its)).toContain('call 1 was aborted, and not by its own signal')
  })

  test('one that joined what ran, or something else', () => {
    const story = new Story()
    const first = story.call(0, { coalesce })
    const attempt = story.sent(first, 500)
    const second = story.call(510, { coalesce })
    const other = story.call(0, { coalesce: 'p1' })
    for (const call of [first, second, other]) {
      shares(call, attempt)
      call.settledOrder = story.next()
    }
    const whats = judge(coalescing, story, its)
    expect(whats).toContain('call 1 joined call 0, which ran')
    expect(whats).toContain('call 2 was answered by call 0, which asked for something else')
  })

  test('one that goes beside what it shares', () => {
    const { story, second, attempt } = two()
    Object.assign(attempt, { endedOrder: Number.POSITIVE_INFINITY })
    story.sent(second, 510)
    expect(judge(coalescing, story, its)).toContain('call 1 went beside call 0, whose attempt it shared')
  })

  test('over HTTP, who shared in vain goes again alone', () => {
    const { story, second, attempt } = two()
    Object.assign(attempt, { succeeded: false, endedOrder: story.next() })
    shares(second, story.sent(second, 900))
    Object.assign(second, { sharedBy: attempt, settledOrder: story.next() })
    expect(judge(coalescing, story, its)).toEqual([])
  })

  test('one that goes on for nobody', () => {
    const { story, first, second } = two()
    for (const call of [first, second])
      Object.assign(call, { how: 'AbortError', answer: undefined, abortedAtMs: 505, settledAtMs: 505 })
    expect(judge(coalescing, story, its)).toEqual(['call 0 ran on for nobody, 15 ms after the last had left'])
  })
})

describe('priority', () => {
  const its = scenario({ loads: [load, { ...load, priority: 1, shares: 1 }, { ...load, shares: 1 }] })

  test('a lower one goes while a higher one waits, unless it is old', () => {
    for (const [atMs, many] of [
      [200, 1],
      [10_500, 0],
    ] as const) {
      const story = new Story()
      const low = story.call(0)
      const high = story.call(100, { load: 1 })
      story.sent(low, atMs)
      story.sent(high, atMs + 10)
      expect(judge(priority, story, its)).toHaveLength(many)
    }
  })

  test('whoever joins lifts the call that it joins', () => {
    for (const [joins, many] of [
      [true, 1],
      [false, 0],
    ] as const) {
      const story = new Story()
      const shared = story.call(0, { load: 2, coalesce: 'p0' })
      const low = story.call(10)
      const joiner = joins ? story.call(20, { load: 1, coalesce: 'p0' }) : undefined
      story.sent(low, 200)
      const attempt = story.sent(shared, 300)
      for (const call of [shared, joiner])
        if (call) Object.assign(call, { sharedBy: attempt, settled: 1, settledOrder: story.next() })
      expect(judge(priority, story, its)).toHaveLength(many)
    }
  })
})

test('ageing: an old call is overtaken by ten for each that is old, and a few', () => {
  const its = scenario({ loads: [load, { ...load, priority: 1 }] })
  for (const [many, violations] of [
    [12, 0],
    [20, 1],
  ] as const) {
    const story = new Story()
    const low = story.call(0)
    for (let i = 0; i < many; i++) story.sent(story.call(11_000 + i, { load: 1 }), 11_000 + 200 * i)
    story.sent(low, 40_000)
    expect(judge(ageing, story, its)).toHaveLength(violations)
  }
})

describe('overflow', () => {
  const drop = (call: CallLog, settledAtMs: number) =>
    Object.assign(call, { settled: 1, how: 'QueueFullError', settledAtMs })
  const three = (dropped: number, how: Scenario['overflow']) => {
    const story = new Story()
    const calls = [story.call(0), story.call(100, { load: 1 }), story.call(200)]
    drop(calls[dropped] as CallLog, 300)
    for (const [index, call] of calls.entries()) if (index !== dropped) story.sent(call, 1_000 + index)
    const its = scenario({ loads: [load, { ...load, priority: -1 }], ...(how !== undefined && { overflow: how }) })
    return judge(overflow, story, its)
  }

  test('the one that has waited longest, of the lowest priority, or nobody', () => {
    expect(three(0, 'drop-oldest')).toEqual([])
    expect(three(2, 'drop-oldest')).toEqual(['call 2 lost its place by drop-oldest, and call 0 kept it'])
    expect(three(1, 'drop-lowest')).toEqual([])
    expect(three(2, 'drop-lowest')).toEqual(['call 2 lost its place by drop-lowest, and call 1 kept it'])
    expect(three(0, undefined)).toEqual(['call 0 had its place, and lost it'])
  })
})

test('reserves: a call of low priority takes what is kept', () => {
  const limits = [{ ...rule, reserve: { share: 0.4, priority: 1 } }]
  for (const [of, many] of [
    [0, 1],
    [1, 0],
  ] as const) {
    const story = new Story()
    for (let i = 0; i < 4; i++) story.sent(story.call(0, { load: i < 3 ? 0 : of }), 10 * i)
    expect(judge(reserves, story, scenario({ limits, loads: [load, { ...load, priority: 1 }] }))).toHaveLength(many)
  }
})

describe('windows of other kinds', () => {
  /** Five at once, arriving at 510, and a sixth `atMs`. */
  const six = (atMs: number, verdict: 'accepted' | 'refused', changes: Partial<Rule>) => {
    const story = new Story()
    for (let i = 0; i < 5; i++) story.sent(story.call(500), 500)
    story.sent(story.call(atMs - 10), atMs - 10, { verdict })
    return judge(windows, story, scenario({ limits: [{ ...rule, ...changes }], serverEpochMs: 300 }))
  }

  test.each([
    // Of 300 ms past a second: windows begin at 700, 1700 …
    ['aligned', 690, 710],
    ['anchored', 1_500, 1_520],
    ['decay', 700, 715],
  ] as const)('%s: refused until then, and not from then on', (window, stillMs, againMs) => {
    expect(six(stillMs, 'refused', { window })).toEqual([expect.stringContaining('one more came')])
    expect(six(againMs, 'accepted', { window })).toEqual([])
    expect(six(stillMs, 'accepted', { window })).toContain('the server and the checker count differently')
    expect(six(againMs, 'refused', { window })).toContain('the server and the checker count differently')
  })
})
