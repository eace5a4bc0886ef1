import { type Clock, createScheduler, inFlight, type Scheduler, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { gate } from '../scheduler/harness.ts'
import { expectNothingLeft, labels, Poll } from './harness.ts'

const perUid = tokenBucket({ name: 'uid', limit: 10, windowMs: 1_000, by: ['uid'] })

describe('everyMs', () => {
  test('is from start to start', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000 })
    poll.takesMs = 300
    await its.clock.advance(3_500)
    expect(poll.startsMs).toStrictEqual([0, 1_000, 2_000, 3_000])
    expect(poll.readings).toStrictEqual([
      { ok: true, value: 0, readAtMs: 300, waitedMs: 0, sincePreviousMs: 0 },
      { ok: true, value: 1, readAtMs: 1_300, waitedMs: 0, sincePreviousMs: 1_000 },
      { ok: true, value: 2, readAtMs: 2_300, waitedMs: 0, sincePreviousMs: 1_000 },
      { ok: true, value: 3, readAtMs: 3_300, waitedMs: 0, sincePreviousMs: 1_000 },
    ])
  })

  test('one call at a time: one that takes longer is followed at once by the next, and by no other', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000 })
    poll.takesMs = 2_500
    await its.clock.advance(6_000)
    expect(poll.startsMs).toStrictEqual([0, 2_500, 5_000])
    expect(its.scheduler.snapshot().counters.running).toBe(1)
  })

  test('nothing happens before somebody asks', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000 }, false)
    await its.clock.advance(5_000)
    expect(poll.startsMs).toStrictEqual([])
    expectNothingLeft(its)
  })

  test('each iteration is a poller of its own', async () => {
    const its = gate([perUid])
    let calls = 0
    const readings = its.scheduler.poll({ labels }, () => ++calls, { everyMs: 1_000 })
    const [first, second] = [readings[Symbol.asyncIterator](), readings[Symbol.asyncIterator]()]
    void first.next()
    void second.next()
    await its.clock.advance(500)
    expect(calls).toBe(2)
    await first.return?.()
    await its.clock.advance(1_000)
    expect(calls).toBe(3)
  })

  test('a slow consumer gets the newest reading, not a backlog', async () => {
    const its = gate([perUid])
    const { iterator } = new Poll(its, {}, { everyMs: 1_000 }, false)
    const first = iterator.next()
    await its.clock.advance(5_500)
    expect(await first).toMatchObject({ value: { value: 0 } })
    expect(await iterator.next()).toMatchObject({ value: { value: 5, readAtMs: 5_000, sincePreviousMs: 5_000 } })
    const next = iterator.next()
    await its.clock.advance(600)
    expect(await next).toMatchObject({ value: { value: 6, sincePreviousMs: 1_000 } })
  })
})

describe('errors', () => {
  const broken = new Error('broken')
  const fails = (_: unknown, index: number) => {
    if (index === 1) throw broken
    return index
  }

  test('are readings by default, at the same pace', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000 })
    poll.answer = fails
    await its.clock.advance(2_500)
    expect(poll.readings).toMatchObject([
      { ok: true, value: 0 },
      { ok: false, error: broken, readAtMs: 1_000, waitedMs: 0, sincePreviousMs: 1_000 },
      { ok: true, value: 2 },
    ])
    expect(poll.startsMs).toStrictEqual([0, 1_000, 2_000])
  })

  test('end the iteration with onError: throw', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000, onError: 'throw', maxAgeMs: 100 })
    poll.answer = fails
    await its.clock.advance(5_000)
    expect([poll.state, poll.error, poll.startsMs.length]).toStrictEqual(['failed', broken, 2])
    expect(await poll.iterator.next()).toStrictEqual({ done: true, value: undefined })
    expectNothingLeft(its)
  })

  test('of the gate are readings too', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, { cost: 11 }, { everyMs: 1_000 })
    await its.clock.advance(1_500)
    expect(poll.values).toMatchObject([{ name: 'NeverFitsError' }, { name: 'NeverFitsError' }])
  })

  test('tell until when a hold is in force', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, { retries: 0 }, { everyMs: 1_000 })
    poll.answer = admission => admission.refused({ holdMs: 60_000, reason: 'banned' })
    await its.clock.advance(500)
    expect(poll.readings).toMatchObject([{ ok: false, error: { code: 'REFUSED' }, heldUntilMs: 61_000 }])
  })
})

test('where timers come late, who comes just then does not go before those who wait', async () => {
  // As on hosts that wake only every 15.6 ms: a fast poller and the next place are often due at one tick.
  const clock = virtualClock()
  const ticking: Clock = {
    ...clock,
    setTimer(callback, delayMs) {
      const atMs = Math.ceil((clock.nowMs() + delayMs) / 15.6) * 15.6
      return clock.setTimer(callback, atMs - clock.nowMs())
    },
  }
  const perIp = tokenBucket({ name: 'ip', limit: 2, windowMs: 1_000, by: ['ip'] })
  const scheduler = createScheduler({ limits: [perIp], clock: ticking, coldStart: 'full' })
  const counts = [440, 2_000, 3_000].map(everyMs => {
    const count = { many: 0 }
    const request = { labels: { ip: 'a', uid: `every ${everyMs}` } }
    const task = () => new Promise<void>(resolve => void clock.setTimer(resolve, 40))
    void (async () => {
      for await (const _ of scheduler.poll(request, task, { everyMs })) count.many++
    })()
    return count
  })
  await clock.advance(600_000)
  const [fast, slow, slower] = counts.map(({ many }) => many) as [number, number, number]
  // What the two ask for is less than their part; each of their polls waits for a place or two.
  expect(slow).toBeGreaterThan(0.6 * 300)
  expect(slower).toBeGreaterThan(0.6 * 200)
  expect(fast).toBeGreaterThan(0.6 * 700)
  await scheduler.close()
})

describe('maxAgeMs', () => {
  test('in a hold: readings that say until when, at a sensible pace, and the first good one after it', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000, maxAgeMs: 30_000 })
    await its.clock.advance(1_500)
    its.scheduler.hold({ uid: 'u' }, { forMs: 300_000, reason: 'banned' })
    await its.clock.advance(300_000)
    const bad = poll.readings.filter(reading => !reading.ok)
    expect(bad.map(({ readAtMs }) => readAtMs)).toStrictEqual(Array.from({ length: 10 }, (_, i) => 31_000 + 30_000 * i))
    expect(bad[0]).toMatchObject({ heldUntilMs: 302_500, waitedMs: 29_000, error: { code: 'STALE', ageMs: 30_000 } })
    expect(bad[0]).toMatchObject({
      error: { message: 'nothing read for 30000 ms, held for another 271500 ms (banned): uid=u' },
    })
    await its.clock.advance(1_500)
    expect(poll.readings.at(-1)).toMatchObject({ ok: true, readAtMs: 302_500, waitedMs: 300_500 })
  })

  test('in two holds: until when the one whose end is known holds, not the one whose probe is under way', async () => {
    const its = gate([perUid])
    its.scheduler.hold({ uid: 'u' }, { forMs: 300_000, reason: 'banned' })
    its.scheduler.hold({ ip: 'a' }, { forMs: 1_000, reason: 'cooling' })
    await its.clock.advance(2_500)
    const probe = its.job({ labels: { uid: 'v', ip: 'a' } })
    const poll = new Poll(its, { labels: { uid: 'u', ip: 'a' } }, { everyMs: 1_000, maxAgeMs: 30_000 })
    await its.clock.advance(35_000)
    expect(probe.started).toBe(true)
    expect(poll.readings).toMatchObject([{ ok: false, heldUntilMs: 301_000 }])
  })

  test('at a limit: which one binds', async () => {
    const its = gate([tokenBucket({ name: 'slow', limit: 1, windowMs: 60_000, by: ['uid'] })])
    const poll = new Poll(its, {}, { everyMs: 1_000, maxAgeMs: 20_000 })
    await its.clock.advance(50_000)
    expect(poll.readings).toMatchObject([
      { ok: true },
      { ok: false, readAtMs: 20_000, error: { because: { kind: 'bucket', name: 'slow' } } },
      {
        ok: false,
        readAtMs: 40_000,
        error: { message: 'nothing read for 40000 ms, limit "slow" gives no more: uid=u' },
      },
    ])
    expect(poll.readings[1]).not.toHaveProperty('heldUntilMs')
  })

  test('a call that takes so long is under way', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000, maxAgeMs: 5_000 })
    poll.takesMs = 8_000
    await its.clock.advance(6_000)
    expect(poll.values).toMatchObject([{ code: 'STALE', because: undefined }])
  })

  test('says nothing while readings are good, and pushes no good one away', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000, maxAgeMs: 1_500 })
    await its.clock.advance(10_000)
    expect(poll.readings.every(({ ok }) => ok)).toBe(true)
    const slow = new Poll(its, {}, { everyMs: 60_000, maxAgeMs: 1_500 }, false)
    const first = slow.iterator.next()
    await its.clock.advance(1_200)
    expect(await first).toMatchObject({ value: { ok: true, value: 0 } })
    await its.clock.advance(67_000)
    expect(await slow.iterator.next()).toMatchObject({ value: { ok: true, value: 1 } })
  })
})

describe('coalesce', () => {
  const coalesce = 'balance'

  test('pollers of the same thing that are ready together share one call', async () => {
    const its = gate([tokenBucket({ name: 'uid', limit: 1, windowMs: 1_000, by: ['uid'] })])
    const polls = [1, 2, 3].map(() => new Poll(its, { coalesce }, { everyMs: 500 }))
    for (const poll of polls) poll.takesMs = 10
    await its.clock.advance(20_000)
    const calls = polls.flatMap(poll => poll.startsMs).length
    expect(calls).toBe(its.scheduler.snapshot().counters.admitted)
    expect(calls).toBeLessThanOrEqual(20)
    for (const poll of polls) expect(poll.readings.length).toBeGreaterThanOrEqual(17)
  })

  test('one that ends leaves the others their call', async () => {
    const its = gate([perUid])
    its.scheduler.hold({ uid: 'u' }, { forMs: 10_000, reason: 'ban' })
    const [first, second] = [0, 1].map(() => new Poll(its, { coalesce }, { everyMs: 500 })) as [Poll, Poll]
    await its.clock.advance(1_000)
    expect(its.scheduler.snapshot().counters.queued).toBe(1)
    await first.iterator.return?.()
    expect(its.scheduler.snapshot().counters.queued).toBe(1)
    await its.clock.advance(10_200)
    expect([first.readings.length, second.readings.length]).toStrictEqual([0, 1])
    await second.iterator.return?.()
    expectNothingLeft(its)
  })

  test('a plain call joins a poll that still waits', async () => {
    const its = gate([perUid])
    its.scheduler.hold({ uid: 'u' }, { forMs: 10_000, reason: 'ban' })
    const poll = new Poll(its, { coalesce }, { everyMs: 500 })
    poll.answer = () => 'shared'
    await its.clock.advance(1_000)
    const plain = its.job({ labels: { uid: 'u' }, coalesce })
    await its.clock.advance(10_500)
    expect([plain.started, plain.value]).toStrictEqual([false, 'shared'])
  })

  test('without it nothing is shared', async () => {
    const its = gate([perUid])
    its.scheduler.hold({ uid: 'u' }, { forMs: 10_000, reason: 'ban' })
    const polls = [0, 1].map(() => new Poll(its, {}, { everyMs: 500 }))
    await its.clock.advance(11_400)
    expect(polls.map(poll => poll.startsMs.length)).toStrictEqual([1, 1])
  })
})

describe('pace', () => {
  test('pollers that begin together start one by one, never sooner after each other than 0.9 of their share', async () => {
    const its = gate([perUid])
    const polls = Array.from({ length: 20 }, () => new Poll(its, {}, { everyMs: 100 }))
    await its.clock.advance(30_000)
    const starts = polls.flatMap(poll => poll.startsMs).sort((a, b) => a - b)
    const gaps = starts.slice(1).map((atMs, index) => atMs - (starts[index] as number))
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(90 - 1e-6)
    expect(starts.length).toBeGreaterThan(0.95 * 300)
  })

  test('a one-off call goes past it', async () => {
    const its = gate([perUid])
    for (let i = 0; i < 5; i++) new Poll(its, {}, { everyMs: 100 })
    await its.clock.advance(30)
    const calls = [its.quick({ labels }), its.quick({ labels }), its.quick({ labels })]
    expect(calls.map(call => call.startsMs)).toStrictEqual([[30], [30], [30]])
  })

  test('a one-off call that ends while nobody else waits or runs leaves a poller its next start', async () => {
    const its = gate([perUid])
    const poll = new Poll(its, {}, { everyMs: 1_000, maxAgeMs: 2_500 })
    await its.clock.advance(500)
    const job = its.job({ labels })
    await its.clock.advance(100)
    job.answer('x')
    await its.clock.advance(4_900)
    expect(poll.startsMs).toStrictEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000])
  })

  test('calls in flight are capped: one poller stands at the cap, the others wait their turn', async () => {
    const its = gate([perUid, inFlight({ name: 'cap', limit: 2, by: ['uid'] })])
    const polls = Array.from({ length: 10 }, () => new Poll(its, {}, { everyMs: 1_000 }))
    for (const poll of polls) poll.takesMs = 1_000
    await its.clock.advance(20_500)
    expect(its.scheduler.snapshot().counters).toMatchObject({ running: 2, queued: 1 })
    const counts = polls.map(poll => poll.startsMs.length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
    expect(counts.reduce((sum, count) => sum + count)).toBeGreaterThanOrEqual(40)
  })

  test('a hundred pollers: one timer', async () => {
    const its = gate([perUid])
    for (let i = 0; i < 100; i++) new Poll(its, {}, { everyMs: 1_000, maxAgeMs: 100 })
    await its.clock.advance(10_000)
    expect(its.clock.pendingTimers).toBe(1)
  })
})

describe('pollWith', () => {
  test('one poll of several calls, one after the other, each through the gate', async () => {
    const its = gate([perUid])
    const startsMs: number[] = []
    const readings = its.scheduler.pollWith(
      { labels },
      async (schedule, signal) => {
        const once = () => schedule({ labels, signal }, () => startsMs.push(its.clock.nowMs()))
        await once()
        return await once()
      },
      { everyMs: 1_000 },
    )
    const iterator = readings[Symbol.asyncIterator]()
    const first = iterator.next()
    await its.clock.advance(1_500)
    expect(await first).toMatchObject({ value: { ok: true, value: 2 } })
    expect(startsMs).toStrictEqual([0, 0, 1_000, 1_000])
    await iterator.return?.()
    expectNothingLeft(its)
  })
})

describe('bad input', () => {
  const poll = (scheduler: Scheduler) => scheduler.poll.bind(scheduler) as (...args: unknown[]) => unknown
  const number = 'expected a finite number of at least 1'
  test.each<[unknown, string]>([
    [undefined, 'poll: expected an object of options, got undefined'],
    [{}, `poll: option "everyMs": ${number}, got undefined`],
    [{ everyMs: 0 }, `poll: option "everyMs": ${number}, got 0`],
    [{ everyMs: '1s' }, `poll: option "everyMs": ${number}, got "1s"`],
    [{ everyMs: Number.POSITIVE_INFINITY }, `poll: option "everyMs": ${number}, got Infinity`],
    [{ everyMs: 1, weight: 0 }, 'poll: option "weight": expected a finite number above 0, got 0'],
    [{ everyMs: 1, weight: '2' }, 'poll: option "weight": expected a finite number above 0, got "2"'],
    [{ everyMs: 1, signal: {} }, 'poll: option "signal": expected an AbortSignal, got an object'],
    [{ everyMs: 1, onError: 'ignore' }, 'poll: option "onError": expected "yield" or "throw", got "ignore"'],
    [{ everyMs: 1, maxAgeMs: 0 }, `poll: option "maxAgeMs": ${number}, got 0`],
    [
      { everyMs: 1, every: 1 },
      'poll: unknown option "every": expected one of everyMs, weight, signal, onError, maxAgeMs, got 1',
    ],
  ])('options %o', (options, message) => {
    const { scheduler } = gate([perUid])
    expect(() => poll(scheduler)({ labels }, () => 1, options)).toThrow(new TypeError(message))
  })

  test('a request that no limit applies to, or that is wrong, and a task that is none', () => {
    const { scheduler } = gate([perUid])
    const options = { everyMs: 1 }
    expect(() => poll(scheduler)({ labels: { ip: 'a' } }, () => 1, options)).toThrow(TypeError)
    expect(() => poll(scheduler)({ labels, priority: 'high' }, () => 1, options)).toThrow('option "priority"')
    expect(() => poll(scheduler)({ labels }, 'task', options)).toThrow('poll: expected a task to run, got string')
  })
})
