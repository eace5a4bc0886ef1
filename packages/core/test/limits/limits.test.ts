import { createScheduler, inFlight, memoryLedger, NeverFitsError, RefusedError, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test, vi } from 'vitest'
import { gate, startsOf } from '../scheduler/harness.ts'

describe('a limit', () => {
  test('applies to calls that carry all of its labels, once per set of their values', async () => {
    const limit = tokenBucket({ name: 'x', limit: 1, windowMs: 1000, by: ['uid', 'endpoint'] })
    const { clock, quick } = gate([limit])
    const of = (uid: string, endpoint: string) => quick({ labels: { uid, endpoint } })
    const jobs = [of('u', 'e'), of('u', 'f'), of('v', 'e'), of('u', 'e')]
    await clock.advance(500)
    expect(startsOf(jobs)).toStrictEqual([0, 0, 0, undefined])
  })

  test('where: and for which that holds, asked once per labels object', async () => {
    const where = vi.fn((labels: Readonly<Record<string, string>>) => labels['endpoint']?.startsWith('GET') === true)
    const { clock, quick } = gate([
      tokenBucket({ name: 'gets', limit: 1, windowMs: 1000, by: ['uid'], where }),
      tokenBucket({ name: 'all', limit: 9, windowMs: 1000, by: ['uid'] }),
    ])
    const [get, post] = [{ labels: { uid: 'u', endpoint: 'GET /' } }, { labels: { uid: 'u', endpoint: 'POST /' } }]
    const jobs = [quick(get), quick(get), quick(post), quick(post)]
    await clock.advance(500)
    expect(startsOf(jobs)).toStrictEqual([0, undefined, 0, 0])
    expect(where).toHaveBeenCalledTimes(2)
  })

  test('cost: by its own function, which wins over what the request says', () => {
    const { scheduler, job } = gate([
      tokenBucket({
        name: 'weighted',
        limit: 9,
        windowMs: 1000,
        by: ['uid'],
        cost: labels => Number(labels['weight']),
      }),
      tokenBucket({ name: 'plain', limit: 9, windowMs: 1000, by: ['uid'] }),
    ])
    job({ labels: { uid: 'u', weight: '3' }, cost: 2 })
    job({ labels: { uid: 'u', weight: '0' }, cost: { weighted: 7, plain: 4 } })
    expect(scheduler.snapshot().buckets).toMatchObject([
      { name: 'weighted', inFlight: 3 },
      { name: 'plain', inFlight: 6 },
    ])
  })

  test('may be a function of the labels', async () => {
    const { clock, quick } = gate([
      tokenBucket({ name: 'x', limit: labels => (labels['tier'] === 'vip' ? 2 : 1), windowMs: 1000, by: ['uid'] }),
      inFlight({ name: 'cap', limit: labels => (labels['tier'] === 'vip' ? 5 : 3), by: ['uid'] }),
    ])
    const jobs = ['u', 'u', 'v', 'v', 'v'].map(uid => quick({ labels: { uid, tier: uid === 'v' ? 'vip' : 'plain' } }))
    await clock.advance(500)
    expect(startsOf(jobs)).toStrictEqual([0, undefined, 0, 0, undefined])
  })

  test.each([
    ['limit', { limit: () => 0 }, 'expected a function that returns a whole number above 0, it returned 0'],
    ['limit', { limit: () => 1.5 }, 'expected a function that returns a whole number above 0, it returned 1.5'],
    ['cost', { cost: () => -1 }, 'expected a function that returns a whole number from 0, it returned -1'],
    ['cost', { cost: () => Number.NaN }, 'expected a function that returns a whole number from 0, it returned NaN'],
  ])('whose %s function returns nonsense refuses the call, every time', async (option, options, message) => {
    const { scheduler } = gate([
      tokenBucket({ name: 'ok', limit: 5, windowMs: 1000, by: ['uid'] }),
      tokenBucket({ name: 'odd', limit: 5, windowMs: 1000, by: ['uid'], ...options }),
    ])
    const labels = { uid: 'u' }
    for (let i = 0; i < 2; i++) {
      await expect(scheduler.schedule({ labels }, () => 1)).rejects.toThrow(
        new TypeError(`limit "odd": option "${option}": ${message}`),
      )
    }
    expect(scheduler.snapshot().counters).toMatchObject({ admitted: 0 })
  })

  test('whose function throws once does not leave a call without its other limits', async () => {
    let calls = 0
    const { clock, scheduler, quick } = gate([
      tokenBucket({ name: 'x', limit: 2, windowMs: 1000, by: ['uid'] }),
      tokenBucket({
        name: 'y',
        limit: 2,
        windowMs: 1000,
        by: ['uid'],
        cost: () => {
          if (++calls === 2) throw new Error('once')
          return 1
        },
      }),
    ])
    const labels = { uid: 'u' }
    quick({ labels })
    await clock.advance(5000)
    for (let i = 0; i < 10; i++) quick({ labels: { uid: `other${i}` } }).promise.catch(() => undefined)
    await expect(scheduler.schedule({ labels, cost: 3 }, () => 1)).rejects.toThrow()
    await expect(scheduler.schedule({ labels, cost: { x: 3 } }, () => 1)).rejects.toThrow(NeverFitsError)
  })

  test('burst: at most so many in the time in which the limit brings them back', async () => {
    const { clock, job } = gate([tokenBucket({ name: 'x', limit: 10, windowMs: 1000, by: ['uid'], burst: 2 })])
    const jobs = Array.from({ length: 12 }, () => job({ labels: { uid: 'u' } }))
    for (let i = 0; i < 1300; i++) {
      await clock.advance(1)
      for (const each of jobs) if (each.started) each.answer()
    }
    const starts = startsOf(jobs).map((at = Number.NaN) => at)
    expect(starts.slice(0, 2)).toStrictEqual([0, 0])
    for (let i = 2; i < 12; i++) expect((starts[i] ?? 0) - (starts[i - 2] ?? 0)).toBeGreaterThanOrEqual(201)
  })

  test('burst: a call that costs more never fits', async () => {
    const { scheduler } = gate([tokenBucket({ name: 'x', limit: 10, windowMs: 1000, by: ['uid'], burst: 2 })])
    await expect(scheduler.schedule({ labels: { uid: 'u' }, cost: 3 }, () => 1)).rejects.toThrow(NeverFitsError)
  })

  test('changed by hand is checked as if it had been made so', () => {
    const limit = tokenBucket({ name: 'x', limit: 10, windowMs: 1000, by: ['uid'] })
    const make = (change: object) => () =>
      createScheduler({ limits: [{ ...limit, ...change } as typeof limit], clock: virtualClock() })
    expect(make({ limit: 20 })).not.toThrow()
    expect(make({ limit: Number.NaN })).toThrow(
      'tokenBucket: option "limit": expected a whole number of at least 1, got NaN',
    )
    expect(make({ windowMs: 0 })).toThrow('tokenBucket: option "windowMs": expected a finite number above 0, got 0')
    expect(make({ bursts: 1 })).toThrow('tokenBucket: unknown option "bursts"')
  })
})

describe('gates in memory', () => {
  const perUid = tokenBucket({ name: 'uid', limit: 5, windowMs: 1000, by: ['uid'] })
  const cap = inFlight({ name: 'cap', limit: 5, by: ['uid'] })

  test('of accounts that come and go stay few', async () => {
    const { clock, scheduler, quick } = gate([perUid, cap])
    let most = 0
    for (let i = 0; i < 3000; i++) {
      quick({ labels: { uid: `u${i}` } })
      await clock.advance(10)
      const { buckets, caps } = scheduler.snapshot()
      most = Math.max(most, buckets.length + caps.length)
    }
    // About a hundred are in use at a time.
    expect(most).toBeLessThan(500)
  })

  test('that nobody uses any more are given back though nobody new comes', async () => {
    const { clock, scheduler, quick } = gate([perUid])
    for (let i = 0; i < 1000; i++) quick({ labels: { uid: `u${i}` } })
    await clock.advance(2000)
    for (let i = 0; i < 6000; i++) {
      quick({ labels: { uid: 'u0' } })
      await clock.advance(250)
    }
    expect(scheduler.snapshot().buckets).toHaveLength(1)
  })

  test('with a history are never dropped: one key has one bucket', async () => {
    const { clock, scheduler, job, quick } = gate([perUid])
    const labels = { uid: 'u' }
    const running = job({ labels })
    for (let i = 0; i < 50; i++) quick({ labels: { uid: `a${i}` } })
    await clock.advance(5000)
    for (let i = 0; i < 200; i++) quick({ labels: { uid: `b${i}` } })
    running.answer()
    await clock.advance(10)
    for (let i = 0; i < 200; i++) quick({ labels: { uid: `c${i}` } })
    // The same labels object, a copy of it, and a third: all draw on the one bucket.
    for (const each of [labels, { ...labels }, { ...labels, endpoint: 'e' }]) job({ labels: each })
    expect(scheduler.snapshot().buckets.filter(bucket => bucket.labels['uid'] === 'u')).toMatchObject([
      { inFlight: 3, free: 1 },
    ])
  })

  test('dropped and made anew serve old labels objects and new ones alike', async () => {
    const { clock, scheduler, job, quick } = gate([perUid])
    const old = { uid: 'u' }
    quick({ labels: old })
    await clock.advance(5000)
    for (let i = 0; i < 50; i++) quick({ labels: { uid: `a${i}` } })
    expect(scheduler.snapshot().buckets.filter(bucket => bucket.labels['uid'] === 'u')).toStrictEqual([])
    job({ labels: { uid: 'u' } })
    job({ labels: old })
    expect(scheduler.snapshot().buckets.filter(bucket => bucket.labels['uid'] === 'u')).toMatchObject([{ inFlight: 2 }])
  })

  test('of a call that has not ended are never dropped: a refusal read late in its body still halves the bucket', async () => {
    const two = tokenBucket({ name: 'uid', limit: 2, windowMs: 1000, by: ['uid'] })
    const { clock, scheduler, quick } = gate([two])
    const labels = { uid: 'u' }
    const late = scheduler.schedule({ labels, retries: 0 }, async admission => {
      admission.counted()
      await new Promise<void>(resolve => void clock.setTimer(resolve, 3000))
      admission.refused()
    })
    const isRefused = expect(late).rejects.toThrow(RefusedError)
    await clock.advance(2000)
    // Its token is back, and others come: idle buckets are dropped.
    for (let i = 0; i < 50; i++) quick({ labels: { uid: `a${i}` } })
    await clock.advance(1000)
    await isRefused
    const jobs = [quick({ labels }), quick({ labels })]
    await clock.advance(500)
    expect(startsOf(jobs)).toStrictEqual([3000, undefined])
  })

  test('that a lane waits for are never dropped', async () => {
    const { clock, scheduler, job, quick } = gate([cap])
    const labels = { uid: 'u' }
    const running = Array.from({ length: 5 }, () => job({ labels }))
    const waiting = quick({ labels })
    for (const each of running) each.answer()
    for (let i = 0; i < 100; i++) quick({ labels: { uid: `a${i}` } })
    await clock.advance(0)
    expect(waiting.state).toBe('fulfilled')
    expect(scheduler.snapshot().caps.every(each => each.inFlight === 0)).toBe(true)
  })

  test('a route is forgotten after an hour without a call, its floor with it, and calls go on', async () => {
    const { clock, scheduler, quick } = gate([perUid])
    const labels = { ip: 'i', uid: 'u' }
    quick({ labels })
    await clock.advance(2 * 3_600_000)
    for (let i = 0; i < 100; i++) quick({ labels: { ip: `i${i}`, uid: 'v' } })
    await clock.advance(60_000)
    const jobs = Array.from({ length: 6 }, () => quick({ labels }))
    await clock.advance(2000)
    expect(jobs.every(each => each.state === 'fulfilled')).toBe(true)
    await scheduler.drain()
  })

  test('a ledger is opened by one scheduler', () => {
    const open = vi.fn(memoryLedger().open)
    createScheduler({ limits: [perUid], clock: virtualClock(), ledger: { open } })
    expect(open).toHaveBeenCalledTimes(1)
    expect(open.mock.calls[0]?.[0]).toMatchObject({ coldStart: 'paced', lostCallMs: 5000, useFloor: true, bornAtMs: 0 })
  })
})
