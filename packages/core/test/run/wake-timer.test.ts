import { createScheduler, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { expect, test } from 'vitest'
import { WakeTimer } from '../../src/run/wake-timer.ts'

/** A clock that counts the timers it is asked for. */
function countingClock() {
  const clock = virtualClock()
  const made: number[] = []
  const setTimer = (callback: () => void, delayMs: number) => {
    made.push(delayMs)
    return clock.setTimer(callback, delayMs)
  }
  return { clock, made, counting: { nowMs: clock.nowMs, epochMs: clock.epochMs, setTimer } }
}

test('somebody who calls again as soon as the answer is in needs one timer for all calls', async () => {
  const { clock, made, counting } = countingClock()
  const limits = [tokenBucket({ name: 'uid', limit: 1_000, windowMs: 1_000, by: ['uid'] })]
  const scheduler = createScheduler({ limits, clock: counting, coldStart: 'full' })
  for (let i = 0; i < 100; i++) await scheduler.schedule({ labels: { uid: '1' } }, async () => i)
  expect(made).toHaveLength(1)
  await clock.advance(0)
  expect(clock.pendingTimers).toBe(0)
})

test('cancelled soon: once the promises of the turn are through', async () => {
  const { clock, counting } = countingClock()
  const timer = new WakeTimer(counting, () => undefined)
  timer.set(1_000)
  timer.cancelSoon()
  expect(clock.pendingTimers).toBe(1)
  await clock.advance(0)
  expect(clock.pendingTimers).toBe(0)
})

test('what is set meanwhile stays, and wakes', async () => {
  const { clock, counting } = countingClock()
  const woken: number[] = []
  const timer = new WakeTimer(counting, () => woken.push(clock.nowMs()))
  timer.set(1_000)
  timer.cancelSoon()
  timer.set(2_000)
  timer.cancelSoon()
  timer.set(500)
  await clock.advance(3_000)
  expect(woken).toEqual([500])
  timer.set(3_100)
  timer.cancelSoon()
  timer.set(3_200)
  await clock.advance(1_000)
  // The earlier one stayed: it only looks again.
  expect(woken).toEqual([500, 3_100])
})

test('cancelled at once when told so, also after it was to be cancelled soon', async () => {
  const { clock, counting } = countingClock()
  const timer = new WakeTimer(counting, () => undefined)
  timer.set(1_000)
  timer.cancelSoon()
  timer.set(Number.POSITIVE_INFINITY)
  expect(clock.pendingTimers).toBe(0)
  timer.set(1_000)
  await clock.advance(0)
  expect(clock.pendingTimers).toBe(1)
})
