import {
  ClosedError,
  createScheduler,
  HeadgateError,
  inFlight,
  MaxWaitError,
  NeverFitsError,
  QueueFullError,
  TimeoutError,
  tokenBucket,
} from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { gate, startsOf } from './harness.ts'

const labels = { uid: 'u' }
const perUid = (limit: number, windowMs = 1000) => tokenBucket({ name: 'uid', limit, windowMs, by: ['uid'] })
const perIp = (limit: number) => tokenBucket({ name: 'ip', limit, windowMs: 1000, by: ['ip'] })
const cap = (limit: number) => inFlight({ name: 'cap', limit, by: ['uid'] })

describe('a call', () => {
  test('settles as its task does', async () => {
    const { scheduler } = gate([perUid(5)])
    await expect(scheduler.schedule({ labels }, () => 1)).resolves.toBe(1)
    await expect(scheduler.schedule({ labels }, async () => 2)).resolves.toBe(2)
    await expect(scheduler.schedule({ labels }, () => Promise.reject(new Error('a')))).rejects.toThrow('a')
    await expect(
      scheduler.schedule({ labels }, () => {
        throw new Error('b')
      }),
    ).rejects.toThrow('b')
  })

  test('whose task gives a thenable settles as that does, once, even if its `then` throws', async () => {
    const { scheduler } = gate([perUid(5)])
    const thenable = (then: PromiseLike<number>['then']) =>
      scheduler.schedule({ labels }, () => ({ then }) as Promise<number>)
    await expect(thenable(((resolve: (value: number) => void) => resolve(3)) as never)).resolves.toBe(3)
    await expect(
      thenable((() => {
        throw new Error('odd')
      }) as never),
    ).rejects.toThrow('odd')
    expect(scheduler.snapshot().counters).toMatchObject({ running: 0, answered: 2 })
  })

  test('starts in the same turn when its gates are free', () => {
    const { quick } = gate([perUid(1)])
    expect(quick({ labels }).startsMs).toStrictEqual([0])
  })

  test('tells its task how long it waited', async () => {
    const { clock, quick } = gate([perUid(1)])
    const jobs = [quick({ labels }), quick({ labels })]
    await clock.advance(2000)
    expect(jobs.map(each => each.admission.waitedMs)).toStrictEqual([0, 1001])
  })

  test('is charged to every bucket its labels lead to, or to none', async () => {
    const { clock, scheduler, quick, job } = gate([perUid(1), perIp(5)])
    job({ labels: { uid: 'u', ip: 'a' } })
    const blocked = quick({ labels: { uid: 'u', ip: 'a' } })
    await clock.advance(100)
    expect(blocked.started).toBe(false)
    expect(scheduler.snapshot().buckets).toMatchObject([
      { name: 'uid', free: 0, inFlight: 1 },
      { name: 'ip', free: 4, inFlight: 1 },
    ])
  })

  test('that costs nothing takes nothing, not even where less than nothing is free', async () => {
    const { clock, scheduler, job, quick } = gate([perUid(2)])
    job({ labels })
    job({ labels })
    scheduler.setLimit('uid', 1)
    const free = quick({ labels, cost: 0 })
    await clock.advance(0)
    expect(free.state).toBe('fulfilled')
    expect(scheduler.explain({ labels, cost: 0 })).toMatchObject({ go: true, waitMs: 0 })
    expect(scheduler.snapshot().buckets).toMatchObject([{ inFlight: 2 }])
  })

  test('takes its cost from every bucket, or by name', async () => {
    const { scheduler, job } = gate([perUid(9), perIp(9)])
    job({ labels: { uid: 'u', ip: 'a' }, cost: 3 })
    job({ labels: { uid: 'u', ip: 'a' }, cost: { ip: 4 } })
    expect(scheduler.snapshot().buckets).toMatchObject([
      { name: 'uid', inFlight: 4 },
      { name: 'ip', inFlight: 7 },
    ])
  })

  test('under no limit goes only when told so', async () => {
    const { quick, clock } = gate([perUid(1)])
    const jobs = [
      quick({ labels: { ip: 'a' }, unlimited: true }),
      quick({ labels: {}, unlimited: true }),
      quick({ labels: { ip: 'a' } }),
    ]
    await clock.advance(0)
    expect(jobs.map(each => each.state)).toStrictEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(jobs[2]?.value).toStrictEqual(
      new TypeError(
        'schedule: option "labels": expected labels that a limit applies to ("uid" by uid), or unlimited: true, got ip',
      ),
    )
  })

  test('that costs more than a bucket gives rejects at once, and charges nothing', async () => {
    const { clock, scheduler, quick } = gate([perUid(2)])
    const large = quick({ labels, cost: 3 })
    await clock.advance(0)
    expect(large.value).toBeInstanceOf(NeverFitsError)
    expect(large.value).toMatchObject({ code: 'NEVER_FITS', labels, limit: 'uid', cost: 3, size: 2 })
    expect(scheduler.snapshot()).toMatchObject({
      lanes: [],
      buckets: [{ free: 2 }],
      counters: { admitted: 0, judgements: 0 },
    })
  })
})

describe('the signal', () => {
  test('aborted before: rejects with its reason, and charges nothing', async () => {
    const { scheduler, quick, clock } = gate([perUid(1)])
    const late = quick({ labels, signal: AbortSignal.abort('no') })
    await clock.advance(0)
    expect(late.value).toBe('no')
    expect(scheduler.snapshot()).toMatchObject({ buckets: [{ free: 1 }], counters: { admitted: 0 } })
  })

  test('aborted while it waits: the call leaves its lane, those behind it move up', async () => {
    const { clock, scheduler, quick } = gate([perUid(1)])
    const controller = new AbortController()
    quick({ labels })
    const jobs = [quick({ labels, signal: controller.signal }), quick({ labels })]
    controller.abort('no')
    await clock.advance(2000)
    expect(jobs[0]?.value).toBe('no')
    expect(startsOf(jobs)).toStrictEqual([undefined, 1001])
    expect(scheduler.snapshot().counters).toMatchObject({ aborted: 1, queued: 0 })
  })

  test('aborted while it runs: the task hears it, and its call ends when the task ends', async () => {
    const { clock, job } = gate([perUid(1)])
    const controller = new AbortController()
    const running = job({ labels, signal: controller.signal })
    const { signal } = running.admission
    controller.abort('no')
    await clock.advance(10)
    expect([signal.aborted, signal.reason]).toStrictEqual([true, 'no'])
    expect(running.state).toBe('open')
    running.answer('late but in time')
    await clock.advance(0)
    expect(running.value).toBe('late but in time')
  })

  test('leaves no listener behind, on any path', async () => {
    const { clock, job, quick } = gate([perUid(1)])
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    const first = job({ labels, signal })
    void first.admission.signal
    const waiting = quick({ labels, signal })
    const expiring = quick({ labels: { uid: 'u', e: '1' }, signal, maxWaitMs: 2000 })
    expect(listeners).toBe(3)
    first.answer()
    await clock.advance(5000)
    expect([first.state, waiting.state, expiring.state]).toStrictEqual(['fulfilled', 'fulfilled', 'rejected'])
    expect(listeners).toBe(0)
  })
})

describe('maxWaitMs', () => {
  test('rejects at once when even the earliest possible start is later', async () => {
    const { clock, scheduler, quick } = gate([perUid(1)])
    quick({ labels })
    const jobs = [quick({ labels, maxWaitMs: 1000 }), quick({ labels, maxWaitMs: 1001 })]
    await clock.advance(0)
    expect(jobs[0]?.value).toBeInstanceOf(MaxWaitError)
    expect(jobs[0]?.value).toMatchObject({ code: 'MAX_WAIT', labels, maxWaitMs: 1000, waitedMs: 0, earliestMs: 1001 })
    await clock.advance(2000)
    expect(startsOf(jobs)).toStrictEqual([undefined, 1001])
    expect(scheduler.snapshot().counters).toMatchObject({ expired: 1 })
  })

  test('rejects at its end, and not before, when an answer might have made room in time', async () => {
    const { clock, scheduler, job, quick } = gate([cap(1)])
    job({ labels })
    const waiting = quick({ labels, maxWaitMs: 700 })
    await clock.advance(699)
    expect(waiting.state).toBe('open')
    await clock.advance(1)
    expect(waiting.value).toMatchObject({ code: 'MAX_WAIT', maxWaitMs: 700, waitedMs: 700, earliestMs: undefined })
    expect(waiting.endedAtMs).toBe(700)
    expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0 } })
  })

  test('a token that comes at that very instant is still in time', async () => {
    const { clock, quick } = gate([perUid(1)])
    quick({ labels })
    const waiting = quick({ labels, maxWaitMs: 1001 })
    await clock.advance(1001)
    expect(waiting.startsMs).toStrictEqual([1001])
  })

  test('0: now or never', async () => {
    const { clock, quick } = gate([perUid(1)])
    const jobs = [quick({ labels, maxWaitMs: 0 }), quick({ labels, maxWaitMs: 0 })]
    await clock.advance(0)
    expect(jobs.map(each => each.state)).toStrictEqual(['fulfilled', 'rejected'])
  })

  test('a hold counts', async () => {
    const { clock, scheduler, quick } = gate([perUid(5)])
    scheduler.hold(labels, { forMs: 5000, reason: 'test' })
    const jobs = [quick({ labels, maxWaitMs: 5999 }), quick({ labels, maxWaitMs: 6000 })]
    await clock.advance(0)
    expect(jobs[0]?.value).toMatchObject({ earliestMs: 6000 })
    await clock.advance(6000)
    expect(jobs[1]?.startsMs).toStrictEqual([6000])
  })
})

describe('maxQueued', () => {
  test('the next call rejects; those that wait are not disturbed', async () => {
    const { clock, job, quick } = gate([cap(1)], { maxQueued: 2 })
    const running = job({ labels })
    const jobs = [quick({ labels }), quick({ labels }), quick({ labels })]
    await clock.advance(0)
    expect(jobs[2]?.value).toBeInstanceOf(QueueFullError)
    expect(jobs[2]?.value).toMatchObject({ code: 'QUEUE_FULL', labels, maxQueued: 2 })
    running.answer()
    await clock.advance(0)
    expect(jobs.map(each => each.state)).toStrictEqual(['fulfilled', 'fulfilled', 'rejected'])
  })

  test('0: only calls that need not wait', async () => {
    const { clock, quick } = gate([perUid(1)], { maxQueued: 0 })
    const jobs = [quick({ labels }), quick({ labels })]
    await clock.advance(0)
    expect(jobs.map(each => each.state)).toStrictEqual(['fulfilled', 'rejected'])
  })

  test('the backlog of one account refuses nothing to another whose calls need not wait', async () => {
    const { clock, scheduler, job, quick } = gate([perUid(1)], { maxQueued: 2 })
    job({ labels })
    quick({ labels })
    quick({ labels })
    const others = [quick({ labels: { uid: 'v' } }), quick({ labels: { uid: 'v' } }), quick({ labels })]
    await clock.advance(0)
    expect(others.map(each => each.state)).toStrictEqual(['fulfilled', 'rejected', 'rejected'])
    expect(scheduler.snapshot()).toMatchObject({ counters: { queued: 2 }, lanes: [{ labels, waiting: 2 }] })
  })
})

describe('a task that takes too long', () => {
  test('is given up: its call rejects, its signal aborts, and the call counts as lost', async () => {
    const { clock, scheduler, job, news } = gate([perUid(1)], { timeoutMs: 3000 })
    const slow = job({ labels })
    const { signal } = slow.admission
    await clock.advance(2999)
    expect([slow.state, signal.aborted]).toStrictEqual(['open', false])
    await clock.advance(1)
    expect(slow.value).toBeInstanceOf(TimeoutError)
    expect(slow.value).toMatchObject({ code: 'TIMEOUT', labels, timeoutMs: 3000 })
    expect([signal.aborted, signal.reason]).toStrictEqual([true, slow.value])
    expect(scheduler.snapshot().counters).toMatchObject({ lost: 1, running: 0 })
    expect(news()).toStrictEqual(['admitted', 'lost'])
  })

  test('what it says and how it ends later is ignored', async () => {
    const { clock, scheduler, job, news } = gate([perUid(2)], { timeoutMs: 3000 })
    const slow = job({ labels })
    await clock.advance(3000)
    const before = JSON.stringify(scheduler.snapshot())
    news()
    slow.admission.counted()
    slow.admission.refused({ holdMs: 1000 })
    slow.admission.lost()
    slow.admission.unsent()
    slow.answer('too late')
    await clock.advance(0)
    expect(slow.value).toBeInstanceOf(TimeoutError)
    expect(JSON.stringify(scheduler.snapshot())).toBe(before)
    expect(news()).toStrictEqual([])
  })

  test('that asks for its signal only then gets one that is aborted', async () => {
    const { clock, job } = gate([perUid(1)], { timeoutMs: 3000 })
    const slow = job({ labels })
    await clock.advance(3000)
    expect(slow.admission.signal.aborted).toBe(true)
    expect(slow.admission.signal.reason).toBe(slow.value)
  })

  test('many share a time-out and each ends at its own instant', async () => {
    const { clock, job } = gate([perUid(5)], { timeoutMs: 1000 })
    const jobs = []
    for (let i = 0; i < 4; i++) {
      jobs.push(job({ labels }))
      await clock.advance(100)
    }
    jobs[1]?.answer()
    await clock.advance(2000)
    expect(jobs.map(each => each.endedAtMs)).toStrictEqual([1000, 400, 1200, 1300])
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('drain and close', () => {
  test('drain resolves at once when idle, else when nothing waits or runs', async () => {
    const { clock, scheduler, job } = gate([perUid(1)])
    await scheduler.drain()
    const jobs = [job({ labels }), job({ labels })]
    let drained = false
    void scheduler.drain().then(() => (drained = true))
    jobs[0]?.answer()
    await clock.advance(1001)
    expect([drained, jobs[1]?.started]).toStrictEqual([false, true])
    jobs[1]?.answer()
    await clock.advance(0)
    expect(drained).toBe(true)
  })

  test('close rejects what waits, lets finish what runs, and takes nothing more', async () => {
    const { clock, scheduler, job, quick } = gate([perUid(1)])
    const running = job({ labels })
    const waiting = [
      quick({ labels }),
      quick({ labels, maxWaitMs: 5000 }),
      quick({ labels, signal: new AbortController().signal }),
    ]
    let closed = 0
    void scheduler.close().then(() => closed++)
    void scheduler[Symbol.asyncDispose]().then(() => closed++)
    const late = quick({ labels: { uid: 'v' } })
    await clock.advance(0)
    for (const each of [...waiting, late]) expect(each.value).toBeInstanceOf(ClosedError)
    expect([closed, running.state]).toStrictEqual([0, 'open'])
    running.answer('done')
    await clock.advance(0)
    expect([closed, running.value]).toStrictEqual([2, 'done'])
    expect(clock.pendingTimers).toBe(0)
  })

  test('await using closes', async () => {
    const clock = virtualClock()
    let kept: { drain(): Promise<void>; schedule: ReturnType<typeof createScheduler>['schedule'] }
    {
      await using scheduler = createScheduler({ limits: [perUid(1)], clock, coldStart: 'full' })
      kept = scheduler
      await scheduler.schedule({ labels }, () => undefined)
    }
    await expect(kept.schedule({ labels }, () => undefined)).rejects.toThrow(ClosedError)
  })
})

describe('timers', () => {
  test('one at a time, and none when nothing waits or runs', async () => {
    const { clock, scheduler, job, quick } = gate([perUid(2), cap(2)])
    const controller = new AbortController()
    const running = [job({ labels }), job({ labels })]
    quick({ labels, maxWaitMs: 9000 })
    quick({ labels, signal: controller.signal, maxWaitMs: 8000 })
    expect(clock.pendingTimers).toBe(1)
    scheduler.hold(labels, { forMs: 2000, reason: 'test' })
    expect(clock.pendingTimers).toBe(1)
    controller.abort()
    for (const each of running) each.answer()
    await clock.advance(2500)
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(10_000)
    expect(clock.pendingTimers).toBe(0)
    await scheduler.drain()
  })

  test('a host that wakes early and late makes no difference but lateness', async () => {
    const real = virtualClock()
    let n = 0
    const clock = {
      ...real,
      setTimer: (callback: () => void, delayMs: number) => real.setTimer(callback, delayMs * (n++ % 2 ? 0.4 : 1)),
    }
    const { quick } = gate([perUid(1)], { clock })
    const jobs = [quick({ labels }), quick({ labels }), quick({ labels })]
    await real.advance(10_000)
    expect(startsOf(jobs)).toStrictEqual([0, 1001, 2002])
  })

  test('instants that no float can hit exactly are met all the same, with few wakes', async () => {
    const real = virtualClock({ startMs: 1e9 + 0.1 })
    let wakes = 0
    const clock = {
      ...real,
      setTimer: (callback: () => void, delayMs: number) =>
        real.setTimer(() => {
          wakes++
          callback()
        }, delayMs),
    }
    const { quick } = gate([perUid(3, 100.7 / 3)], { clock })
    const jobs = Array.from({ length: 300 }, () => quick({ labels }))
    await real.advance(60_000)
    expect(jobs.filter(each => each.state === 'fulfilled').length).toBe(300)
    expect(wakes).toBeLessThan(400)
  })
})

test('every error says what it is, and has a code that stays', () => {
  const errors = [
    new ClosedError(),
    new MaxWaitError(labels, 5, 5),
    new NeverFitsError(labels, 'uid', 3, 2),
    new QueueFullError(labels, 5),
    new TimeoutError(labels, 5),
  ]
  for (const error of errors) expect(error).toBeInstanceOf(HeadgateError)
  expect(errors.map(error => [error.name, error.code, error.message])).toStrictEqual([
    ['ClosedError', 'CLOSED', 'the scheduler is closed'],
    ['MaxWaitError', 'MAX_WAIT', 'not started within 5 ms: uid=u'],
    ['NeverFitsError', 'NEVER_FITS', 'costs 3, and limit "uid" never gives more than 2: uid=u'],
    ['QueueFullError', 'QUEUE_FULL', '5 calls wait already: uid=u'],
    ['TimeoutError', 'TIMEOUT', 'no end after 5 ms: uid=u'],
  ])
})
