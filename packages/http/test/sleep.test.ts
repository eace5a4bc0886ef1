import { getEventListeners } from 'node:events'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, it } from 'vitest'
import { sleep } from '../src/sleep.ts'

describe('sleep', () => {
  it('ends after its time and leaves nothing behind', async () => {
    const clock = virtualClock()
    const { signal } = new AbortController()
    let done = false
    const slept = sleep(clock, 100, signal).then(() => {
      done = true
    })
    await clock.advance(99)
    expect(done).toBe(false)
    await clock.advance(1)
    await slept
    expect(clock.pendingTimers).toBe(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('rejects with the reason at once and leaves nothing behind', async () => {
    const clock = virtualClock()
    const controller = new AbortController()
    const slept = sleep(clock, 100, controller.signal)
    controller.abort('enough')
    await expect(slept).rejects.toBe('enough')
    expect(clock.pendingTimers).toBe(0)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  it('does not begin when aborted before', async () => {
    const clock = virtualClock()
    await expect(sleep(clock, 100, AbortSignal.abort('before'))).rejects.toBe('before')
    expect(clock.pendingTimers).toBe(0)
  })
})
