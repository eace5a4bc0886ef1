import { tokenBucket } from '@headgate/core'
import { expect, test } from 'vitest'
import { gate, startsOf } from './harness.ts'

const labels = { uid: 'u' }
const perUid = (window: 'sliding' | 'anchored') =>
  tokenBucket({ name: 'uid', limit: 4, windowMs: 1_000, by: ['uid'], window })

/** One call, then a sleep that the monotonic clock knows nothing of, then many. */
async function asleep(window: 'sliding' | 'anchored', sleptMs: number) {
  const { clock, quick } = gate([perUid(window)], { floorMs: 0 })
  quick({ labels })
  await clock.advance(100)
  clock.stepEpoch(sleptMs)
  const early = [1, 2, 3].map(() => quick({ labels }))
  const late = [1, 2, 3, 4].map(() => quick({ labels }))
  await clock.advance(10_000)
  expect(startsOf(early)).toStrictEqual([100, 100, 100])
  return startsOf(late)
}

test('an anchored window that was slept through is over: what goes after it has a window of its own', async () => {
  // The server’s began anew with the calls at 100. Two are let in by what was taken before: by its own token, at 1001.
  expect(await asleep('anchored', 5_000)).toStrictEqual([1_001, 1_101, 1_101, 1_101])
})

test('without a sleep all tokens come back with the window', async () => {
  expect(await asleep('anchored', 0)).toStrictEqual([1_001, 1_001, 1_001, 1_001])
})

test('the little by which a wall clock is put right is no sleep', async () => {
  expect(await asleep('anchored', 15)).toStrictEqual([1_001, 1_001, 1_001, 1_001])
})

test('what is away for a window of its own may sleep', async () => {
  expect(await asleep('sliding', 5_000)).toStrictEqual([1_001, 1_101, 1_101, 1_101])
})
