import { MaxWaitError, tokenBucket } from '@headgate/core'
import { checkWindow } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { gate, type Job, startsOf } from './harness.ts'

const perUid = (limit: number, windowMs = 1000) => tokenBucket({ name: 'uid', limit, windowMs, by: ['uid'] })
const over = (ip: string) => ({ labels: { ip, uid: 'u' } })

describe('a route that is silent', () => {
  test('its lost tokens come back a window and the silence after its first answer', async () => {
    const { clock, job } = gate([perUid(2)])
    const lost = job(over('a'))
    await clock.advance(20_000)
    lost.lose()
    await clock.advance(0)
    // With the other token goes the call that brings the first answer.
    const first = job(over('a'))
    await clock.advance(10)
    first.answer()
    await clock.advance(0)
    const next = [job(over('a')), job(over('a'))]
    await clock.advance(60_000)
    // The first one's token a window and the guard after its answer. The lost one's after 20,010 ms of silence, as long again
    // for what was stuck, and a window.
    expect(startsOf(next)).toStrictEqual([21_011, 41_020])
  })

  test('its lost tokens come back after lostCallMs at least, however short the silence was', async () => {
    const { clock, job } = gate([perUid(1)])
    const lost = job(over('a'))
    await clock.advance(100)
    lost.lose()
    await clock.advance(0)
    const other = job({ labels: { ip: 'a', uid: 'other' } })
    await clock.advance(10)
    other.answer()
    const next = job(over('a'))
    await clock.advance(60_000)
    expect(startsOf([next])).toStrictEqual([6110])
  })

  test('a call of several tokens takes the place of what is lost alone: it waits for what will come back', async () => {
    const { clock, job, quick } = gate([perUid(2)])
    const lost = job(over('a'))
    await clock.advance(1000)
    lost.lose()
    await clock.advance(6000)
    quick(over('b'))
    const both = job({ ...over('a'), cost: 2 })
    await clock.advance(60_000)
    expect(startsOf([both])).toStrictEqual([8001])
  })

  test('a call of several tokens takes the place of those lost on several routes when the last of them would be back', async () => {
    const { clock, job } = gate([perUid(2)])
    const lost = [job(over('a')), job(over('b'))]
    await clock.advance(1000)
    lost[0]?.lose()
    await clock.advance(2000)
    lost[1]?.lose()
    await clock.advance(0)
    const both = job({ ...over('a'), cost: 2 })
    await clock.advance(60_000)
    expect(startsOf([both])).toStrictEqual([9000])
  })

  test('as long as nothing is heard, one probe at a time goes in the place of a lost call', async () => {
    const { clock, job } = gate([perUid(2)])
    const lost = [job(over('a')), job(over('a'))]
    await clock.advance(1000)
    for (const each of lost) each.lose()
    await clock.advance(0)
    const waiting: Job[] = [job(over('a')), job(over('a')), job(over('a'))]
    // Given up at 1000, 5000 more for what may be under way, and a window.
    await clock.advance(5999)
    expect(startsOf(waiting)).toStrictEqual([undefined, undefined, undefined])
    await clock.advance(1)
    expect(startsOf(waiting)).toStrictEqual([7000, undefined, undefined])
    await clock.advance(1000)
    waiting[0]?.lose()
    await clock.advance(6000)
    expect(startsOf(waiting)).toStrictEqual([7000, 14_000, undefined])
  })

  test('another route does not take the place of its lost calls before they would be back', async () => {
    const { clock, job, quick } = gate([perUid(3)])
    const lost = [job(over('a')), job(over('a')), job(over('a'))]
    await clock.advance(1000)
    for (const each of lost) each.lose()
    await clock.advance(0)
    const elsewhere = [quick(over('b')), quick(over('b')), quick(over('b'))]
    await clock.advance(5999)
    expect(startsOf(elsewhere)).toStrictEqual([undefined, undefined, undefined])
    await clock.advance(1)
    expect(elsewhere[0]?.startsMs).toStrictEqual([7000])
  })

  test('a route that died for good does not open the bucket to any number of calls', async () => {
    const { clock, job, quick } = gate([perUid(2)])
    const lost = [job(over('a')), job(over('a'))]
    await clock.advance(1000)
    for (const each of lost) each.lose()
    // Longer than a route is remembered.
    await clock.advance(700_000)
    const elsewhere = Array.from({ length: 6 }, () => quick(over('b')))
    await clock.advance(100_000)
    const counts = startsOf(elsewhere).map((atMs = Number.NaN) => ({ atMs }))
    expect(checkWindow(counts, { limit: 2, windowMs: 1000 })).toMatchObject({ ok: true, total: 6 })
  })

  test('a bucket whose tokens were lost in silence can be waited for, as another call on the route may be answered', async () => {
    const { clock, job, quick } = gate([perUid(1)])
    const lost = job(over('a'))
    await clock.advance(1000)
    lost.lose()
    await clock.advance(0)
    const other = job({ labels: { ip: 'a', uid: 'other' } })
    const patient = quick({ ...over('a'), maxWaitMs: 30_000 })
    const hasty = quick({ ...over('a'), maxWaitMs: 5_999 })
    await clock.advance(0)
    expect(hasty.value).toBeInstanceOf(MaxWaitError)
    expect(hasty.value).toMatchObject({ earliestMs: 6000 })
    other.answer()
    await clock.advance(60_000)
    expect(patient.startsMs).toStrictEqual([7000])
  })

  test('a call that costs nothing takes no place of a lost one', async () => {
    const { clock, scheduler, job, quick } = gate([perUid(3)])
    const lost = [job(over('a')), job(over('a')), job(over('a'))]
    await clock.advance(1000)
    for (const each of lost) each.lose()
    await clock.advance(0)
    scheduler.setLimit('uid', 1)
    quick({ ...over('b'), cost: 0 })
    await clock.advance(0)
    scheduler.setLimit('uid', 3)
    expect(scheduler.snapshot().buckets).toMatchObject([{ free: 0 }])
  })

  test('after the limit was lowered a probe takes the place of one lost call, not of all', async () => {
    const { clock, scheduler, job } = gate([perUid(3)])
    const lost = [job(over('a')), job(over('a')), job(over('a'))]
    await clock.advance(1000)
    for (const each of lost) each.lose()
    await clock.advance(0)
    scheduler.setLimit('uid', 1)
    const probe = job(over('a'))
    await clock.advance(6000)
    expect(probe.startsMs).toStrictEqual([7000])
    scheduler.setLimit('uid', 3)
    expect(scheduler.snapshot().buckets).toMatchObject([{ free: 0, inFlight: 1 }])
  })
})
