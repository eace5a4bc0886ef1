import { ClosedError, createScheduler, inFlight, type Observer, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test, vi } from 'vitest'
import { gate, Job, startsOf } from './harness.ts'

const labels = { uid: 'u' }
const perUid = (limit: number) => tokenBucket({ name: 'uid', limit, windowMs: 1000, by: ['uid'] })
const cap = (limit: number) => inFlight({ name: 'cap', limit, by: ['uid'] })

describe('a task that does not wait for the end of the stack', () => {
  test('schedules another call, which starts after it', async () => {
    const { clock, scheduler } = gate([perUid(2)])
    const order: string[] = []
    const outer = scheduler.schedule({ labels }, () => {
      void scheduler.schedule({ labels }, () => void order.push('inner'))
      order.push('outer')
    })
    await clock.advance(0)
    await outer
    expect(order).toStrictEqual(['outer', 'inner'])
  })

  test('ten thousand waiting calls with such tasks do not grow the stack', async () => {
    const { clock, job, quick } = gate([cap(1)], { maxQueued: 20_000 })
    const first = job({ labels })
    const jobs = Array.from({ length: 10_000 }, () => quick({ labels }))
    first.answer()
    await clock.advance(0)
    expect(jobs.filter(each => each.state === 'fulfilled').length).toBe(10_000)
  })

  test('closes the scheduler while a new call comes: the new call rejects', async () => {
    const { clock, scheduler, job, quick } = gate([cap(1), perUid(2)])
    const blocker = job({ labels, cost: { uid: 0 } })
    void scheduler.schedule({ labels }, () => scheduler.close())
    blocker.admission.unsent()
    const late = quick({ labels })
    await clock.advance(0)
    expect(late.value).toBeInstanceOf(ClosedError)
    expect(late.started).toBe(false)
  })

  test('closes the scheduler while a token is handed out in the arrival of another call: that call rejects', async () => {
    let nowMs = 0
    const clock = virtualClock()
    // A host that is late with its timers: what has come free is found by the next arrival.
    const lateClock = { ...clock, nowMs: () => nowMs, setTimer: () => ({ cancel: () => undefined }) }
    const scheduler = createScheduler({ limits: [perUid(1)], clock: lateClock, coldStart: 'full' })
    await scheduler.schedule({ labels }, () => undefined)
    void scheduler.schedule({ labels }, () => void scheduler.close())
    nowMs = 2000
    const late = new Job(clock, scheduler, { labels: { uid: 'v' } }, true)
    await clock.advance(0)
    expect(late.value).toBeInstanceOf(ClosedError)
    expect(late.started).toBe(false)
  })

  test('aborts a call that is just arriving: it does not start', async () => {
    let nowMs = 0
    const clock = virtualClock()
    const lateClock = { ...clock, nowMs: () => nowMs, setTimer: () => ({ cancel: () => undefined }) }
    const scheduler = createScheduler({ limits: [perUid(1)], clock: lateClock, coldStart: 'full' })
    const controller = new AbortController()
    await scheduler.schedule({ labels }, () => undefined)
    void scheduler.schedule({ labels }, () => controller.abort('changed my mind'))
    nowMs = 2000
    const late = new Job(clock, scheduler, { labels: { uid: 'v' }, signal: controller.signal }, true)
    await clock.advance(0)
    expect(late.value).toBe('changed my mind')
    expect(late.started).toBe(false)
  })
})

describe('an observer', () => {
  const observed = (limits: Parameters<typeof gate>[0]) => {
    const box: { tell: Observer } = { tell: () => undefined }
    return { box, ...gate(limits, { observer: event => box.tell(event) }) }
  }

  test('that closes the scheduler while a probe is judged stops nothing else', async () => {
    const { box, clock, scheduler, quick } = observed([perUid(5)])
    scheduler.hold(labels, { forMs: 1000, reason: 'test' })
    const waiting = [quick({ labels }), quick({ labels })]
    box.tell = event => {
      if (event.type === 'probe') void scheduler.close()
    }
    await clock.advance(10_000)
    expect(waiting.map(each => each.value)).toStrictEqual([expect.any(ClosedError), expect.any(ClosedError)])
    expect(scheduler.snapshot().counters).toMatchObject({ queued: 0, running: 0 })
    await scheduler.drain()
  })

  test('that schedules while a probe is judged does not get a second probe through', async () => {
    const { box, clock, scheduler, job } = observed([perUid(5)])
    scheduler.hold({ uid: 'u' }, { forMs: 1000, reason: 'one' })
    scheduler.hold({ endpoint: 'e' }, { forMs: 1000, reason: 'two' })
    const jobs: Job[] = []
    box.tell = event => {
      if (event.type === 'probe' && jobs.length < 2) jobs.push(job({ labels: { uid: 'v', endpoint: 'e' } }))
    }
    await clock.advance(2500)
    const first = job({ labels: { uid: 'u', endpoint: 'e' } })
    await clock.advance(0)
    expect(startsOf([first, ...jobs])).toStrictEqual([2500, undefined, undefined])
  })

  test('that throws loses no call, and its error is thrown where the host sees it', async () => {
    const { box, clock, quick } = observed([perUid(1)])
    const seen: unknown[] = []
    // Vitest would take the error for its own.
    const queue = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(callback => {
      try {
        callback()
      } catch (error) {
        seen.push(error)
      }
    })
    box.tell = () => {
      throw new Error('observer')
    }
    const jobs = [quick({ labels }), quick({ labels })]
    await clock.advance(2000)
    queue.mockRestore()
    expect(jobs.map(each => each.state)).toStrictEqual(['fulfilled', 'fulfilled'])
    expect(seen).toStrictEqual([new Error('observer'), new Error('observer')])
  })
})

describe('an abort in the middle', () => {
  test('of a call whose lane keeps tokens for itself hands them on, and breaks nothing', async () => {
    const { clock, scheduler, job, quick } = gate([
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
    const torn = job({ ...both, signal: controller.signal })
    const onA = Array.from({ length: 3 }, () => quick(a))
    const onB = Array.from({ length: 2 }, () => quick(b))
    // Woken by one bucket and refused by the other at 1301, 2002 and 2602: from the third time on tokens are kept for it.
    await clock.advance(2700)
    expect(startsOf([torn, ...onA, ...onB])).toStrictEqual([undefined, 1001, 2002, undefined, 1301, undefined])
    controller.abort('enough')
    await clock.advance(0)
    expect(torn.value).toBe('enough')
    expect(startsOf(onB)).toStrictEqual([1301, 2700])
    await clock.advance(5000)
    expect(startsOf(onA)).toStrictEqual([1001, 2002, 3003])
    await scheduler.drain()
    expect(clock.pendingTimers).toBe(0)
  })
})
