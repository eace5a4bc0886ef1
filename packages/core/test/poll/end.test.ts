import { tokenBucket } from '@headgate/core'
import { expect, test } from 'vitest'
import { gate } from '../scheduler/harness.ts'
import { ENDS, expectNothingLeft, labels, Poll } from './harness.ts'

const perUid = tokenBucket({ name: 'uid', limit: 10, windowMs: 1_000, by: ['uid'] })

test.each(ENDS)('by %s while it sleeps leaves nothing', async (_, stop) => {
  const its = gate([perUid])
  const abort = new AbortController()
  const poll = new Poll(its, {}, { everyMs: 1_000, signal: abort.signal, maxAgeMs: 500 })
  await its.clock.advance(1_500)
  await stop(poll, its, abort)
  await its.clock.advance(0)
  expect(poll.state).toBe('done')
  expectNothingLeft(its)
  await its.clock.advance(5_000)
  expect(poll.startsMs.length).toBe(2)
})

test.each(ENDS)('by %s while it waits at the gate takes the call out', async (_, stop) => {
  const its = gate([perUid])
  const abort = new AbortController()
  its.scheduler.hold({ uid: 'u' }, { forMs: 60_000, reason: 'ban' })
  const poll = new Poll(its, { signal: abort.signal }, { everyMs: 1_000 })
  await its.clock.advance(1_500)
  expect(its.scheduler.snapshot().counters.queued).toBe(1)
  await stop(poll, its, abort)
  expect(its.scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0 } })
  await its.clock.advance(0)
  expect(poll.state).toBe('done')
  expectNothingLeft(its)
})

test.each(ENDS)('by %s while it waits for its place', async (_, stop) => {
  const its = gate([tokenBucket({ name: 'uid', limit: 1, windowMs: 10_000, by: ['uid'] })])
  const abort = new AbortController()
  const polls = [0, 1, 2].map(() => new Poll(its, {}, { everyMs: 1_000, signal: abort.signal }))
  await its.clock.advance(5_000)
  for (const poll of polls) await stop(poll, its, abort)
  await its.clock.advance(0)
  expect(polls.map(({ state }) => state)).toStrictEqual(['done', 'done', 'done'])
  expectNothingLeft(its)
})

test.each(ENDS.slice(0, 3))('by %s while its call runs aborts it', async (_, stop) => {
  const its = gate([perUid])
  const abort = new AbortController()
  const poll = new Poll(its, {}, { everyMs: 1_000, signal: abort.signal })
  poll.answer = ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  await its.clock.advance(500)
  await stop(poll, its, abort)
  await its.clock.advance(0)
  expect([poll.state, poll.admissions[0]?.signal.aborted]).toStrictEqual(['done', true])
  expect(its.scheduler.snapshot().counters).toMatchObject({ running: 0, lost: 1 })
})

test('close() lets a running call finish, and does not hang on pollers', async () => {
  const its = gate([perUid])
  const poll = new Poll(its, {}, { everyMs: 1_000 })
  poll.takesMs = 700
  await its.clock.advance(300)
  let closed = false
  void its.scheduler.close().then(() => {
    closed = true
  })
  await its.clock.advance(0)
  expect([poll.state, closed, poll.admissions[0]?.signal.aborted]).toStrictEqual(['done', false, false])
  await its.clock.advance(400)
  expect([closed, poll.readings.length]).toStrictEqual([true, 0])
  expectNothingLeft(its)
})

test('by break', async () => {
  const its = gate([perUid])
  const seen: unknown[] = []
  const reading = (async () => {
    for await (const next of its.scheduler.poll({ labels }, () => 'x', { everyMs: 100, maxAgeMs: 50 })) {
      if (seen.push(next) === 3) break
    }
  })()
  await its.clock.advance(1_000)
  await reading
  expect(seen.length).toBe(3)
  expectNothingLeft(its)
})

test('a signal that aborted before, or a closed scheduler: no call, no reading', async () => {
  const its = gate([perUid])
  const early = new Poll(its, {}, { everyMs: 1_000, signal: AbortSignal.abort() })
  await its.clock.advance(0)
  await its.scheduler.close()
  const late = new Poll(its, {}, { everyMs: 1_000 })
  await its.clock.advance(0)
  expect([early.state, late.state, early.startsMs, late.startsMs]).toStrictEqual(['done', 'done', [], []])
  expectNothingLeft(its)
})

test('no listener stays on the signal', async () => {
  const its = gate([perUid])
  const { signal } = new AbortController()
  let listeners = 0
  const { addEventListener: add, removeEventListener: remove } = AbortSignal.prototype
  Object.assign(signal, {
    addEventListener: (type: 'abort', listener: () => void) => {
      listeners++
      add.call(signal, type, listener)
    },
    removeEventListener: (type: 'abort', listener: () => void) => {
      listeners--
      remove.call(signal, type, listener)
    },
  })
  const poll = new Poll(its, {}, { everyMs: 100, signal })
  await its.clock.advance(1_000)
  expect(listeners).toBe(1)
  await poll.iterator.return?.()
  expect(listeners).toBe(0)
})

test('its buckets can be forgotten afterwards', async () => {
  const its = gate([perUid])
  const poll = new Poll(its, {}, { everyMs: 1_000 })
  await its.clock.advance(1_500)
  await poll.iterator.return?.()
  const isKept = () => its.scheduler.snapshot().buckets.some(bucket => bucket.labels['uid'] === 'u')
  expect(isKept()).toBe(true)
  await its.clock.advance(10_000)
  // Idle ones are dropped as others come.
  for (let i = 0; i < 20; i++) its.quick({ labels: { uid: `other${i}` } })
  expect(isKept()).toBe(false)
})
