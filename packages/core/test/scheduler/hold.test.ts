import { tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { gate, startsOf } from './harness.ts'

const labels = { ip: 'a', uid: 'u' }
const perUid = (limit: number) => tokenBucket({ name: 'uid', limit, windowMs: 1000, by: ['uid'] })
const perIp = (limit: number) => tokenBucket({ name: 'ip', limit, windowMs: 1000, by: ['ip'] })
const hold = (forMs: number, reason = 'ban') => ({ forMs, reason })

describe('a hold', () => {
  test('lets nothing through until a second after its end, then one probe', async () => {
    const { clock, scheduler, job, news } = gate([perUid(9)])
    scheduler.hold({ uid: 'u' }, hold(5000))
    const jobs = [job({ labels }), job({ labels }), job({ labels })]
    await clock.advance(5999)
    expect(startsOf(jobs)).toStrictEqual([undefined, undefined, undefined])
    await clock.advance(10_000)
    expect(startsOf(jobs)).toStrictEqual([6000, undefined, undefined])
    expect(news()).toStrictEqual(['held', 'probe', 'admitted'])
  })

  test('after the probe opens for 2, 4, 8 … calls per round trip, up to the bucket', async () => {
    const { clock, scheduler, job, news } = gate([perUid(20)])
    scheduler.hold({ uid: 'u' }, hold(0))
    const jobs = Array.from({ length: 20 }, () => job({ labels }))
    const inFlight: number[] = []
    for (let i = 0; i < 5; i++) {
      await clock.advance(i === 0 ? 1000 : 10)
      const running = jobs.filter(each => each.started && each.state === 'open')
      inFlight.push(running.length)
      for (const each of running) each.answer()
    }
    await clock.advance(0)
    expect(inFlight).toStrictEqual([1, 2, 4, 8, 5])
    expect(news().filter(type => type === 'released')).toStrictEqual(['released'])
    expect(scheduler.snapshot().holds).toStrictEqual([])
  })

  test('a probe that brings no news passes its turn on after a backoff, longer each time', async () => {
    const { clock, scheduler, job } = gate([perUid(9)])
    scheduler.hold({ uid: 'u' }, hold(0))
    const jobs = Array.from({ length: 4 }, () => job({ labels }))
    for (let i = 0; i < 20_000; i++) {
      await clock.advance(1)
      for (const each of jobs) if (each.started && each.state === 'open') each.lose()
    }
    // With 0.5 for chance: a second, and half of 2, 4, 8 s; the time-out shows a millisecond later.
    expect(startsOf(jobs)).toStrictEqual([1000, 3000, 6000, 11_000])
  })

  test('unsent is no news either; refused with a time shuts it again', async () => {
    const { clock, scheduler, job } = gate([perUid(9)])
    scheduler.hold({ uid: 'u' }, hold(0))
    const jobs = [job({ labels }), job({ labels })]
    await clock.advance(1000)
    jobs[0]?.admission.unsent()
    await clock.advance(1999)
    expect(jobs[1]?.started).toBe(false)
    await clock.advance(1)
    expect(jobs[1]?.startsMs).toStrictEqual([3000])
    jobs[1]?.refuse({ holdMs: 10_000, by: ['uid'] })
    await clock.advance(10_999)
    expect(jobs[1]?.startsMs).toStrictEqual([3000])
    await clock.advance(1)
    expect(jobs[1]?.startsMs).toStrictEqual([3000, 14_000])
  })

  test('only grows by itself: a shorter one changes nothing but that a probe is needed again', async () => {
    const { clock, scheduler, quick } = gate([perUid(9)])
    scheduler.hold({ uid: 'u' }, hold(10_000, 'long'))
    await clock.advance(1000)
    scheduler.hold({ uid: 'u' }, hold(10, 'short'))
    expect(scheduler.snapshot().holds).toMatchObject([{ name: 'long', waitMs: 10_000 }])
    const call = quick({ labels })
    await clock.advance(20_000)
    expect(call.startsMs).toStrictEqual([11_000])
  })

  test('lasts a day at the longest', () => {
    const { scheduler } = gate([perUid(9)])
    scheduler.hold({ uid: 'u' }, hold(1e12))
    expect(scheduler.snapshot().holds).toMatchObject([{ waitMs: 86_401_000 }])
  })

  test('is ended by release, over exactly its labels; then there is no probe', async () => {
    const { clock, scheduler, job, news } = gate([perUid(9)])
    scheduler.hold({ uid: 'u' }, hold(60_000))
    const jobs = [job({ labels }), job({ labels }), job({ labels })]
    scheduler.release({ uid: 'u', ip: 'a' })
    scheduler.release({ uid: 'v' })
    scheduler.release({})
    await clock.advance(0)
    expect(startsOf(jobs)).toStrictEqual([undefined, undefined, undefined])
    scheduler.release({ uid: 'u' })
    await clock.advance(0)
    expect(startsOf(jobs)).toStrictEqual([0, 0, 0])
    expect(news()).toStrictEqual(['held', 'released', 'admitted', 'admitted', 'admitted'])
  })

  test('the order of labels makes no difference', async () => {
    const { scheduler } = gate([perUid(9)])
    scheduler.hold({ uid: 'u', ip: 'a' }, hold(60_000))
    scheduler.hold({ ip: 'a', uid: 'u' }, hold(90_000))
    expect(scheduler.snapshot().holds).toMatchObject([{ waitMs: 91_000 }])
    scheduler.release({ ip: 'a', uid: 'u' })
    expect(scheduler.snapshot().holds).toStrictEqual([])
  })

  test('of several that apply all must agree; an empty set of labels is all calls', async () => {
    const { clock, scheduler, quick } = gate([perUid(9)])
    scheduler.hold({}, hold(1000, 'all'))
    scheduler.hold({ ip: 'a' }, hold(4000, 'ip'))
    const jobs = [quick({ labels }), quick({ labels: { ip: 'b', uid: 'u' } }), quick({ labels: {}, unlimited: true })]
    await clock.advance(20_000)
    expect(startsOf(jobs)).toStrictEqual([5000, 2000, 2000])
  })

  test('keeps no token while it lasts: others use them', async () => {
    const { clock, scheduler, quick } = gate([perIp(1)])
    scheduler.hold({ uid: 'u' }, hold(3000))
    const held = quick({ labels })
    const others = Array.from({ length: 3 }, () => quick({ labels: { ip: 'a', uid: 'v' } }))
    await clock.advance(10_000)
    expect(startsOf(others)).toStrictEqual([0, 1001, 2002])
    expect(held.startsMs).toStrictEqual([4000])
  })

  test('an old answer opens nothing: only calls let through since it closed', async () => {
    const { clock, scheduler, job } = gate([perUid(9)])
    scheduler.hold({ uid: 'u' }, hold(0))
    const jobs = Array.from({ length: 5 }, () => job({ labels }))
    await clock.advance(1000)
    jobs[0]?.answer()
    await clock.advance(0)
    expect(startsOf(jobs)).toStrictEqual([1000, 1000, 1000, undefined, undefined])
    jobs[1]?.refuse({ holdMs: 5000, by: ['uid'] })
    jobs[2]?.answer()
    await clock.advance(6000)
    // The refused one is the probe: it went to the head of its lane.
    expect(jobs.map(each => each.startsMs)).toStrictEqual([[1000], [1000, 7000], [1000], [], []])
  })

  test('whose calls from before are still under way sends its probe when they are over', async () => {
    const { clock, scheduler, job } = gate([perUid(9)])
    scheduler.hold({ uid: 'u' }, hold(0))
    const jobs = Array.from({ length: 3 }, () => job({ labels }))
    await clock.advance(1000)
    jobs[0]?.answer()
    await clock.advance(0)
    scheduler.hold({ uid: 'u' }, hold(1000))
    const late = job({ labels })
    await clock.advance(9000)
    expect(late.started).toBe(false)
    jobs[1]?.answer()
    await clock.advance(0)
    jobs[2]?.answer()
    await clock.advance(0)
    expect(late.startsMs).toStrictEqual([10_000])
  })

  test('that nobody probes is forgotten after an hour', async () => {
    const { clock, scheduler } = gate([perUid(9)])
    for (let i = 0; i < 100; i++) scheduler.hold({ uid: `u${i}` }, hold(0))
    await clock.advance(3_602_000)
    scheduler.hold({ uid: 'new' }, hold(0))
    expect(scheduler.snapshot().holds.length).toBe(1)
  })
})
