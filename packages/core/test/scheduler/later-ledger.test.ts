import {
  ClosedError,
  createScheduler,
  type Decisions,
  type Head,
  inFlight,
  type LedgerSession,
  type Limit,
  MaxWaitError,
  memoryLedger,
  QueueFullError,
  type ScheduleRequest,
  type SchedulerOptions,
  tokenBucket,
} from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { Job, startsOf } from './harness.ts'

/** A scheduler whose ledger judges when it is asked, and whose answer arrives when the test says so. */
function remote(limits: readonly Limit[], options: Partial<SchedulerOptions> = {}) {
  const clock = virtualClock()
  const asked: (readonly Head[])[] = []
  let retained = 0
  const pending: { arrive: () => void; fail: (error: unknown) => void }[] = []
  const scheduler = createScheduler({
    limits,
    clock,
    random: () => 0.5,
    coldStart: 'full',
    ledger: {
      open(setup) {
        const session = memoryLedger().open(setup)
        return new Proxy(session, {
          get(target, name) {
            if (name === 'retain') retained++
            if (name === 'release') retained--
            if (name !== 'decide') return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target)
            return ((heads, nowMs) => {
              asked.push(heads)
              const decisions = session.decide(heads, nowMs) as Decisions
              return new Promise((resolve, reject) => pending.push({ arrive: () => resolve(decisions), fail: reject }))
            }) satisfies LedgerSession['decide']
          },
        })
      },
    },
    ...options,
  })
  const turn = () => clock.advance(0)
  return {
    clock,
    scheduler,
    asked,
    /** Lanes whose gates the ledger has to keep. */
    retained: () => retained,
    job: (request: ScheduleRequest) => new Job(clock, scheduler, request, false),
    quick: (request: ScheduleRequest) => new Job(clock, scheduler, request, true),
    async arrive() {
      pending.shift()?.arrive()
      await turn()
    },
    async fail(error: unknown) {
      pending.shift()?.fail(error)
      await turn()
    },
    async arriveAll() {
      while (pending.length > 0) {
        pending.shift()?.arrive()
        await turn()
      }
    },
  }
}

const labels = { uid: 'u' }
const perUid = (limit: number) => tokenBucket({ name: 'uid', limit, windowMs: 1000, by: ['uid'] })

describe('a ledger that answers later', () => {
  test('is asked for one decision at a time, and for many heads at once', async () => {
    const { asked, quick, arrive } = remote([perUid(1)])
    const jobs = Array.from({ length: 5 }, (_, i) => quick({ labels: { uid: `u${i}` } }))
    expect(asked.map(heads => heads.length)).toStrictEqual([1])
    await arrive()
    expect(asked.map(heads => heads.length)).toStrictEqual([1, 4])
    await arrive()
    expect(startsOf(jobs)).toStrictEqual([0, 0, 0, 0, 0])
  })

  test('a call that arrives while the only one of its lane, taken back, is with the ledger is judged once', async () => {
    const { scheduler, asked, job, arriveAll } = remote([perUid(5)])
    const controller = new AbortController()
    const first = job({ labels, signal: controller.signal })
    controller.abort('gone')
    const second = job({ labels })
    await arriveAll()
    expect(asked.map(heads => heads.length)).toStrictEqual([1, 1])
    expect(first.value).toBe('gone')
    expect(first.started).toBe(false)
    expect(second.startsMs).toStrictEqual([0])
    expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { admitted: 1, queued: 0, running: 1 } })
    expect(scheduler.snapshot().buckets).toMatchObject([{ free: 4, inFlight: 1 }])
  })

  test('what it charged for a call that was taken back goes straight back', async () => {
    const { scheduler, job, arriveAll } = remote([perUid(1)])
    const controller = new AbortController()
    job({ labels, signal: controller.signal })
    controller.abort()
    await arriveAll()
    expect(scheduler.snapshot().buckets).toMatchObject([{ free: 1, inFlight: 0 }])
  })

  test('a lane whose last call is taken back while it is judged is forgotten once', async () => {
    const { job, retained, arriveAll } = remote([perUid(1)])
    const controller = new AbortController()
    job({ labels, signal: controller.signal })
    controller.abort()
    expect(retained()).toBe(1)
    await arriveAll()
    expect(retained()).toBe(0)
  })

  test('drain is over when the last call is taken back, or its decision fails', async () => {
    const { scheduler, job, arrive, fail } = remote([perUid(1)])
    const controller = new AbortController()
    job({ labels, signal: controller.signal })
    let drained = 0
    void scheduler.drain().then(() => drained++)
    controller.abort()
    await arrive()
    expect(drained).toBe(1)
    const failing = job({ labels })
    void scheduler.drain().then(() => drained++)
    await fail(new Error('the ledger is gone'))
    expect(failing.value).toStrictEqual(new Error('the ledger is gone'))
    expect(drained).toBe(2)
  })

  test('one failed decision fails its heads alone: those behind them are judged anew', async () => {
    const { job, fail, arriveAll } = remote([perUid(5)])
    const jobs = [job({ labels }), job({ labels }), job({ labels: { uid: 'v' } })]
    await fail(new Error('the ledger is gone'))
    await arriveAll()
    expect(jobs.map(each => each.state)).toStrictEqual(['rejected', 'open', 'open'])
    expect(startsOf(jobs)).toStrictEqual([undefined, 0, 0])
  })

  test('that never answers does not keep a call beyond its maxWaitMs', async () => {
    const { clock, job } = remote([perUid(5)])
    const jobs = [job({ labels, maxWaitMs: 500 }), job({ labels, maxWaitMs: 300 })]
    await clock.advance(300)
    expect(jobs.map(each => each.state)).toStrictEqual(['open', 'rejected'])
    await clock.advance(200)
    expect(jobs.map(each => each.value)).toStrictEqual([expect.any(MaxWaitError), expect.any(MaxWaitError)])
    expect(clock.pendingTimers).toBe(0)
  })

  test('close while it judges: waiting calls reject, and nothing of them is left', async () => {
    const { clock, scheduler, job, arriveAll } = remote([perUid(2)])
    const jobs = [job({ labels }), job({ labels }), job({ labels: { uid: 'v' } })]
    let closed = false
    void scheduler.close().then(() => (closed = true))
    await clock.advance(0)
    expect(jobs.map(each => each.value)).toStrictEqual(Array(3).fill(expect.any(ClosedError)))
    expect(closed).toBe(false)
    await arriveAll()
    expect(closed).toBe(true)
    expect(startsOf(jobs)).toStrictEqual([undefined, undefined, undefined])
    expect(scheduler.snapshot().buckets).toMatchObject(Array(2).fill({ free: 2, inFlight: 0 }))
    expect(scheduler.snapshot().lanes).toStrictEqual([])
    expect(clock.pendingTimers).toBe(0)
  })

  test('an abort of a lane that keeps tokens for itself, while it is judged, stops nobody', async () => {
    const { clock, scheduler, job, quick, arriveAll } = remote([
      tokenBucket({ name: 'a', limit: 1, windowMs: 1000, by: ['a'] }),
      tokenBucket({ name: 'b', limit: 1, windowMs: 1300, by: ['b'] }),
    ])
    const [a, b, both] = [
      { labels: { a: '1', uid: 'x' } },
      { labels: { b: '1', uid: 'y' } },
      { labels: { a: '1', b: '1', uid: 'z' } },
    ] as const
    const controller = new AbortController()
    quick(a)
    quick(b)
    await arriveAll()
    const torn = job({ ...both, signal: controller.signal })
    const others = [quick(a), quick(a), quick(b), quick(b)]
    for (const ms of [1001, 300, 701, 600]) {
      await clock.advance(ms)
      await arriveAll()
    }
    // It has its claim; now the other token is back, and its decision is under way.
    await clock.advance(500)
    controller.abort('enough')
    const unrelated = quick({ labels: { a: '2' } })
    scheduler.setLimit('a', 2)
    await arriveAll()
    await clock.advance(3000)
    await arriveAll()
    expect(torn.value).toBe('enough')
    expect([...others, unrelated].map(each => each.state)).toStrictEqual(Array(5).fill('fulfilled'))
  })

  test('a full queue refuses, as nobody knows yet whether the call could go at once', async () => {
    const { job, arriveAll } = remote([perUid(5)], { maxQueued: 1 })
    const jobs = [job({ labels }), job({ labels: { uid: 'v' } })]
    await arriveAll()
    expect(jobs[0]?.startsMs).toStrictEqual([0])
    expect(jobs[1]?.value).toBeInstanceOf(QueueFullError)
  })

  test('a cap is never exceeded while decisions are under way', async () => {
    const { job, clock, arriveAll } = remote([inFlight({ name: 'cap', limit: 2, by: ['uid'] })])
    const jobs = Array.from({ length: 5 }, () => job({ labels }))
    await arriveAll()
    expect(startsOf(jobs)).toStrictEqual([0, 0, undefined, undefined, undefined])
    jobs[0]?.answer()
    await clock.advance(0)
    await arriveAll()
    expect(startsOf(jobs)).toStrictEqual([0, 0, 0, undefined, undefined])
  })
})

test('a ledger that throws fails the calls it was asked about, and no others', async () => {
  const clock = virtualClock()
  let broken = false
  const scheduler = createScheduler({
    limits: [tokenBucket({ name: 'b', limit: 1, windowMs: 1_000, by: ['uid'] })],
    clock,
    coldStart: 'full',
    ledger: {
      open(setup) {
        const session = memoryLedger().open(setup)
        return new Proxy(session, {
          get(target, name) {
            const method = (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target)
            if (name !== 'decide') return method
            return (...args: unknown[]) => {
              if (broken) throw new Error('no ledger')
              return method(...args)
            }
          },
        })
      },
    },
  })
  const labels = { uid: '1' }
  const results = Promise.allSettled([1, 2, 3].map(value => scheduler.schedule({ labels }, () => value)))
  clock.setTimer(() => {
    broken = true
  }, 500)
  clock.setTimer(() => {
    broken = false
  }, 1_500)
  await clock.advance(10_000)
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  await expect(scheduler.schedule({ labels }, () => 4)).resolves.toBe(4)
})
