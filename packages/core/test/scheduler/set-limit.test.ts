import { inFlight, NeverFitsError, tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { gate, startsOf } from './harness.ts'

const labels = { uid: 'u' }
const perUid = (limit: number) => tokenBucket({ name: 'uid', limit, windowMs: 1000, by: ['uid'] })

describe('setLimit', () => {
  test('below what is in flight, nothing goes until as much is back; up again, the rest goes at once', async () => {
    const { clock, scheduler, job, quick } = gate([perUid(4)])
    const running = Array.from({ length: 4 }, () => job({ labels }))
    scheduler.setLimit('uid', 1)
    const waiting = Array.from({ length: 3 }, () => quick({ labels }))
    for (const each of running.slice(0, 3)) each.answer()
    await clock.advance(5000)
    expect(startsOf(waiting)).toStrictEqual([undefined, undefined, undefined])
    running[3]?.answer()
    await clock.advance(1001)
    expect(startsOf(waiting)).toStrictEqual([6001, undefined, undefined])
    scheduler.setLimit('uid', 3)
    await clock.advance(0)
    expect(startsOf(waiting)).toStrictEqual([6001, 6001, 6001])
  })

  test('counts for buckets that come later', async () => {
    const { scheduler, quick, clock } = gate([perUid(4)])
    scheduler.setLimit('uid', 1)
    const jobs = [quick({ labels }), quick({ labels })]
    await clock.advance(0)
    expect(startsOf(jobs)).toStrictEqual([0, undefined])
  })

  test('waiting calls that can never fit any more reject, the others stay', async () => {
    const { clock, scheduler, quick } = gate([perUid(4)])
    quick({ labels, cost: 4 })
    const large = quick({ labels, cost: 3 })
    const small = quick({ labels, cost: 2 })
    scheduler.setLimit('uid', 2)
    await clock.advance(2000)
    expect(large.value).toBeInstanceOf(NeverFitsError)
    expect(large.value).toMatchObject({ code: 'NEVER_FITS', limit: 'uid', cost: 3, size: 2 })
    expect(small.startsMs).toStrictEqual([1001])
  })

  test('a call judged by a bucket that was dropped while idle is judged by the new limit', async () => {
    const { clock, scheduler, quick } = gate([perUid(4)])
    quick({ labels })
    await clock.advance(10_000)
    // Others come, and the idle bucket is dropped.
    for (let i = 0; i < 10; i++) quick({ labels: { uid: `other${i}` } })
    scheduler.setLimit('uid', 2)
    const large = quick({ labels, cost: 3 })
    await clock.advance(0)
    expect(large.value).toBeInstanceOf(NeverFitsError)
    scheduler.setLimit('uid', 8)
    const fits = quick({ labels, cost: 7 })
    await clock.advance(0)
    expect(fits.state).toBe('fulfilled')
  })

  test('during a paced cold start does not hand out the difference at once', async () => {
    const { clock, scheduler, job } = gate([perUid(2)], { coldStart: 'paced' })
    const jobs = [job({ labels })]
    scheduler.setLimit('uid', 10)
    for (let i = 0; i < 9; i++) jobs.push(job({ labels }))
    await clock.advance(3000)
    expect(startsOf(jobs)).toStrictEqual([200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800, 2000])
  })

  test('with a burst, the burst keeps its size and comes back as fast as the new limit brings it', async () => {
    const limit = tokenBucket({ name: 'uid', limit: 10, windowMs: 10_000, by: ['uid'], burst: 2 })
    const { clock, scheduler, quick } = gate([limit])
    quick({ labels })
    scheduler.setLimit('uid', 100)
    const jobs = Array.from({ length: 5 }, () => quick({ labels }))
    await clock.advance(1000)
    expect(startsOf(jobs)).toStrictEqual([0, 201, 201, 402, 402])
  })

  test('raised over its burst, the burst holds', async () => {
    const limit = tokenBucket({ name: 'uid', limit: 2, windowMs: 10_000, by: ['uid'], burst: 2 })
    const { clock, scheduler, quick } = gate([limit])
    quick({ labels, cost: 0 })
    scheduler.setLimit('uid', 20)
    const jobs = Array.from({ length: 4 }, () => quick({ labels }))
    await clock.advance(2000)
    expect(startsOf(jobs)).toStrictEqual([0, 0, 1001, 1001])
  })

  test('an in-flight cap too', async () => {
    const { clock, scheduler, job } = gate([inFlight({ name: 'cap', limit: 1, by: ['uid'] })])
    const jobs = [job({ labels }), job({ labels }), job({ labels })]
    expect(startsOf(jobs)).toStrictEqual([0, undefined, undefined])
    scheduler.setLimit('cap', 2)
    await clock.advance(0)
    expect(startsOf(jobs)).toStrictEqual([0, 0, undefined])
    scheduler.setLimit('cap', 1)
    jobs[0]?.answer()
    await clock.advance(0)
    expect(startsOf(jobs)).toStrictEqual([0, 0, undefined])
    jobs[1]?.answer()
    await clock.advance(5)
    expect(startsOf(jobs)).toStrictEqual([0, 0, 0])
  })
})
