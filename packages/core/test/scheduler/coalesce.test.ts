import { ClosedError, MaxWaitError, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { laterLedger } from '../support/later-ledger.ts'
import { gate } from './harness.ts'

const perUid = tokenBucket({ name: 'uid', limit: 1, windowMs: 1000, by: ['uid'] })
const labels = { uid: 'u' }
const balance = { labels, coalesce: 'balance' }

/** A gate whose only token is gone. */
function spent() {
  const its = gate([perUid])
  its.quick({ labels })
  return its
}

describe('a waiting call', () => {
  test('is joined by calls with the same labels and key: one admission, the first task, one answer', async () => {
    const { clock, scheduler, job } = spent()
    const sharers = [job(balance), job({ labels: { uid: 'u' }, coalesce: 'balance' }), job(balance)] as const
    expect(scheduler.snapshot().counters.queued).toBe(1)
    await clock.advance(1001)
    expect(sharers.map(sharer => sharer.startsMs)).toStrictEqual([[1001], [], []])
    sharers[0].answer('12.5')
    await clock.advance(0)
    expect(sharers.map(sharer => sharer.value)).toStrictEqual(['12.5', '12.5', '12.5'])
    expect(scheduler.snapshot().counters).toMatchObject({ admitted: 2, queued: 0 })
  })

  test.each([
    ['another key', { labels, coalesce: 'income' }],
    ['other labels', { labels: { uid: 'u', endpoint: 'e' }, coalesce: 'balance' }],
    ['no key', { labels }],
  ])('is not joined with %s', (_, request) => {
    const { scheduler, job } = spent()
    job(balance)
    job(request)
    expect(scheduler.snapshot().counters.queued).toBe(2)
  })

  test('that never said so is not joined', () => {
    const { scheduler, job } = spent()
    job({ labels })
    job(balance)
    expect(scheduler.snapshot().counters.queued).toBe(2)
  })

  test('is joined no more once it runs', async () => {
    const { clock, job } = gate([perUid])
    const first = job(balance)
    const second = job(balance)
    expect([first.started, second.started]).toStrictEqual([true, false])
    first.answer()
    await clock.advance(1001)
    expect(second.started).toBe(true)
  })

  test('settles all sharers with what its task throws', async () => {
    const { clock, job } = spent()
    const sharers = [job(balance), job(balance)] as const
    await clock.advance(1001)
    sharers[0].fail(new Error('out of order'))
    await clock.advance(0)
    expect(sharers.map(({ value }) => (value as Error).message)).toStrictEqual(['out of order', 'out of order'])
  })

  test('rejects for all sharers when the scheduler is closed', async () => {
    const { clock, scheduler, job } = spent()
    const sharers = [job(balance), job(balance)]
    void scheduler.close()
    await clock.advance(0)
    for (const { value } of sharers) expect(value).toBeInstanceOf(ClosedError)
  })
})

describe('priority', () => {
  test('a joiner with more of it lifts the call', async () => {
    const { clock, scheduler, job, quick } = spent()
    const shared = job(balance)
    const plain = quick({ labels, priority: 1 })
    job({ ...balance, priority: 2 })
    expect(scheduler.snapshot().lanes.map(lane => lane.priority)).toStrictEqual([1, 2])
    await clock.advance(1001)
    expect([shared.started, plain.started]).toStrictEqual([true, false])
  })

  test('a joiner with less of it leaves the call where it is', () => {
    const { scheduler, job } = spent()
    job(balance)
    job({ ...balance, priority: -1 })
    expect(scheduler.snapshot().lanes.map(lane => lane.priority)).toStrictEqual([0])
  })

  test('a call lifted while a ledger elsewhere judges it is judged again, and goes once', async () => {
    const clock = virtualClock()
    const { job, scheduler } = gate([perUid], { clock, ledger: laterLedger(clock, () => 5) })
    const first = job(balance)
    const second = job({ ...balance, priority: 1 })
    await clock.advance(30)
    expect([first.startsMs.length, second.startsMs.length]).toStrictEqual([1, 0])
    first.answer('x')
    await clock.advance(2000)
    expect([first.value, second.value]).toStrictEqual(['x', 'x'])
    expect(scheduler.snapshot()).toMatchObject({ lanes: [], buckets: [{ free: 1, inFlight: 0 }] })
  })
})

describe('one sharer leaves', () => {
  test('by its signal: the others keep theirs, the first one too', async () => {
    const { clock, scheduler, job } = spent()
    const abort = new AbortController()
    const first = job({ ...balance, signal: abort.signal })
    const second = job(balance)
    abort.abort('enough')
    await clock.advance(0)
    expect([first.state, first.value, second.state]).toStrictEqual(['rejected', 'enough', 'open'])
    await clock.advance(1001)
    expect(first.admission.signal.aborted).toBe(false)
    first.answer(1)
    await clock.advance(0)
    expect([first.value, second.value]).toStrictEqual(['enough', 1])
    expect(scheduler.snapshot().counters).toMatchObject({ aborted: 0, admitted: 2 })
  })

  test('the last one takes the call out while it waits', async () => {
    const { clock, scheduler, job } = spent()
    const aborts = [new AbortController(), new AbortController()] as const
    const sharers = aborts.map(({ signal }) => job({ ...balance, signal }))
    aborts[0].abort('a')
    aborts[1].abort('b')
    await clock.advance(0)
    expect(sharers.map(({ value }) => value)).toStrictEqual(['a', 'b'])
    expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { aborted: 1, queued: 0 } })
  })

  test('the last one aborts the call while it runs', async () => {
    const { clock, scheduler, job } = spent()
    const aborts = [new AbortController(), new AbortController()] as const
    const sharers = aborts.map(({ signal }) => job({ ...balance, signal }))
    await clock.advance(1001)
    const { signal } = (sharers[0] as (typeof sharers)[number]).admission
    aborts[0].abort('a')
    expect(signal.aborted).toBe(false)
    aborts[1].abort('b')
    expect([signal.aborted, signal.reason]).toStrictEqual([true, 'b'])
    sharers[0]?.fail('b')
    await clock.advance(0)
    expect(sharers.map(({ value }) => value)).toStrictEqual(['a', 'b'])
    expect(scheduler.snapshot().counters.lost).toBe(1)
  })
})

describe('maxWaitMs', () => {
  test('is over for all once the call runs, even when one of them leaves', async () => {
    const { clock, job } = spent()
    const abort = new AbortController()
    const first = job({ ...balance, signal: abort.signal })
    const second = job({ ...balance, maxWaitMs: 1500 })
    await clock.advance(1001)
    abort.abort()
    // The clock is looked at for this one.
    job({ labels })
    await clock.advance(1000)
    first.answer('12.5')
    await clock.advance(0)
    expect(second.value).toBe('12.5')
  })

  test("the first one's binds nobody else", async () => {
    const { clock, job } = gate([perUid])
    const running = job({ labels })
    const first = job({ ...balance, maxWaitMs: 1500 })
    const second = job(balance)
    await clock.advance(1600)
    expect(first.value).toBeInstanceOf(MaxWaitError)
    expect(first.value).toMatchObject({ maxWaitMs: 1500, waitedMs: 1500 })
    expect([first.endedAtMs, second.state]).toStrictEqual([1500, 'open'])
    running.answer()
    await clock.advance(2000)
    expect(first.startsMs).toStrictEqual([2601])
  })

  test("a joiner's settles the joiner alone", async () => {
    const { clock, scheduler, job } = gate([perUid])
    job({ labels })
    const first = job(balance)
    const second = job({ ...balance, maxWaitMs: 1300 })
    await clock.advance(1300)
    expect([first.state, second.state, second.endedAtMs]).toStrictEqual(['open', 'rejected', 1300])
    expect(scheduler.snapshot().counters).toMatchObject({ expired: 1, queued: 1 })
  })

  test('a joiner that can not start in time is refused at once', async () => {
    const { clock, job } = spent()
    const first = job(balance)
    const second = job({ ...balance, maxWaitMs: 500 })
    await clock.advance(0)
    expect([first.state, second.state, second.endedAtMs]).toStrictEqual(['open', 'rejected', 0])
    expect(second.value).toMatchObject({ earliestMs: 1001 })
  })

  test('of all: the call is taken out', async () => {
    const { clock, scheduler, job } = gate([perUid])
    job({ labels })
    const sharers = [job({ ...balance, maxWaitMs: 1300 }), job({ ...balance, maxWaitMs: 1400 })]
    await clock.advance(1500)
    expect(sharers.map(({ endedAtMs }) => endedAtMs)).toStrictEqual([1300, 1400])
    expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { expired: 2, queued: 0 } })
  })

  test('holds for the start after a refusal too, for each by itself', async () => {
    const { clock, job } = gate([perUid])
    job({ labels }).answer()
    const first = job({ ...balance, maxWaitMs: 1500 })
    const second = job(balance)
    await clock.advance(1100)
    first.refuse({ holdMs: 5_000 })
    await clock.advance(1)
    expect([first.state, second.state]).toStrictEqual(['rejected', 'open'])
    await clock.advance(6_000)
    expect(first.startsMs.length).toBe(2)
  })
})

describe('a call that waits again after a refusal', () => {
  test('can be joined', async () => {
    const { clock, job } = gate([perUid])
    const first = job(balance)
    first.refuse({ holdMs: 3_000 })
    await clock.advance(1)
    const second = job(balance)
    await clock.advance(5_000)
    expect([first.startsMs.length, second.startsMs.length]).toStrictEqual([2, 0])
    first.answer('x')
    await clock.advance(0)
    expect([first.value, second.value]).toStrictEqual(['x', 'x'])
  })

  test('becomes one with the call that was asked for meanwhile', async () => {
    const { clock, scheduler, job } = gate([perUid])
    const abort = new AbortController()
    const first = job(balance)
    const second = job({ ...balance, signal: abort.signal })
    const third = job({ ...balance, priority: 3 })
    expect(scheduler.snapshot().counters).toMatchObject({ queued: 1, running: 1 })
    first.refuse({ holdMs: 3_000 })
    await clock.advance(1)
    expect(scheduler.snapshot()).toMatchObject({ lanes: [{ priority: 3, waiting: 1 }], counters: { running: 0 } })
    abort.abort('enough')
    await clock.advance(5_000)
    first.answer('x')
    await clock.advance(0)
    expect([first.value, second.value, third.value]).toStrictEqual(['x', 'enough', 'x'])
  })
})
