import { inFlight, type Limit, tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { type Gate, gate } from './harness.ts'

const perUid = (limit: number, windowMs = 1_000, more = {}) =>
  tokenBucket({ name: 'uid', limit, windowMs, by: ['uid'], ...more })
const labels = { uid: 'u' }

/** Keeps `width` calls waiting all the time; tells when each went. */
function flood(world: Gate, request: Parameters<Gate['quick']>[0], width: number, tripMs = 20): number[] {
  const startsMs: number[] = []
  const next = (): void => {
    void world.scheduler.schedule(request, () => {
      startsMs.push(world.clock.nowMs())
      // In its place at once, so that the gate is never without.
      queueMicrotask(next)
      return new Promise<void>(resolve => void world.clock.setTimer(resolve, tripMs))
    })
  }
  for (let i = 0; i < width; i++) next()
  return startsMs
}

describe('under a flood of higher priority', () => {
  test.each([
    ['5 in 1 s', perUid(5), 10_000],
    ['1 in 200 ms', perUid(1, 200), 10_000],
    ['100 in 10 s', perUid(100, 10_000), 20_000],
    ['1000 in 60 s', perUid(1_000, 60_000), 120_000],
    ['2 in flight', inFlight({ name: 'cap', limit: 2, by: ['uid'] }), 10_000],
  ])('%s: a call goes once it is old and ten have overtaken it, and not before it is', async (_, limit, oldMs) => {
    const world = gate([limit])
    const high = flood(world, { labels, priority: 1 }, 1_500)
    await world.clock.advance(5)
    const low = world.quick({ labels })
    await world.clock.advance(oldMs)
    expect(low.started).toBe(false)
    await world.clock.advance(oldMs + 60_000)
    expect(low.started).toBe(true)
    expect(high.filter(atMs => atMs > 5 + oldMs && atMs < (low.startsMs[0] as number)).length).toBeLessThanOrEqual(11)
  })

  test('old calls get one token in eleven, in the order in which they have gone without', async () => {
    const world = gate([perUid(10)])
    const high = flood(world, { labels, priority: 1 }, 30)
    const lows = [-1, 0, -7].map(priority => flood(world, { labels: { ...labels, of: `${priority}` }, priority }, 50))
    await world.clock.advance(300_000)
    const inFlood = (starts: readonly number[]) => starts.filter(atMs => atMs > 30_000).length
    const counts = lows.map(inFlood)
    const all = inFlood(high) + counts.reduce((sum, count) => sum + count, 0)
    expect(all / inFlood(high)).toBeCloseTo(1.1, 2)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  })

  test('a large call gets all that it needs, and nobody overtakes it meanwhile', async () => {
    const world = gate([perUid(10)])
    const high = flood(world, { labels, priority: 1 }, 30)
    await world.clock.advance(5)
    const low = world.quick({ labels, cost: 10 })
    await world.clock.advance(40_000)
    const startMs = low.startsMs[0] as number
    expect(startMs).toBeLessThan(10_000 + 13_000)
    expect(high.filter(atMs => atMs > startMs - 1_000 && atMs < startMs)).toHaveLength(0)
  })

  test('a large call is not passed over by those who come from another gate’s room', async () => {
    const limits = [
      tokenBucket({ name: 'a', limit: 1, windowMs: 300, by: ['a'] }),
      tokenBucket({ name: 'b', limit: 2, windowMs: 301, by: ['b'] }),
    ]
    const world = gate(limits, { floorMs: 0 })
    flood(world, { labels: { b: '1', uid: 'f' } }, 8, 0)
    flood(world, { labels: { a: '1', b: '1', uid: 'f' }, priority: 1 }, 8, 0)
    const large = world.quick({ labels: { b: '1', uid: 'p' }, cost: 2 })
    await world.clock.advance(30_000)
    expect(large.started).toBe(true)
  })

  test('it goes ahead at its other limits too', async () => {
    const limits = [perUid(10), tokenBucket({ name: 'ip', limit: 10, windowMs: 1_500, by: ['ip'] })]
    const world = gate(limits)
    flood(world, { labels, priority: 1 }, 30)
    flood(world, { labels: { uid: 'v', ip: 'i' }, priority: 1 }, 30)
    await world.clock.advance(5)
    const low = world.quick({ labels: { ...labels, ip: 'i' }, cost: 10 })
    await world.clock.advance(60_000)
    expect(low.started).toBe(true)
  })

  test('a large call claims its limit again after an older one had it, from wherever that came', async () => {
    const world = gate([
      tokenBucket({ name: 'a', by: ['a'], limit: 3, windowMs: 301 }),
      tokenBucket({ name: 'b', by: ['b'], limit: 1, windowMs: 300 }),
    ])
    const both = { a: '1', b: '1', uid: 'other' }
    for (const [of, priority] of [
      [both, 1],
      [both, 0],
      [{ a: '1', uid: 'other' }, 0],
    ] as const)
      flood(world, { labels: of, priority }, 8, 0)
    const large = world.quick({ labels: { a: '1', uid: 'u' }, cost: 3 })
    world.quick({ labels: { a: '1', uid: 'u' }, priority: 1 })
    await world.clock.advance(30_000)
    expect(large.started).toBe(true)
  })

  test('an old call that came from another gate’s room has the right before no older one, and hands it on', async () => {
    const world = gate([
      tokenBucket({ name: 'a', by: ['a'], limit: 1, windowMs: 957 }),
      tokenBucket({ name: 'b', by: ['b'], limit: 6, windowMs: 300 }),
    ])
    const uid = 'other'
    flood(world, { labels: { a: '1', uid }, priority: 1 }, 8, 0)
    flood(world, { labels: { b: '1', uid }, priority: 1 }, 8, 27)
    flood(world, { labels: { a: '1', uid } }, 8, 0)
    flood(world, { labels: { a: '1', b: '1', uid } }, 8, 271)
    const patient = world.quick({ labels: { a: '1', uid: 'u' } })
    await world.clock.advance(120_000)
    expect(patient.startsMs[0]).toBeLessThan(40_000)
  })

  test('an old call goes before its turn where its account’s others take all its turns', async () => {
    const world = gate([
      tokenBucket({ name: 'a', by: ['a'], limit: 1, windowMs: 300 }),
      tokenBucket({ name: 'b', by: ['b'], limit: 1, windowMs: 601 }),
    ])
    const both = { a: '1', b: '1' }
    flood(world, { labels: { ...both, uid: 'u' }, priority: 2 }, 8, 0)
    const starved = flood(world, { labels: { ...both, uid: 'v' }, priority: 2 }, 8, 0)
    flood(world, { labels: { a: '1', uid: 'u' } }, 8, 1)
    const other = flood(world, { labels: { a: '1', uid: 'v' } }, 8, 1)
    await world.clock.advance(120_000)
    expect(starved.length).toBeGreaterThan(1)
    expect(other.length).toBeGreaterThan(1)
  })

  test('an old call that was taken back leaves its right to nobody', async () => {
    const world = gate([perUid(10)])
    // Tokens that come back one by one: a large call waits for them for a while.
    for (let i = 0; i < 10; i++) {
      world.quick({ labels })
      await world.clock.advance(100)
    }
    const high = flood(world, { labels, priority: 1 }, 30, 0)
    const controller = new AbortController()
    const low = world.quick({ labels, cost: 10, signal: controller.signal })
    const sinceLastMs = () => world.clock.nowMs() - (high.at(-1) ?? 0)
    do await world.clock.advance(50)
    while (sinceLastMs() < 400 && world.clock.nowMs() < 60_000)
    const young = world.quick({ labels, cost: 10 })
    controller.abort()
    await world.clock.advance(0)
    expect([sinceLastMs(), low.state, young.started]).toStrictEqual([0, 'rejected', false])
    await world.clock.advance(5_000)
    expect(young.started).toBe(false)
  })

  test('an old call that is held gives up its right to those that are not', async () => {
    const world = gate([perUid(10)])
    flood(world, { labels, priority: 1 }, 30)
    await world.clock.advance(5)
    const held = world.quick({ labels: { ...labels, of: 'held' } })
    await world.clock.advance(1_000)
    const other = world.quick({ labels: { ...labels, of: 'other' } })
    world.scheduler.hold({ of: 'held' }, { forMs: 3_600_000, reason: 'test' })
    await world.clock.advance(30_000)
    expect([held.started, other.started]).toStrictEqual([false, true])
  })

  test('what is reserved stays so: an old call overtakes those alone that have no more right than it', async () => {
    const world = gate([perUid(10, 1_000, { reserve: { share: 0.5, priority: 5 } })])
    const middle = flood(world, { labels, priority: 1 }, 30)
    await world.clock.advance(5)
    const low = world.quick({ labels })
    for (let i = 0; i < 300; i++) {
      await world.clock.advance(250)
      const urgent = world.quick({ labels, priority: 5 })
      await world.clock.advance(0)
      expect(urgent.started).toBe(true)
    }
    expect(low.started).toBe(true)
    expect(middle.length).toBeGreaterThan(50)
  })
})

describe('a flood of old calls of low priority', () => {
  test.each([
    [10, 1_000],
    [100, 10_000],
    [1, 200],
  ])('of %i in %i ms an urgent call waits for two tokens at the most', async (limit, windowMs) => {
    const world = gate([perUid(limit, windowMs)])
    const low = flood(world, { labels }, 500)
    await world.clock.advance(60_000)
    const tokenMs = windowMs / limit
    const waits: number[] = []
    for (let i = 0; i < 200; i++) {
      await world.clock.advance(3 * tokenMs + (i % 17))
      const fromMs = world.clock.nowMs()
      const urgent = world.quick({ labels, priority: 1 })
      while (!urgent.started) await world.clock.advance(tokenMs / 10)
      waits.push((urgent.startsMs[0] as number) - fromMs)
    }
    // Tokens that went in one instant come back in one: between two such bunches nobody could go.
    const gaps = low.slice(1).map((atMs, index) => atMs - (low[index] as number))
    expect(Math.max(...waits)).toBeLessThanOrEqual(Math.max(...gaps) + 2 * tokenMs)
  })
})

describe('two large calls that each need all of both limits', () => {
  test.each([
    ['of the same priority as the stream', 0],
    ['of a lower priority', -1],
  ])('%s both start, however dense the stream of small ones', async (_, priority) => {
    const limits: Limit[] = [
      tokenBucket({ name: 'a', limit: 10, windowMs: 1_000, by: ['a'] }),
      tokenBucket({ name: 'b', limit: 20, windowMs: 1_700, by: ['b'] }),
    ]
    const world = gate(limits)
    for (const uid of ['x', 'y', 'z']) {
      flood(world, { labels: { a: '1', uid } }, 5)
      flood(world, { labels: { b: '1', uid } }, 5)
    }
    await world.clock.advance(500)
    const cost = { a: 10, b: 20 }
    const large = ['v', 'w'].map(uid => world.quick({ labels: { a: '1', b: '1', uid }, cost, priority }))
    await world.clock.advance(60_000)
    expect(large.map(({ started }) => started)).toStrictEqual([true, true])
  })
})
