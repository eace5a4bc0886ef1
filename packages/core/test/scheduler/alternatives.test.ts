import { errorBudget, type Labels, type Ledger, type LedgerSession, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, it, test } from 'vitest'
import { expectNothingLeft, Poll } from '../poll/harness.ts'
import { laterLedger } from '../support/later-ledger.ts'
import { gate, type Job, startsOf } from './harness.ts'

const limits = [
  tokenBucket({ name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] }),
  tokenBucket({ name: 'ip', limit: 2, windowMs: 1_000, by: ['ip'] }),
]

const A: Labels = { ip: 'a' }
const B: Labels = { ip: 'b' }
const C: Labels = { ip: 'c' }
const of = (uid: string): [Labels, Labels] => [
  { ip: 'a', uid },
  { ip: 'b', uid },
]
const both = { labels: A, alternatives: [B] }

/** The addresses by which the jobs went, in the order of the jobs. */
const ipsOf = (jobs: readonly Job[]) => jobs.map(job => job.admissions.map(({ labels }) => labels['ip']).join(' '))

describe('a call with alternatives', () => {
  it('goes by the labels with the most room', () => {
    const its = gate(limits)
    its.quick({ labels: A })
    expect(ipsOf([its.quick(both), its.quick(both), its.quick(both)])).toStrictEqual([
      'b',
      expect.any(String),
      expect.any(String),
    ])
  })

  it('has the room of all of them together', async () => {
    const its = gate(limits)
    const jobs = Array.from({ length: 10 }, () => its.quick({ ...both, alternatives: [B, C] }))
    expect(jobs.filter(job => job.started)).toHaveLength(6)
    expect(ipsOf(jobs.slice(0, 6)).sort()).toStrictEqual(['a', 'a', 'b', 'b', 'c', 'c'])
    await its.clock.advance(1_001)
    expect(startsOf(jobs).slice(6)).toStrictEqual([1_001, 1_001, 1_001, 1_001])
    expect(its.scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0, admitted: 10 } })
  })

  it('is counted by what they have in common once', async () => {
    const its = gate(limits)
    const [labels, ...alternatives] = of('u')
    const jobs = Array.from({ length: 6 }, () => its.quick({ labels: labels as Labels, alternatives }))
    expect(jobs.filter(job => job.started)).toHaveLength(4)
    await its.clock.advance(1_001)
    expect(jobs.filter(job => job.started)).toHaveLength(6)
  })

  it('tells observers by which it went', () => {
    const its = gate(limits)
    its.quick({ labels: A, alternatives: [B] })
    its.quick({ labels: A, alternatives: [B] })
    expect(its.events.map(event => ('labels' in event ? event.labels['ip'] : ''))).toStrictEqual(['a', 'b'])
  })

  it('waits as one call', () => {
    const its = gate(limits)
    for (let i = 0; i < 4; i++) its.job(both)
    its.job(both)
    its.job({ labels: A })
    expect(its.scheduler.snapshot().counters.queued).toBe(2)
    expect(its.scheduler.explain(both)).toMatchObject({ go: false, before: 1 })
    expect(its.scheduler.explain({ labels: A })).toMatchObject({ before: 2 })
    const [labels, ...alternatives] = of('u')
    its.job({ labels: labels as Labels, alternatives })
    // It stands in two lanes that draw on the account's limit.
    expect(its.scheduler.explain({ labels: { uid: 'u' } })).toMatchObject({ before: 1 })
  })

  it('takes one place in a full queue', async () => {
    const its = gate(limits, { maxQueued: 2 })
    const jobs = Array.from({ length: 7 }, () => its.job(both))
    await its.clock.advance(0)
    expect(jobs.map(job => job.state)).toStrictEqual([...new Array(6).fill('open'), 'rejected'])
  })

  it('under the same labels twice goes once', async () => {
    const its = gate(limits)
    const jobs = Array.from({ length: 3 }, () => its.quick({ labels: A, alternatives: [{ ...A }, { ...A }] }))
    await its.clock.advance(2_000)
    expect(startsOf(jobs)).toStrictEqual([0, 0, 1_001])
    expect(its.scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0 } })
  })
})

describe('a hold over one of its labels', () => {
  it('sends new calls by the others, and those that wait already, in their order', async () => {
    const its = gate(limits)
    for (let i = 0; i < 4; i++) its.quick(both)
    const jobs = Array.from({ length: 4 }, () => its.quick(both))
    its.scheduler.hold(A, { forMs: 60_000, reason: 'banned' })
    jobs.push(its.quick(both))
    await its.clock.advance(3_100)
    expect(ipsOf(jobs)).toStrictEqual(['b', 'b', 'b', 'b', 'b'])
    expect(startsOf(jobs)).toStrictEqual([1_001, 1_001, 2_002, 2_002, 3_003])
  })

  it('that its own refusal set lets it go by the other at once, before those that came after it', async () => {
    const its = gate(limits)
    const first = its.job(both)
    const others = [its.job(both), its.job(both), its.job(both)]
    const later = its.quick(both)
    expect(ipsOf([first])).toStrictEqual(['a'])
    others.find(job => job.admission.labels === B)?.answer()
    await its.clock.advance(500)
    first.refuse({ holdMs: 60_000, by: ['ip'] })
    await its.clock.advance(600)
    expect(ipsOf([first, later])).toStrictEqual(['a b', ''])
  })

  it('when all are held, waits for the one that ends first, and for its probe', async () => {
    const its = gate(limits)
    its.scheduler.hold(A, { forMs: 30_000, reason: 'banned' })
    its.scheduler.hold(B, { forMs: 10_000, reason: 'banned' })
    const jobs = [its.job(both), its.job(both), its.job(both)]
    expect(its.scheduler.explain(both)).toMatchObject({ go: false, waitMs: 11_000 })
    await its.clock.advance(11_000)
    expect(ipsOf(jobs)).toStrictEqual(['b', '', ''])
    await its.clock.advance(20_000)
    expect(ipsOf(jobs)).toStrictEqual(['b', 'a', ''])
    jobs[0]?.answer()
    await its.clock.advance(1)
    expect(ipsOf(jobs)).toStrictEqual(['b', 'a', 'b'])
  })

  it('when it is over, is used again', async () => {
    const its = gate(limits)
    its.scheduler.hold(A, { forMs: 1_000, reason: 'banned' })
    const jobs = Array.from({ length: 30 }, () => its.quick(both))
    await its.clock.advance(10_000)
    const ips = ipsOf(jobs)
    expect(ips.slice(0, 4)).toStrictEqual(['b', 'b', 'b', 'b'])
    expect(ips.filter(ip => ip === 'a').length).toBeGreaterThan(8)
  })
})

describe('maxWaitMs', () => {
  it('refuses at once only what is too late by all labels', async () => {
    const its = gate(limits)
    its.scheduler.hold(A, { forMs: 60_000, reason: 'banned' })
    its.quick({ labels: B })
    its.quick({ labels: B })
    const patient = its.quick({ ...both, maxWaitMs: 1_001 })
    const hasty = its.quick({ ...both, maxWaitMs: 1_000 })
    await its.clock.advance(0)
    expect([patient.state, hasty.state]).toStrictEqual(['open', 'rejected'])
    expect(hasty.value).toMatchObject({ code: 'MAX_WAIT' })
    await its.clock.advance(1_001)
    expect(ipsOf([patient])).toStrictEqual(['b'])
  })

  it('ends the waiting under all of them', async () => {
    const its = gate(limits)
    for (let i = 0; i < 4; i++) its.job(both)
    const job = its.quick({ ...both, maxWaitMs: 5_000 })
    await its.clock.advance(5_000)
    expect(job).toMatchObject({ state: 'rejected', endedAtMs: 5_000 })
    expect(its.scheduler.snapshot()).toMatchObject({ lanes: [], counters: { expired: 1 } })
  })
})

describe('a call that leaves', () => {
  test.each(['signal', 'close'] as const)('by %s, leaves all its lanes, once', async how => {
    const its = gate(limits)
    const running = Array.from({ length: 4 }, () => its.job(both))
    const abort = new AbortController()
    const waiting = [its.quick({ ...both, signal: abort.signal }), its.quick({ ...both, signal: abort.signal })]
    if (how === 'signal') abort.abort(new Error('enough'))
    else void its.scheduler.close()
    for (const job of running) job.answer()
    await its.clock.advance(5_000)
    expect(waiting.map(job => [job.state, job.started])).toStrictEqual([
      ['rejected', false],
      ['rejected', false],
    ])
    expect(its.scheduler.snapshot()).toMatchObject({
      lanes: [],
      counters: { queued: 0, running: 0, aborted: how === 'signal' ? 2 : 0 },
    })
  })

  it('lets those behind it go', async () => {
    const its = gate(limits)
    for (let i = 0; i < 4; i++) its.quick(both)
    const abort = new AbortController()
    its.quick({ ...both, signal: abort.signal })
    const job = its.quick(both)
    abort.abort()
    await its.clock.advance(1_001)
    expect(startsOf([job])).toStrictEqual([1_001])
  })
})

describe('calls that share one', () => {
  it('do so whichever labels it goes by, with the highest priority', async () => {
    const its = gate(limits)
    for (let i = 0; i < 4; i++) its.quick(both)
    const before = its.quick(both)
    const shared = [its.quick({ ...both, coalesce: 'x' }), its.quick({ ...both, coalesce: 'x', priority: 1 })]
    its.scheduler.hold(A, { forMs: 60_000, reason: 'banned' })
    await its.clock.advance(1_001)
    expect(shared.map(job => job.state)).toStrictEqual(['fulfilled', 'fulfilled'])
    expect(ipsOf(shared)).toStrictEqual(['b', ''])
    expect(startsOf([before])).toStrictEqual([1_001])
    expect(its.scheduler.snapshot().counters.admitted).toBe(6)
  })

  it('do not, where one of them has other alternatives', () => {
    const its = gate(limits)
    for (let i = 0; i < 4; i++) its.quick(both)
    its.quick({ ...both, coalesce: 'x' })
    its.quick({ labels: A, coalesce: 'x' })
    expect(its.scheduler.snapshot().counters.queued).toBe(2)
  })

  it('are all there still after a refusal', async () => {
    const its = gate(limits)
    const first = its.job({ ...both, coalesce: 'x' })
    const [b] = [its.job({ labels: B }), its.job({ labels: B }), its.job({ labels: A })]
    first.refuse({ holdMs: 60_000, by: ['ip'] })
    await its.clock.advance(0)
    const second = its.quick({ ...both, coalesce: 'x' })
    b.answer()
    await its.clock.advance(1_001)
    first.answer('one')
    await its.clock.advance(0)
    expect([first.value, second.value]).toStrictEqual(['one', 'one'])
    expect(ipsOf([first, second])).toStrictEqual(['a b', ''])
  })
})

describe('retries', () => {
  it('are counted over all labels', async () => {
    const its = gate(limits)
    const job = its.job({ ...both, retries: 1 })
    job.refuse()
    await its.clock.advance(1_100)
    expect(job.admissions).toHaveLength(2)
    job.refuse()
    await its.clock.advance(0)
    expect(job).toMatchObject({ state: 'rejected', value: { code: 'REFUSED', attempts: 2 } })
  })
})

describe('an error budget of one of its labels', () => {
  const budget = errorBudget({ name: 'errors', limit: 2, windowMs: 60_000, by: ['ip'], stopAt: 0.5 })

  it('once spent, leaves it the others, waiting or not; only all together fail it', async () => {
    const its = gate([...limits, budget])
    const [a, b] = [its.job(both), its.job(both)]
    its.job({ labels: A, cost: { errors: 0 } })
    its.job({ labels: B, cost: { errors: 0 } })
    const waiting = its.job(both)
    a.admission.failed('E1')
    a.answer()
    await its.clock.advance(0)
    expect(waiting.state).toBe('open')
    b.admission.failed('E1')
    b.answer()
    await its.clock.advance(0)
    expect(waiting).toMatchObject({ state: 'rejected', value: { code: 'ERROR_BUDGET' } })
    await expect(its.quick(both).promise).rejects.toMatchObject({ code: 'ERROR_BUDGET' })
  })
})

describe('a poller with alternatives', () => {
  it('goes by both, and by the one that is open', async () => {
    const its = gate(limits)
    const poll = new Poll(its, both, { everyMs: 1_000 })
    await its.clock.advance(10_000)
    const ips = () => new Set(poll.admissions.map(({ labels }) => labels['ip']))
    expect(ips()).toStrictEqual(new Set(['a', 'b']))
    expect(poll.startsMs).toHaveLength(11)
    its.scheduler.hold(B, { forMs: 60_000, reason: 'banned' })
    poll.admissions.length = 0
    await its.clock.advance(10_000)
    expect(ips()).toStrictEqual(new Set(['a']))
    expect(poll.startsMs).toHaveLength(21)
  })

  it('when all are held, tells which ends first, and goes on then', async () => {
    const its = gate(limits)
    its.scheduler.hold(A, { forMs: 30_000, reason: 'banned' })
    its.scheduler.hold(B, { forMs: 10_000, reason: 'banned' })
    const poll = new Poll(its, both, { everyMs: 1_000, maxAgeMs: 5_000 })
    await its.clock.advance(5_000)
    expect(poll.readings).toMatchObject([{ ok: false, heldUntilMs: 11_000 }])
    await its.clock.advance(6_500)
    expect(poll.admissions.map(({ labels }) => labels['ip'])).toStrictEqual(['b'])
  })

  it('leaves nothing behind', async () => {
    const its = gate(limits)
    its.scheduler.hold(A, { forMs: 30_000, reason: 'banned' })
    its.scheduler.hold(B, { forMs: 30_000, reason: 'banned' })
    const polls = Array.from({ length: 5 }, () => new Poll(its, both, { everyMs: 1_000 }))
    await its.clock.advance(5_000)
    expect(its.scheduler.snapshot().counters.queued).toBe(1)
    await Promise.all(polls.map(poll => poll.iterator.return?.()))
    expectNothingLeft(its)
  })
})

describe('bad input', () => {
  test.each([
    [{ labels: A, alternatives: B }, 'schedule: option "alternatives": expected an array of labels, got an object'],
    [{ labels: A, alternatives: [7] }, 'schedule: option "labels": expected an object of texts, got 7'],
    [{ labels: A, alternatives: [{ other: 'x' }] }, 'expected labels that a limit applies to'],
  ])('%o', async (request, message) => {
    const { scheduler } = gate(limits)
    await expect(scheduler.schedule(request as never, () => 1)).rejects.toThrow(message)
    expect(() => scheduler.explain(request as never)).toThrow(TypeError)
    expect(scheduler.snapshot().counters.admitted).toBe(0)
  })

  it('a call that does not fit one of them is refused', async () => {
    const { scheduler } = gate([
      tokenBucket({ name: 'ip', limit: ({ ip }) => (ip === 'a' ? 2 : 1), windowMs: 1_000, by: ['ip'] }),
    ])
    await expect(scheduler.schedule({ ...both, cost: 2 }, () => 1)).rejects.toMatchObject({ code: 'NEVER_FITS' })
  })
})

describe('a ledger that answers later', () => {
  it('judges a call by one of its labels at a time, and gives out every token', async () => {
    const clock = virtualClock()
    const later = laterLedger(clock, () => 3)
    let tickets = 0
    const counting: Ledger = {
      open(setup) {
        const session = later.open(setup)
        const decide: LedgerSession['decide'] = async (...asked) => {
          const decisions = await session.decide(...asked)
          tickets += decisions.filter(decision => 'sentAtMs' in decision).length
          return decisions
        }
        return new Proxy(session, { get: (target, name) => (name === 'decide' ? decide : Reflect.get(target, name)) })
      },
    }
    const its = gate(limits, { clock, ledger: counting })
    const jobs = Array.from({ length: 12 }, () => its.quick(both))
    await clock.advance(500)
    expect(jobs.filter(job => job.started)).toHaveLength(4)
    await clock.advance(700)
    expect(jobs.filter(job => job.started)).toHaveLength(8)
    await clock.advance(2_000)
    expect(jobs.map(job => job.admissions.length)).toStrictEqual(new Array(12).fill(1))
    expect(its.scheduler.snapshot()).toMatchObject({ lanes: [], counters: { admitted: 12, queued: 0 } })
    // None to be given back.
    expect(tickets).toBe(12)
  })
})
