import { describe, expect, test } from 'vitest'
import { polls } from '../src/checkers/polls.ts'
import { shares } from '../src/checkers/shares.ts'
import type { Checker } from '../src/checkers/violation.ts'
import type { PollPlan, Scenario } from '../src/scenario/scenario.ts'
import { plan, Story, scenario } from './support.ts'

const judge = (checker: Checker, story: Story, its: Scenario) =>
  checker(its, story.log).violations.map(({ what }) => what)
const polled = (...plans: Partial<PollPlan>[]) =>
  scenario({
    pollers: plans.map(plan),
    loads: [{ ...(scenario().loads[0] as Scenario['loads'][number]), pattern: { kind: 'saturating', width: 0 } }],
  })

describe('polls', () => {
  /** Every second, and read at once; the second one as told. */
  const two = (atMs: number, changes: object = {}) => {
    const story = new Story()
    const poll = story.poll()
    story.read(poll, story.ran(poll, 0))
    story.read(poll, story.ran(poll, atMs, changes))
    return { story, poll }
  }

  test('nothing to say of one that keeps its time', () => {
    expect(judge(polls, two(1_000).story, polled({}))).toEqual([])
  })

  test('a second call before the first is over, or sooner than asked', () => {
    expect(judge(polls, two(15).story, polled({ everyMs: 10 }))).toContain('poller 0 has two calls under way')
    expect(judge(polls, two(900).story, polled({}))).toEqual([
      'poller 0 went after 900.0 ms, where it was to every 1000 ms',
    ])
  })

  test('a refused call may go again, if it may', () => {
    const story = new Story()
    const poll = story.poll()
    story.ran(poll, 0, { verdict: 'refused' })
    story.ran(poll, 300)
    expect(judge(polls, story, polled({ retries: 3 }))).toEqual([])
    expect(judge(polls, story, polled({}))).toHaveLength(1)
  })

  test('a call after the end, or one that goes on after it', () => {
    const { story, poll } = two(1_000)
    Object.assign(poll, { endedAtMs: 1_010, doneAtMs: 1_010, endedOrder: story.next() })
    poll.readings.pop()
    expect(judge(polls, story, polled({}))).toEqual(['poller 0 had a call under way for 10 ms after its end by return'])
    story.ran(poll, 5_000)
    expect(judge(polls, story, polled({}))).toContain('poller 0 sent a call after its end by return')
  })

  test('one that never ends, and one that does not say so', () => {
    for (const changes of [{ how: 'open' }, { doneAtMs: Number.NaN }, { doneAtMs: 61_000 }] as const) {
      const { story, poll } = two(1_000)
      Object.assign(poll, changes)
      expect(judge(polls, story, polled({}))).toHaveLength(1)
    }
  })

  test('times that are not true', () => {
    for (const changes of [{ sincePreviousMs: 900 }, { waitedMs: 500 }, { readAtMs: 1_010 }, { waitedMs: -1 }]) {
      const { story, poll } = two(1_000)
      Object.assign(poll.readings[1] ?? {}, changes)
      expect(judge(polls, story, polled({})).length).toBeGreaterThan(0)
    }
  })

  test('a backlog: something older than the newest', () => {
    const story = new Story()
    const poll = story.poll()
    const answers = [0, 1_000, 2_000].map(atMs => story.ran(poll, atMs))
    story.read(poll, answers[0])
    const late = { askedAtMs: 5_000, gotAtMs: 5_000, gotClientMs: 5_000 }
    story.read(poll, answers[1], { ...late, readAtMs: 1_020, sincePreviousMs: 1_000 })
    expect(judge(polls, story, polled({ consumerMs: 5_000 }))).toEqual([
      'poller 0 gave a reading that was not the newest',
    ])
  })

  test('silence for longer than the oldest that is wanted', () => {
    for (const [maxAgeMs, many] of [
      [70_000, 0],
      [30_000, 1],
    ] as const)
      expect(judge(polls, two(1_000).story, polled({ maxAgeMs }))).toHaveLength(many)
  })

  test('a reading that says old where it is not, or not why', () => {
    const stale = { error: 'StaleError', ageMs: 3_000, readAtMs: 4_020, sincePreviousMs: 3_000 }
    const story = (changes: object) => {
      const { story: its, poll } = two(1_000)
      its.read(poll, undefined, { ...stale, ...changes })
      return its
    }
    const its = polled({ maxAgeMs: 3_000 })
    const silent = (whats: string[]) => whats.filter(what => !what.includes('said nothing'))
    expect(silent(judge(polls, story({}), its))).toEqual([])
    expect(silent(judge(polls, story({ ageMs: 2_000 }), its))).toHaveLength(1)
    expect(silent(judge(polls, story({ ageMs: 3_500 }), its))).toHaveLength(1)
    const held = story({})
    held.log.holds.push({
      labels: { uid: 'u' },
      fromMs: 1_500,
      untilMs: 10_000,
      latestMs: 10_000,
      releasedAtMs: Number.POSITIVE_INFINITY,
      life: 0,
      by: 'server',
      attempt: undefined,
    })
    expect(silent(judge(polls, held, its))).toEqual([
      'poller 0 gave a reading that is old for a hold, and does not say so',
    ])
  })
})

describe('polls over HTTP', () => {
  const failed = { succeeded: false, errorCode: '100500' }
  const its = polled({ retries: 3 })

  test('go again after what failed, and are told of by their last attempt', () => {
    const story = new Story()
    const poll = story.poll()
    for (const atMs of [0, 1_000]) story.read(poll, story.polled(poll, [atMs, failed], [atMs + 300]).at(-1))
    expect(judge(polls, story, its)).toEqual([])
  })

  test('one that goes again after an answer, or too often', () => {
    const story = new Story()
    const poll = story.poll()
    story.read(poll, story.polled(poll, [0], [300]).at(-1))
    story.read(
      poll,
      story.polled(poll, ...[1_000, 1_100, 1_200, 1_300, 1_400, 1_500].map(atMs => [atMs, failed] as const)).at(-1),
    )
    expect(judge(polls, story, its)).toEqual([
      'poller 0 went again after it had its answer',
      'poller 0 went again after 5 failures',
    ])
  })

  test('one that begins before the last is over, or sooner than asked', () => {
    const story = new Story()
    const poll = story.poll()
    story.polled(poll, [0, failed], [900])
    story.read(poll, story.polled(poll, [950]).at(-1))
    expect(judge(polls, story, its)).toEqual(['poller 0 went after 950.0 ms, where it was to every 1000 ms'])
    Object.assign(poll.runs[1] ?? {}, { doneAtMs: 1_500, doneClientMs: 1_500 })
    expect(judge(polls, story, polled({ everyMs: 500, retries: 3 }))).toContain(
      'poller 0 began a poll before the last was over',
    )
  })

  test('how long it waited counts to its first attempt', () => {
    for (const [waitedMs, many] of [
      [200, 0],
      [500, 1],
    ] as const) {
      const story = new Story()
      const poll = story.poll()
      story.read(poll, story.polled(poll, [0]).at(-1))
      story.read(poll, story.polled(poll, [1_200, failed], [1_500]).at(-1), { waitedMs })
      expect(judge(polls, story, its)).toHaveLength(many)
    }
  })

  test('a reading that none of its calls brought', () => {
    const story = new Story()
    const poll = story.poll()
    story.polled(poll, [0])
    story.read(poll, undefined, { ok: true, readAtMs: 20 })
    expect(judge(polls, story, its)).toEqual(['poller 0 gave a reading that none of its calls brought'])
  })

  test('one that others may share goes on after their end, and after that of all of them it does not', () => {
    for (const [otherEndsAtMs, many] of [
      [5_000, 0],
      [900, 1],
    ] as const) {
      const story = new Story()
      const [poll, other] = [story.poll(), story.poll(1)]
      story.polled(poll, [1_000])
      Object.assign(poll, { endedAtMs: 500, endedOrder: -1, doneAtMs: 500, askedAtMs: 0 })
      Object.assign(other, { endedAtMs: otherEndsAtMs, doneAtMs: otherEndsAtMs })
      const coalesce = 'poll'
      expect(judge(polls, story, polled({ coalesce }, { coalesce }))).toHaveLength(many)
    }
  })
})

describe('shares', () => {
  const left = (whats: string[]) => whats.filter(what => what.includes('left'))

  test('several that leave together, but for one whose place was kept', () => {
    for (const [gapMs, many] of [
      [180, 0],
      [0, 1],
    ] as const) {
      const story = new Story()
      for (const index of [0, 1, 2]) story.ran(story.poll(index), 1_000 + index * gapMs)
      expect(left(judge(shares, story, polled({}, {}, {})))).toHaveLength(many)
    }
  })

  test('one that stops', () => {
    const story = new Story()
    story.ran(story.poll(), 1_000)
    expect(judge(shares, story, polled({}))).toEqual(['a poller went 0 times, where 25.0 were the least'])
  })

  test('beside one that stood at a limit of its own, one', () => {
    const limits = [
      { name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] },
      { name: 'ip', limit: 5, windowMs: 1_000, by: ['ip'] },
    ]
    for (const [many, violations] of [
      [2, 0],
      [9, 1],
    ] as const) {
      const story = new Story()
      const plans = Array.from({ length: many }, () => ({}))
      plans.forEach((_, index) => {
        story.ran(story.poll(index), 1_000 + index)
      })
      const its = { ...polled(...plans), limits }
      expect(judge(shares, story, its).filter(what => what.startsWith('ip'))).toHaveLength(violations)
    }
  })

  /** Two that want more than there is, in turns; the second gets so many in three of the first's. */
  const uneven = (ofThree: number, plans: Partial<PollPlan>[]) => {
    const story = new Story()
    const [one, other] = [story.poll(0), story.poll(1)]
    for (let i = 0, atMs = 200; i < 90; i++, atMs += 200) {
      story.ran(one, atMs)
      if (i % 3 >= ofThree) continue
      atMs += 200
      story.ran(other, atMs)
    }
    return judge(shares, story, { ...polled(...plans), durationMs: 29_000 })
  }
  const greedy = { everyMs: 100 }

  test('of equals one gets less', () => {
    expect(uneven(3, [greedy, greedy])).toEqual([])
    expect(uneven(2, [greedy, greedy])).toHaveLength(1)
  })

  test('of more weight more, and who wants less gets that', () => {
    expect(
      uneven(2, [
        { ...greedy, weight: 3 },
        { ...greedy, weight: 2 },
      ]),
    ).toEqual([])
    expect(
      uneven(2, [
        { ...greedy, weight: 1 },
        { ...greedy, weight: 2 },
      ]),
    ).toHaveLength(1)
    expect(uneven(2, [greedy, { everyMs: 490 }])).toEqual([])
  })
})
