import { RefusedError, type SchedulerEvent, tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { gate, startsOf } from './harness.ts'

const labels = { ip: 'a', uid: 'u' }
const perUid = (limit: number, windowMs = 1000) => tokenBucket({ name: 'uid', limit, windowMs, by: ['uid'] })
const perIp = (limit: number) => tokenBucket({ name: 'ip', limit, windowMs: 1000, by: ['ip'] })
const perBoth = (limit: number) => tokenBucket({ name: 'both', limit, windowMs: 1000, by: ['ip', 'uid'] })

const halved = (events: readonly SchedulerEvent[]) =>
  events.flatMap(event => (event.type === 'halved' ? [[event.limit, event.tokens]] : []))

describe('a refused call', () => {
  test('goes again, three times by default, then rejects with all that is known', async () => {
    const { clock, scheduler, job } = gate([perUid(100)])
    const call = job({ labels })
    for (let i = 0; i < 3; i++) {
      call.refuse({ reason: 'busy' })
      await clock.advance(0)
    }
    expect(call.startsMs).toStrictEqual([0, 0, 0, 0])
    expect(call.state).toBe('open')
    const cause = new Error('code 100410')
    call.admission.refused({ reason: 'busy' })
    call.fail(cause)
    await clock.advance(0)
    expect(call.value).toBeInstanceOf(RefusedError)
    expect(call.value).toMatchObject({ code: 'REFUSED', labels, attempts: 4, reason: 'busy', holdMs: undefined, cause })
    expect((call.value as Error).message).toBe('refused 4 times (busy): ip=a uid=u')
    expect(scheduler.snapshot().counters).toMatchObject({ admitted: 4, refused: 4, answered: 0 })
  })

  test.each([
    [0, 1],
    [1, 2],
    [5, 6],
  ])('with retries: %d starts %d times', async (retries, starts) => {
    const { clock, job } = gate([perUid(1000)])
    const call = job({ labels, retries })
    for (let i = 0; i < 10 && call.state === 'open'; i++) {
      call.refuse()
      await clock.advance(0)
    }
    expect(call.startsMs.length).toBe(starts)
    expect(call.value).toMatchObject({ attempts: starts })
  })

  test('whatever its task gives back: a refused call has no result', async () => {
    const { clock, job } = gate([perUid(100)])
    const call = job({ labels })
    call.admission.refused()
    call.answer('an error page')
    await clock.advance(0)
    expect([call.state, call.startsMs.length]).toStrictEqual(['open', 2])
    call.answer('the truth')
    await clock.advance(0)
    expect(call.value).toBe('the truth')
  })

  test('goes to the head of its lane', async () => {
    const { clock, job } = gate([perUid(1)])
    const jobs = [job({ labels }), job({ labels }), job({ labels })]
    await clock.advance(10)
    jobs[0]?.refuse()
    await clock.advance(1001)
    expect(jobs.map(each => each.startsMs)).toStrictEqual([[0, 1011], [], []])
    jobs[0]?.answer()
    await clock.advance(1001)
    expect(jobs[1]?.startsMs).toStrictEqual([2012])
  })

  test('is charged anew for each attempt, and the attempt before stays charged', async () => {
    const { clock, job } = gate([perBoth(2)], {})
    const call = job({ labels })
    await clock.advance(10)
    call.refuse({ by: ['ip'] })
    await clock.advance(10)
    call.refuse({ by: ['ip'] })
    await clock.advance(5000)
    expect(call.startsMs).toStrictEqual([0, 10, 1011])
  })

  test('waits anew: waitedMs starts again', async () => {
    const { clock, job } = gate([perUid(1)])
    const call = job({ labels })
    await clock.advance(10)
    call.refuse()
    await clock.advance(5000)
    expect(call.admissions.map(each => each.waitedMs)).toStrictEqual([0, 1001])
  })

  test('whose caller left meanwhile rejects with the reason', async () => {
    const { clock, job } = gate([perUid(5)])
    const controller = new AbortController()
    const call = job({ labels, signal: controller.signal })
    controller.abort('gone')
    call.refuse()
    await clock.advance(0)
    expect(call.value).toBe('gone')
  })

  test('can be taken back while it waits again', async () => {
    const { clock, scheduler, job } = gate([perUid(1)])
    const controller = new AbortController()
    const call = job({ labels, signal: controller.signal })
    call.refuse()
    await clock.advance(10)
    controller.abort('gone')
    await clock.advance(5000)
    expect([call.value, call.startsMs]).toStrictEqual(['gone', [0]])
    expect(scheduler.snapshot().lanes).toStrictEqual([])
  })

  test('of a scheduler that is closing is not tried again', async () => {
    const { clock, scheduler, job } = gate([perUid(5)])
    const call = job({ labels })
    void scheduler.close()
    call.refuse()
    await clock.advance(0)
    expect(call.value).toBeInstanceOf(RefusedError)
  })

  test('a wrong word about labels is no refusal', async () => {
    const { scheduler, job } = gate([perUid(5)])
    const call = job({ labels })
    expect(() => call.admission.refused({ by: ['nobody'] })).toThrow(
      new TypeError('refused: option "by": expected names of labels the request carries (ip, uid), got nobody'),
    )
    expect(scheduler.snapshot().buckets).toMatchObject([{ inFlight: 1 }])
  })
})

describe('a refusal with a time', () => {
  test('uses up no retry: the call waits until the hold is over, a second after', async () => {
    const { clock, job } = gate([perUid(100)])
    const call = job({ labels, retries: 1 })
    for (const atMs of [0, 6000, 12_000, 18_000]) {
      expect(call.startsMs.at(-1)).toBe(atMs)
      call.refuse({ holdMs: 5000 })
      await clock.advance(6000)
    }
    call.answer()
    await clock.advance(0)
    expect(call.state).toBe('fulfilled')
  })

  test('retries: 0 means never again, after a hold neither', async () => {
    const { clock, job } = gate([perUid(100)])
    const call = job({ labels, retries: 0 })
    call.refuse({ holdMs: 5000, reason: 'banned' })
    await clock.advance(0)
    expect(call.value).toMatchObject({ attempts: 1, holdMs: 5000, reason: 'banned' })
  })

  test('a server that bans every probe is not asked for ever', async () => {
    const { clock, job } = gate([perUid(100)])
    const call = job({ labels })
    for (let i = 0; i < 50 && call.state === 'open'; i++) {
      call.refuse({ holdMs: 1000 })
      await clock.advance(2000)
    }
    expect(call.value).toMatchObject({ code: 'REFUSED', attempts: 11 })
  })

  test('holds exactly the labels it speaks of; without `by` those of the most specific limit', async () => {
    const held = async (by: readonly string[] | undefined) => {
      const { clock, scheduler, job } = gate([perUid(9), perIp(9), perBoth(9)])
      job({ labels }).admission.refused({ holdMs: 5000, reason: 'ban', ...(by && { by }) })
      await clock.advance(0)
      return scheduler.snapshot().holds.map(hold => [hold.labels, hold.name])
    }
    expect(await held(['ip'])).toStrictEqual([[{ ip: 'a' }, 'ban']])
    expect(await held(['uid', 'ip'])).toStrictEqual([[{ ip: 'a', uid: 'u' }, 'ban']])
    expect(await held(undefined)).toStrictEqual([[{ ip: 'a', uid: 'u' }, 'ban']])
  })

  test('calls that it does not speak of go on, those that wait behind it too', async () => {
    const { clock, job, quick } = gate([perUid(9), perIp(99)])
    const first = job({ labels })
    first.refuse({ holdMs: 5000, by: ['uid'] })
    const jobs = [quick({ labels }), quick({ labels: { ip: 'a', uid: 'v' } })]
    await clock.advance(0)
    expect(startsOf(jobs)).toStrictEqual([undefined, 0])
  })

  test('it changes no limit', async () => {
    const { job, events } = gate([perUid(10)])
    job({ labels }).refuse({ holdMs: 5000 })
    expect(halved(events)).toStrictEqual([])
  })
})

describe('a refusal without a time', () => {
  test('halves the most specific bucket', async () => {
    const { job, events } = gate([perUid(10), perIp(10), perBoth(10)])
    job({ labels }).refuse()
    expect(halved(events)).toStrictEqual([['both', 5]])
  })

  test('by labels halves the buckets of exactly these', async () => {
    const { job, events } = gate([perUid(10), perIp(10), perBoth(10)])
    job({ labels }).refuse({ by: ['ip'] })
    job({ labels }).refuse({ by: ['uid', 'ip'] })
    expect(halved(events)).toStrictEqual([
      ['ip', 5],
      ['both', 5],
    ])
  })

  test('once per flight: of calls sent before the last halving nothing more is learned', async () => {
    const { clock, job, events } = gate([perUid(16)])
    const flight = Array.from({ length: 4 }, () => job({ labels, retries: 0 }))
    await clock.advance(50)
    for (const each of flight) each.refuse()
    await clock.advance(10)
    expect(halved(events)).toStrictEqual([['uid', 8]])
    job({ labels, retries: 0 }).refuse()
    expect(halved(events)).toStrictEqual([
      ['uid', 8],
      ['uid', 4],
    ])
  })

  test('a twentieth comes back per quiet time, and calls that wait for it wake', async () => {
    const { clock, job } = gate([perUid(20)])
    job({ labels, retries: 0 }).refuse()
    const jobs = Array.from({ length: 12 }, () => job({ labels }))
    expect(startsOf(jobs).filter(at => at !== undefined).length).toBe(9)
    await clock.advance(3500)
    // The refused one's own token at 1001, and one token per second of quiet.
    expect(startsOf(jobs).slice(9)).toStrictEqual([1000, 1001, 2000])
  })

  test('a limit of 1 stays 1', async () => {
    const { clock, job } = gate([perUid(1)])
    const call = job({ labels })
    call.refuse()
    await clock.advance(1001)
    expect(call.startsMs).toStrictEqual([0, 1001])
  })

  test.each([[0.1], [0.3], [1e6 + 0.7], [123_456.789]])(
    'at the very instant of recovery one token comes, not all that wait (%d)',
    async startMs => {
      const { clock, job } = gate([perUid(20, 333.7)])
      await clock.advance(startMs)
      job({ labels, retries: 0 }).refuse()
      const jobs = Array.from({ length: 40 }, () => job({ labels }))
      await clock.advance(30_000)
      const counts = new Map<number, number>()
      for (const atMs of startsOf(jobs)) if (atMs !== undefined) counts.set(atMs, (counts.get(atMs) ?? 0) + 1)
      expect([...counts.values()].slice(1).filter(count => count > 1)).toStrictEqual([])
    },
  )
})

describe('two accounts refused within one window of what they share', () => {
  const limits = [perBoth(20), perIp(100), tokenBucket({ name: 'all', limit: 400, windowMs: 1000, by: ['host'] })]
  const of = (uid: string) => ({ host: 'h', ip: 'a', uid })

  test('halve the address as well, and of what they share only the closest', async () => {
    const { clock, events, job } = gate(limits)
    job({ labels: of('u') }).refuse()
    await clock.advance(500)
    job({ labels: of('v') }).refuse()
    await clock.advance(0)
    expect(halved(events)).toStrictEqual([
      ['both', 10],
      ['both', 10],
      ['ip', 50],
    ])
  })

  test.each([
    ['the same account twice', 'u', 500, {}],
    ['further apart than a window', 'v', 1001, {}],
    ['told of which labels', 'v', 500, { by: ['ip', 'uid'] }],
  ])('not: %s', async (_, uid, apartMs, how) => {
    const { clock, events, job } = gate(limits)
    job({ labels: of('u') }).refuse()
    await clock.advance(apartMs)
    job({ labels: of(uid) }).refuse(how)
    await clock.advance(0)
    expect(halved(events).map(([limit]) => limit)).not.toContain('ip')
  })
})
