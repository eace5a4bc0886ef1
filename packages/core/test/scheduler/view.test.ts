import { inFlight, type SchedulerEvent, tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { gate } from './harness.ts'

const labels = { ip: 'a', uid: 'u' }
const perUid = (limit: number) => tokenBucket({ name: 'uid', limit, windowMs: 1000, by: ['uid'] })
const perIp = (limit: number) => tokenBucket({ name: 'ip', limit, windowMs: 2000, by: ['ip'] })
const cap = (limit: number) => inFlight({ name: 'cap', limit, by: ['uid'] })

describe('explain', () => {
  test('a call that may go', () => {
    const { scheduler } = gate([perUid(2), cap(1)])
    expect(scheduler.explain({ labels })).toStrictEqual({
      go: true,
      waitMs: 0,
      before: 0,
      gates: [
        { kind: 'bucket', name: 'uid', labels: { uid: 'u' }, limit: 2, free: 2, inFlight: 0, waitMs: 0 },
        { kind: 'cap', name: 'cap', labels: { uid: 'u' }, limit: 1, free: 1, inFlight: 0, waitMs: 0 },
      ],
    })
  })

  test('names what refuses for longest, and how long', async () => {
    const { clock, scheduler, quick } = gate([perUid(1), perIp(1)])
    quick({ labels })
    await clock.advance(100)
    expect(scheduler.explain({ labels })).toMatchObject({
      go: false,
      because: { name: 'ip', waitMs: 1901 },
      waitMs: 1901,
      before: 0,
    })
    scheduler.hold({ ip: 'a' }, { forMs: 60_000, reason: 'ban' })
    expect(scheduler.explain({ labels })).toMatchObject({
      because: { kind: 'hold', name: 'ban', labels: { ip: 'a' } },
      waitMs: 61_000,
    })
  })

  test('what hangs on an answer is longest of all: null', () => {
    const { scheduler, job } = gate([perUid(1), perIp(9)])
    job({ labels })
    scheduler.hold({ ip: 'a' }, { forMs: 60_000, reason: 'ban' })
    expect(scheduler.explain({ labels })).toMatchObject({ go: false, because: { name: 'uid' }, waitMs: null })
  })

  test('counts those that wait for one of its gates', () => {
    const { scheduler, job } = gate([perUid(1), perIp(9)])
    for (let i = 0; i < 4; i++) job({ labels })
    expect(scheduler.explain({ labels })).toMatchObject({ go: false, before: 3 })
    expect(scheduler.explain({ labels: { uid: 'v' } })).toMatchObject({ go: true, before: 0 })
  })

  test('those that wait elsewhere do not stop a call', async () => {
    const { clock, scheduler, job, quick } = gate([perUid(1), perIp(9)])
    job({ labels })
    job({ labels })
    const other = { labels: { ip: 'a', uid: 'v' } }
    expect(scheduler.explain(other)).toMatchObject({ go: true, waitMs: 0, before: 1 })
    const call = quick(other)
    await clock.advance(0)
    expect(call.state).toBe('fulfilled')
  })

  test('its cost counts', () => {
    const { scheduler, job } = gate([perUid(3)])
    job({ labels, cost: 2 })
    expect(scheduler.explain({ labels, cost: 1 })).toMatchObject({ go: true })
    expect(scheduler.explain({ labels, cost: 2 })).toMatchObject({ go: false })
    expect(scheduler.explain({ labels, cost: { uid: 0 } })).toMatchObject({ go: true })
  })

  test('changes nothing', () => {
    const { scheduler, events } = gate([perUid(1)])
    for (let i = 0; i < 5; i++) scheduler.explain({ labels })
    expect(scheduler.snapshot()).toMatchObject({ buckets: [{ free: 1 }], counters: { judgements: 0, queued: 0 } })
    expect(events).toStrictEqual([])
  })

  test('a hold over an unlimited call', () => {
    const { scheduler } = gate([perUid(1)])
    scheduler.hold({ ip: 'b' }, { forMs: 1000, reason: 'ban' })
    expect(scheduler.explain({ labels: { ip: 'b' }, unlimited: true })).toMatchObject({ go: false, waitMs: 2000 })
  })
})

describe('snapshot', () => {
  test('is plain data, whatever is going on', async () => {
    const { clock, scheduler, job } = gate([perUid(3), perIp(5), cap(2)])
    const jobs = Array.from({ length: 6 }, () => job({ labels }))
    scheduler.hold({ uid: 'v' }, { forMs: 1e12, reason: 'ban' })
    job({ labels: { ip: 'a', uid: 'v' }, priority: 2 })
    jobs[0]?.refuse({ by: ['ip'] })
    jobs[1]?.lose()
    await clock.advance(10)
    const snapshot = scheduler.snapshot()
    expect(JSON.parse(JSON.stringify(snapshot))).toStrictEqual(snapshot)
  })

  test('says what there is', async () => {
    const { clock, scheduler, job, quick } = gate([perUid(2), cap(9)])
    quick({ labels })
    job({ labels })
    job({ labels })
    job({ labels, priority: 3 })
    scheduler.hold({ uid: 'v' }, { forMs: 500, reason: 'ban' })
    await clock.advance(100)
    expect(scheduler.snapshot()).toStrictEqual({
      buckets: [{ kind: 'bucket', name: 'uid', labels: { uid: 'u' }, limit: 2, free: 0, inFlight: 1, waitMs: 901 }],
      caps: [{ kind: 'cap', name: 'cap', labels: { uid: 'u' }, limit: 9, free: 8, inFlight: 1, waitMs: 0 }],
      budgets: [],
      holds: [{ kind: 'hold', name: 'ban', labels: { uid: 'v' }, limit: 0, free: 0, inFlight: 0, waitMs: 1400 }],
      lanes: [
        { labels, priority: 0, waiting: 1 },
        { labels, priority: 3, waiting: 1 },
      ],
      counters: {
        judgements: 3,
        admitted: 2,
        answered: 1,
        refused: 0,
        lost: 0,
        unsent: 0,
        aborted: 0,
        expired: 0,
        queued: 2,
        running: 1,
      },
    })
  })

  test('is a copy: what is done to it changes nothing', () => {
    const { scheduler } = gate([perUid(2)])
    const snapshot = scheduler.snapshot() as { counters: { admitted: number } }
    snapshot.counters.admitted = 99
    expect(scheduler.snapshot().counters.admitted).toBe(0)
  })

  test('a function as limit is shown as the number it gave', () => {
    const { scheduler, quick } = gate([tokenBucket({ name: 'x', limit: () => 7, windowMs: 1000, by: ['uid'] })])
    quick({ labels })
    expect(scheduler.snapshot().buckets).toMatchObject([{ limit: 7 }])
  })
})

describe('the observer', () => {
  test('is told everything, in order, with what belongs to it and nothing more', async () => {
    const { clock, scheduler, job, events } = gate([perUid(4)])
    const seen = (): SchedulerEvent[] => events.splice(0)
    const first = job({ labels })
    expect(seen()).toStrictEqual([{ type: 'admitted', labels, waitedMs: 0 }])
    first.lose()
    await clock.advance(0)
    expect(seen()).toStrictEqual([{ type: 'lost', labels }])
    const second = job({ labels, retries: 1 })
    seen()
    second.refuse()
    expect(seen()).toStrictEqual([
      { type: 'refused', labels },
      { type: 'halved', labels: { uid: 'u' }, limit: 'uid', tokens: 2 },
    ])
    await clock.advance(30_000)
    seen()
    second.refuse({ holdMs: 3000, reason: 'ban' })
    expect(seen()).toStrictEqual([
      { type: 'refused', labels, holdMs: 3000, reason: 'ban' },
      { type: 'held', labels: { uid: 'u' }, forMs: 3000, reason: 'ban' },
    ])
    await clock.advance(4000)
    expect(seen()).toStrictEqual([
      { type: 'recovered', labels: { uid: 'u' }, limit: 'uid' },
      { type: 'probe', labels: { uid: 'u' }, reason: 'ban' },
      { type: 'admitted', labels, waitedMs: 4000 },
    ])
    scheduler.release({ uid: 'u' })
    expect(seen()).toStrictEqual([{ type: 'released', labels: { uid: 'u' }, reason: 'ban' }])
  })
})

describe('nothing is left of calls that are over', () => {
  test('after ten thousand of every kind: no lane, no timer, nothing queued or running', async () => {
    const { clock, scheduler, job } = gate([perUid(50), perIp(200), cap(20)], { timeoutMs: 2000, maxQueued: 20_000 })
    const fates = ['answer', 'fail', 'lose', 'unsent', 'refuse', 'time out', 'abort'] as const
    const jobs = Array.from({ length: 10_000 }, (_, i) => {
      const controller = new AbortController()
      const fate = fates[i % fates.length]
      const request = {
        labels: { ip: `i${i % 3}`, uid: `u${i % 20}`, endpoint: `e${i % 7}` },
        retries: 1,
        signal: controller.signal,
      }
      const call = job(i % 11 === 0 ? { ...request, maxWaitMs: 30_000 } : request)
      return { call, fate, controller, done: 0 }
    })
    for (
      let round = 0;
      round < 2000 && scheduler.snapshot().counters.queued + scheduler.snapshot().counters.running > 0;
      round++
    ) {
      for (const each of jobs) {
        const { call, fate, controller } = each
        if (call.state !== 'open') continue
        if (fate === 'abort' && round === 3) controller.abort()
        if (call.startsMs.length === each.done) continue
        each.done = call.startsMs.length
        if (fate === 'answer' || fate === 'abort') call.answer()
        else if (fate === 'fail') call.fail(new Error('HTTP 500'))
        else if (fate === 'lose') call.lose()
        else if (fate === 'refuse') call.refuse({ by: ['endpoint'] })
        else if (fate === 'unsent') {
          call.admission.unsent()
          call.answer()
        }
      }
      await clock.advance(100)
    }
    expect(jobs.filter(each => each.call.state === 'open').length).toBe(0)
    expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0, running: 0 } })
    expect(scheduler.snapshot().caps.every(each => each.inFlight === 0)).toBe(true)
    expect(scheduler.snapshot().buckets.every(each => each.inFlight === 0)).toBe(true)
    await scheduler.drain()
    expect(clock.pendingTimers).toBe(0)
    await clock.advance(600_000)
    for (const { limit, free } of scheduler.snapshot().buckets) expect(free).toBeLessThanOrEqual(limit)
  })
})
