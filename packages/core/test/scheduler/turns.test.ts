import { inFlight, tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { gate, startsOf } from './harness.ts'

const perIp = (limit: number, windowMs = 1000) => tokenBucket({ name: 'ip', limit, windowMs, by: ['ip'] })
const perUid = (limit: number, windowMs = 1000) => tokenBucket({ name: 'uid', limit, windowMs, by: ['uid'] })
const of = (uid: string, endpoint: string) => ({ labels: { ip: 'a', uid, endpoint } })

/** Keeps one call of each waiting all the time, and tells who was started, in order. */
async function contend(
  world: ReturnType<typeof gate>,
  who: readonly (readonly [string, string])[],
  forMs: number,
): Promise<string[]> {
  const order: string[] = []
  const isOver = world.clock.nowMs() + forMs
  const next = (uid: string, endpoint: string) => {
    void world.scheduler.schedule(of(uid, endpoint), async () => {
      order.push(`${uid}/${endpoint}`)
      if (world.clock.nowMs() < isOver) next(uid, endpoint)
    })
  }
  // Two of each: a lane that is never empty keeps its turn.
  for (const [uid, endpoint] of [...who, ...who]) next(uid, endpoint)
  await world.clock.advance(forMs)
  return order
}

const counts = (order: readonly string[]) => {
  const found: Record<string, number> = {}
  for (const each of order) found[each] = (found[each] ?? 0) + 1
  return found
}

describe('turns', () => {
  test('in one lane: first come, first served', async () => {
    const { clock, quick } = gate([perUid(1)])
    const jobs = Array.from({ length: 4 }, () => quick(of('u', 'e')))
    await clock.advance(4000)
    expect(startsOf(jobs)).toStrictEqual([0, 1001, 2002, 3003])
  })

  test('the endpoints of one account take turns', async () => {
    const endpoints = ['a', 'b', 'c', 'd', 'e']
    const order = await contend(
      gate([perIp(1)]),
      endpoints.map(endpoint => ['u', endpoint] as const),
      50_000,
    )
    for (let i = 5; i + 5 <= order.length; i += 5) expect(new Set(order.slice(i, i + 5)).size).toBe(5)
  })

  test('four endpoints do not give an account four shares', async () => {
    const who = [
      ['u', 'a'],
      ['u', 'b'],
      ['u', 'c'],
      ['u', 'd'],
      ['v', 'a'],
    ] as const
    const found = counts(await contend(gate([perIp(1)]), who, 160_000))
    expect(found['v/a']).toBeGreaterThanOrEqual(79)
    for (const endpoint of ['a', 'b', 'c', 'd']) expect(found[`u/${endpoint}`]).toBeGreaterThanOrEqual(19)
  })

  test('accounts take turns where they share a cap', async () => {
    const world = gate([inFlight({ name: 'cap', limit: 1, by: ['ip'] })])
    const first = world.job(of('u', 'x'))
    const jobs = ['u', 'u', 'v', 'v', 'w'].map(uid => world.job(of(uid, uid)))
    const order: string[] = []
    let running = first
    for (let i = 0; i < 5; i++) {
      running.answer()
      await world.clock.advance(1)
      running = jobs.find(job => job.started && job.state === 'open') ?? running
      order.push(running.admission === undefined ? '' : (['u', 'u', 'v', 'v', 'w'][jobs.indexOf(running)] ?? ''))
    }
    expect(order).toStrictEqual(['u', 'v', 'w', 'u', 'v'])
  })

  test('a larger priority goes first, whatever its turn; priority 0 is the default', async () => {
    const { clock, quick } = gate([perUid(1)])
    quick(of('u', 'e'))
    const jobs = [
      quick({ ...of('u', 'e'), priority: -1 }),
      quick(of('u', 'e')),
      quick({ ...of('u', 'e'), priority: 1 }),
    ]
    await clock.advance(4000)
    expect(startsOf(jobs)).toStrictEqual([3003, 2002, 1001])
  })

  test('and also where its own gate has its token back sooner than was known when it came to wait there', async () => {
    const { clock, job, quick } = gate([
      tokenBucket({ name: 'endpoint', limit: 1, windowMs: 1_000, by: ['uid', 'endpoint'] }),
      inFlight({ name: 'cap', limit: 1, by: ['ip'] }),
    ])
    const over = (uid: string) => ({ labels: { ip: 'a', uid, endpoint: 'e' } })
    const takes = async (ms: number, uid: string) => {
      const call = job(over(uid))
      await clock.advance(ms)
      call.answer()
      await clock.advance(0)
    }
    for (let i = 0; i < 39; i++) await takes(50, `trip ${i}`)
    await takes(50, 'u')
    const startMs = clock.nowMs()
    const high = quick({ ...over('u'), priority: 2 })
    const other = job(over('v'))
    const leaving = new AbortController()
    quick({ ...over('w'), signal: leaving.signal })
    const low = quick(over('u'))
    leaving.abort()
    // The fortieth answer: from now on a token is back by nine tenths of a round trip sooner.
    await clock.advance(970)
    other.answer()
    await clock.advance(2_000)
    expect(high.startsMs).toStrictEqual([startMs + 970])
    expect(low.startsMs[0]).toBeGreaterThan(startMs + 1_900)
  })

  test('a call that needs several tokens is not overtaken by those that need one', async () => {
    const { clock, quick } = gate([perUid(3)])
    quick({ ...of('u', 'e'), cost: 2 })
    const jobs = [quick({ ...of('u', 'large'), cost: 3 }), quick(of('u', 'small')), quick(of('u', 'e'))]
    await clock.advance(4000)
    expect(startsOf(jobs)).toStrictEqual([1001, 2002, 2002])
  })

  test('an account that waits for its own bucket holds up nobody at the shared one', async () => {
    const { clock, quick } = gate([perIp(10), perUid(1)])
    const jobs = [quick(of('u', 'e')), quick(of('u', 'e')), quick(of('v', 'e'))]
    await clock.advance(2000)
    expect(startsOf(jobs)).toStrictEqual([0, 1001, 0])
  })

  test('a call that needs a bucket of two, each short in turn, is not passed over for ever', async () => {
    const a = tokenBucket({ name: 'a', limit: 1, windowMs: 1000, by: ['a'] })
    const b = tokenBucket({ name: 'b', limit: 1, windowMs: 1300, by: ['b'] })
    const { clock, scheduler, quick } = gate([a, b])
    const stream = (labels: Record<string, string>) => {
      void scheduler.schedule({ labels }, () => {
        if (clock.nowMs() < 30_000) stream(labels)
      })
    }
    for (const uid of ['x', 'y', 'z']) {
      stream({ a: '1', uid })
      stream({ b: '1', uid })
    }
    const both = quick({ labels: { a: '1', b: '1', uid: 'w' } })
    await clock.advance(60_000)
    expect(both.startsMs[0]).toBeLessThan(10_000)
  })

  test('work per call does not grow with the lanes that wait', async () => {
    const judgementsPerCall: number[] = []
    for (const lanes of [50, 400]) {
      const { clock, scheduler, quick } = gate([perIp(50, 1000), perUid(5, 1000)])
      for (let i = 0; i < lanes; i++) for (let n = 0; n < 3; n++) quick(of(`u${i}`, 'e'))
      await clock.advance(60_000)
      const { judgements, admitted } = scheduler.snapshot().counters
      expect(admitted).toBe(3 * lanes)
      judgementsPerCall.push(judgements / admitted)
    }
    expect(Math.max(...judgementsPerCall)).toBeLessThan(3)
  })
})
