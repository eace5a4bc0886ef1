import { type Kept, type SchedulerEvent, tokenBucket } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { type HeapMemory, heapMemory } from '../support/heap-memory.ts'
import { gate, startsOf } from './harness.ts'

const HOUR_MS = 3_600_000
const labels = { ip: 'a', uid: 'u' }
const perUid = tokenBucket({ name: 'uid', limit: 8, windowMs: 1000, by: ['uid'] })
const perIp = tokenBucket({ name: 'ip', limit: 20, windowMs: 1000, by: ['ip'] })

/** One life of a process: nothing but the memory outlives it. The clock's zero is another one. */
function life(memory: HeapMemory, epochMs: number, limits = [perUid]) {
  const clock = virtualClock({ epochMs, startMs: 123.4 })
  return gate(limits, { clock, memory })
}

const BORN_MS = Date.UTC(2026, 0, 1)
const epochOf = (clock: VirtualClock) => clock.epochMs()
const turn = () => Promise.resolve()

describe('a hold', () => {
  test('is in force again after a restart, to its end, and opens with a probe', async () => {
    const memory = heapMemory()
    const first = life(memory, BORN_MS)
    first.scheduler.hold({ uid: 'u' }, { forMs: 300_000, reason: 'ban' })
    await first.clock.advance(100_000)

    const second = life(memory, epochOf(first.clock) + 50_000)
    const startMs = second.clock.nowMs()
    expect(second.events).toMatchObject([{ type: 'held', labels: { uid: 'u' }, reason: 'ban' }])
    const jobs = [second.job({ labels }), second.job({ labels }), second.job({ labels })]
    // A second later than the server said, and rounded up to the millisecond.
    await second.clock.advance(151_000)
    expect(startsOf(jobs)).toStrictEqual([undefined, undefined, undefined])
    await second.clock.advance(2)
    expect(startsOf(jobs).filter(start => start !== undefined)).toHaveLength(1)
    expect((jobs[0]?.startsMs[0] as number) - startMs).toBeGreaterThanOrEqual(151_000)
    jobs[0]?.answer()
    await second.clock.advance(0)
    expect(jobs.every(job => job.started)).toBe(true)
  })

  test('that a server told is written before anybody hears of it, and once for all answers that speak of it', async () => {
    const memory = heapMemory()
    const heardAfter: number[] = []
    const observer = ({ type }: SchedulerEvent) => {
      if (type === 'refused' || type === 'held') heardAfter.push(memory.saves.length)
    }
    const { clock, job, quick } = gate([perUid], { memory, observer })
    const jobs = [job({ labels }), job({ labels })]
    jobs[0]?.refuse({ holdMs: 5000, by: ['uid'], reason: 'shut' })
    expect(memory.saves).toHaveLength(1)
    expect(heardAfter).toStrictEqual([1, 1])
    expect(memory.kept?.holds).toStrictEqual([
      { labels: { uid: 'u' }, reason: 'shut', untilMs: clock.epochMs() + 6000 },
    ])
    // The second answer speaks of the same ban.
    await clock.advance(20)
    jobs[1]?.refuse({ holdMs: 4980.6, by: ['uid'], reason: 'shut' })
    quick({ labels: { uid: 'v' } })
    await clock.advance(20)
    expect(memory.saves).toHaveLength(1)
  })

  test('that ended while nobody ran still begins with its probe, for a minute or the widest window', async () => {
    for (const [windowMs, awayMs, isHeld] of [
      [1000, 59_000, true],
      [1000, 61_100, false],
      [600_000, 590_000, true],
      [600_000, 601_100, false],
    ] as const) {
      const memory = heapMemory()
      const limits = [tokenBucket({ name: 'uid', limit: 8, windowMs, by: ['uid'] })]
      const first = life(memory, BORN_MS, limits)
      first.scheduler.hold({ uid: 'u' }, { forMs: 0, reason: 'ban' })
      await turn()
      const second = life(memory, BORN_MS + 1000 + awayMs, limits)
      const jobs = [second.job({ labels }), second.job({ labels })]
      await second.clock.advance(0)
      expect(
        startsOf(jobs).map(start => start !== undefined),
        `${awayMs}`,
      ).toStrictEqual([true, !isHeld])
      expect(second.scheduler.snapshot().holds.length).toBe(isHeld ? 1 : 0)
    }
  })

  test('is erased when it is released, and when the ramp after its probe is over', async () => {
    const memory = heapMemory()
    const { clock, scheduler, quick } = gate([perUid], { memory })
    scheduler.hold({ uid: 'u' }, { forMs: 5000, reason: 'ban' })
    scheduler.hold({ uid: 'v' }, { forMs: 5000, reason: 'ban' })
    await turn()
    expect(memory.kept?.holds).toHaveLength(2)
    scheduler.release({ uid: 'v' })
    await turn()
    expect(memory.kept?.holds.map(hold => hold.labels)).toStrictEqual([{ uid: 'u' }])
    for (let i = 0; i < 9; i++) quick({ labels })
    await clock.advance(10_000)
    expect(memory.kept?.holds).toStrictEqual([])
    expect(memory.saves).toHaveLength(4)
  })

  test('after its end is dropped at the next writing', async () => {
    const memory = heapMemory()
    const { clock, scheduler } = gate([perUid], { memory })
    scheduler.hold({ uid: 'u' }, { forMs: 5000, reason: 'ban' })
    await clock.advance(66_001)
    scheduler.hold({ uid: 'v' }, { forMs: 5000, reason: 'ban' })
    await turn()
    expect(memory.kept?.holds.map(hold => hold.labels)).toStrictEqual([{ uid: 'v' }])
  })
})

describe('the wall clock', () => {
  const keep = async (forMs: number) => {
    const memory = heapMemory()
    life(memory, BORN_MS).scheduler.hold({ uid: 'u' }, { forMs, reason: 'ban' })
    await turn()
    return memory
  }
  const leftMs = (memory: HeapMemory, epochMs: number) =>
    life(memory, epochMs).scheduler.snapshot().holds[0]?.waitMs as number

  test('set back makes no hold longer than it was when it was written', async () => {
    const memory = await keep(300_000)
    for (const byMs of [1, HOUR_MS, 20 * 365 * 24 * HOUR_MS]) {
      expect(leftMs(memory, BORN_MS - byMs)).toBeCloseTo(301_000, -1)
    }
  })

  test('no hold is longer than a day, whatever is written', async () => {
    const memory = await keep(300_000)
    const kept = memory.kept as Kept
    for (const untilMs of [BORN_MS + 1000 * HOUR_MS, Number.MAX_VALUE]) {
      memory.kept = { ...kept, holds: [{ labels: { uid: 'u' }, reason: 'ban', untilMs }] }
      expect(leftMs(memory, BORN_MS)).toBe(86_401_000)
    }
  })

  test('set while a process runs changes nothing of what it writes', async () => {
    const memory = heapMemory()
    const { clock, scheduler } = gate([perUid], { memory })
    scheduler.hold({ uid: 'u' }, { forMs: 300_000, reason: 'ban' })
    clock.stepEpoch(-HOUR_MS)
    scheduler.hold({ uid: 'v' }, { forMs: 300_000, reason: 'ban' })
    await turn()
    for (const { untilMs } of memory.kept?.holds ?? []) expect(untilMs - clock.epochMs()).toBe(301_000)
  })
})

describe('writing', () => {
  test('happens at once, and again for all else that changes in that turn, never for a call that changes nothing', async () => {
    const memory = heapMemory()
    const { clock, scheduler, quick } = gate([perUid], { memory })
    for (let i = 0; i < 20; i++) quick({ labels })
    await clock.advance(5000)
    expect(memory.saves).toHaveLength(0)
    for (let i = 0; i < 50; i++) {
      scheduler.hold({ uid: `${i}` }, { forMs: 1000 + i, reason: 'ban' })
      expect(memory.saves).toHaveLength(1)
    }
    scheduler.release({ uid: '0' })
    await turn()
    expect(memory.saves).toHaveLength(2)
    expect(memory.kept?.holds).toHaveLength(49)
    scheduler.release({ uid: 'nobody' })
    await turn()
    expect(memory.saves).toHaveLength(2)
  })

  test('that fails is told, and scheduling goes on; the next change tries again', async () => {
    const memory = heapMemory()
    const { clock, scheduler, quick, events } = gate([perUid], { memory })
    memory.trouble = new Error('disk full')
    scheduler.hold({ uid: 'v' }, { forMs: 1000, reason: 'ban' })
    await turn()
    expect(events.at(-1)).toStrictEqual({ type: 'warning', reason: 'disk full' })
    const call = quick({ labels })
    await clock.advance(0)
    expect(call.state).toBe('fulfilled')
    memory.trouble = undefined
    scheduler.hold({ uid: 'v' }, { forMs: 1000, reason: 'ban' })
    await turn()
    expect(memory.kept?.holds).toHaveLength(1)
  })

  test('what could not be read is told, and taken for nothing', () => {
    const memory = heapMemory()
    memory.warning = 'torn'
    const { scheduler, events } = gate([perUid], { memory })
    expect(events).toStrictEqual([{ type: 'warning', reason: 'torn' }])
    expect(scheduler.snapshot().holds).toStrictEqual([])
  })

  test("keeps no more than 200 characters of a server's words", async () => {
    const memory = heapMemory()
    const { scheduler } = gate([perUid], { memory })
    scheduler.hold({ uid: 'u' }, { forMs: 1000, reason: 'x'.repeat(100_000) })
    await turn()
    expect(memory.kept?.holds[0]?.reason).toHaveLength(200)
  })
})

describe('a limit halved by a refusal', () => {
  const free = ({ scheduler }: ReturnType<typeof life>, name = 'uid') =>
    scheduler.snapshot().buckets.find(bucket => bucket.name === name)?.free

  test('goes on recovering from where it was', async () => {
    const memory = heapMemory()
    const first = life(memory, BORN_MS)
    const job = first.job({ labels, retries: 0 })
    await first.clock.advance(0)
    job.refuse()
    await turn()
    expect(memory.kept?.reductions).toMatchObject([{ limit: 'uid', labels: { uid: 'u' }, tokens: 4, quietMs: 1000 }])
    // 4, and 0.4 more every second: 6 after 5 s, 8 after 10 s.
    for (const [awayMs, tokens] of [
      [900, 4],
      [5000, 6],
      [9000, 7],
      [10_000, 8],
      [HOUR_MS, 8],
      [-HOUR_MS, 4],
    ] as const) {
      const next = life(memory, BORN_MS + awayMs + 1)
      next.scheduler.explain({ labels })
      expect(free(next), `${awayMs}`).toBe(tokens)
    }
  })

  test('is not forgotten by a writing before its bucket is used again, and is dropped when it has recovered', async () => {
    const memory = heapMemory()
    const first = life(memory, BORN_MS)
    const job = first.job({ labels, retries: 0 })
    await first.clock.advance(0)
    job.refuse()
    await turn()
    const second = life(memory, BORN_MS)
    second.scheduler.hold({ uid: 'v' }, { forMs: 1000, reason: 'ban' })
    await turn()
    expect(memory.kept?.reductions).toHaveLength(1)
    await second.clock.advance(20_001)
    second.scheduler.hold({ uid: 'w' }, { forMs: 1000, reason: 'ban' })
    await turn()
    expect(memory.kept?.reductions).toHaveLength(0)
  })

  test('with a burst: its limit and its burst are told apart', async () => {
    const memory = heapMemory()
    const limits = [tokenBucket({ name: 'uid', limit: 8, windowMs: 1000, by: ['uid'], burst: 4 })]
    const first = life(memory, BORN_MS, limits)
    const job = first.job({ labels, retries: 0 })
    await first.clock.advance(0)
    job.refuse({ by: ['uid'] })
    await turn()
    const second = life(memory, BORN_MS + 1, limits)
    second.scheduler.explain({ labels })
    expect(second.scheduler.snapshot().buckets.map(bucket => bucket.free)).toStrictEqual([4, 2])
  })
})

describe('halve()', () => {
  const limits = [
    tokenBucket({ name: 'one', limit: 1, windowMs: 1000, by: ['uid', 'endpoint'] }),
    tokenBucket({ name: 'five', limit: 5, windowMs: 1000, by: ['uid', 'kind'] }),
    perUid,
    perIp,
  ]
  const all = { ...labels, endpoint: 'e', kind: 'k' }
  const frees = ({ scheduler }: ReturnType<typeof life>) =>
    Object.fromEntries(scheduler.snapshot().buckets.map(({ name, free }) => [name, free]))

  test('halves every bucket counted by the labels, rounded down, at least 1, for its time', async () => {
    const its = gate(limits)
    its.scheduler.explain({ labels: all })
    its.scheduler.halve({ uid: 'u' }, { forMs: 5000, reason: 'warned' })
    expect(frees(its)).toStrictEqual({ one: 1, five: 2, uid: 4, ip: 20 })
    expect(its.events).toMatchObject([
      { type: 'halved' },
      { type: 'halved' },
      { type: 'halved', limit: 'uid', tokens: 4 },
    ])
    await its.clock.advance(4999)
    expect(frees(its)).toStrictEqual({ one: 1, five: 2, uid: 4, ip: 20 })
    await its.clock.advance(1)
    expect(frees(its)).toStrictEqual({ one: 1, five: 5, uid: 8, ip: 20 })
  })

  test('also those first used later, and no others', () => {
    const its = gate(limits)
    its.scheduler.halve({ uid: 'u' }, { forMs: 5000, reason: 'warned' })
    its.scheduler.explain({ labels: all })
    expect(frees(its)).toStrictEqual({ one: 1, five: 2, uid: 4, ip: 20 })
    const other = gate(limits)
    other.scheduler.halve({ uid: 'v' }, { forMs: 5000, reason: 'warned' })
    other.scheduler.explain({ labels: all })
    expect(frees(other)).toStrictEqual({ one: 1, five: 5, uid: 8, ip: 20 })
  })

  test('only grows, is ended by release, and those who wait go at once', async () => {
    const { clock, scheduler, quick } = gate([perUid])
    scheduler.halve({ uid: 'u' }, { forMs: 60_000, reason: 'warned' })
    scheduler.halve({ uid: 'u' }, { forMs: 10, reason: 'warned' })
    const jobs = Array.from({ length: 8 }, () => quick({ labels }))
    await clock.advance(100)
    expect(jobs.filter(job => job.started)).toHaveLength(4)
    scheduler.release({ uid: 'u' })
    await clock.advance(0)
    expect(jobs.filter(job => job.started)).toHaveLength(8)
  })

  test('is not lifted by headers that tell of a higher limit', async () => {
    const trusting = tokenBucket({ name: 'uid', limit: 8, windowMs: 1000, by: ['uid'], trustHeaders: 'raise' })
    const { clock, scheduler, job } = gate([trusting])
    const first = job({ labels })
    await clock.advance(10)
    first.admission.usage({ limit: 'uid', remaining: 39, max: 40, resetMs: 1000 })
    first.answer()
    await clock.advance(10)
    expect(scheduler.snapshot().buckets[0]?.free).toBe(39)
    scheduler.halve({ uid: 'u' }, { forMs: 5000, reason: 'warned' })
    expect(scheduler.snapshot().buckets[0]?.free).toBe(3)
  })

  test('a call that needs more than half waits for its end', async () => {
    const { clock, scheduler, quick } = gate([perUid])
    scheduler.halve({ uid: 'u' }, { forMs: 60_000, reason: 'warned' })
    const large = quick({ labels, cost: 5 })
    await clock.advance(59_999)
    expect(large.started).toBe(false)
    await clock.advance(1)
    expect(large.started).toBe(true)
  })

  test('released before any of its buckets is used is erased', async () => {
    const memory = heapMemory()
    const { scheduler } = gate(limits, { memory })
    scheduler.halve({ uid: 'u' }, { forMs: 60_000, reason: 'warned' })
    await turn()
    expect(memory.kept?.halvings).toHaveLength(1)
    scheduler.release({ uid: 'u' })
    await turn()
    expect(memory.kept?.halvings).toHaveLength(0)
  })

  test('outlives the process, to its end', async () => {
    const memory = heapMemory()
    const first = life(memory, BORN_MS, limits)
    first.scheduler.halve({ uid: 'u' }, { forMs: 5000, reason: 'warned' })
    await turn()
    for (const [awayMs, uid] of [
      [4990, 4],
      [5001, 8],
    ] as const) {
      const next = life(memory, BORN_MS + awayMs, limits)
      next.scheduler.explain({ labels: all })
      expect(frees(next)['uid'], `${awayMs}`).toBe(uid)
    }
  })
})

describe('a history', () => {
  test('is known under its name, for its time, over restarts', async () => {
    const memory = heapMemory()
    const first = life(memory, BORN_MS)
    first.scheduler.remember('bans', HOUR_MS)
    await first.clock.advance(1000)
    expect(first.scheduler.remember('bans', HOUR_MS)).toStrictEqual([BORN_MS, BORN_MS + 1000])
    expect(first.scheduler.recall('other')).toStrictEqual([])
    await turn()
    const second = life(memory, BORN_MS + 2000)
    expect(second.scheduler.recall('bans')).toStrictEqual([BORN_MS, BORN_MS + 1000])
    await second.clock.advance(HOUR_MS - 2000)
    expect(second.scheduler.recall('bans')).toStrictEqual([BORN_MS + 1000])
    expect(life(memory, BORN_MS + 2 * HOUR_MS).scheduler.recall('bans')).toStrictEqual([])
    // Set back, the clock must not make them last: they count from the saving.
    const back = life(memory, BORN_MS - 10 * HOUR_MS)
    await back.clock.advance(HOUR_MS - 1000)
    expect(back.scheduler.recall('bans')).toHaveLength(1)
    await back.clock.advance(1000)
    expect(back.scheduler.recall('bans')).toHaveLength(0)
  })

  test('without a memory lives as long as the scheduler', () => {
    const { scheduler } = gate([perUid])
    scheduler.remember('bans', HOUR_MS)
    expect(scheduler.recall('bans')).toHaveLength(1)
  })

  test('keeps the last thousand instants', async () => {
    const { scheduler, clock } = gate([perUid])
    for (let i = 0; i < 1005; i++) {
      await clock.advance(1)
      scheduler.remember('bans', HOUR_MS)
    }
    expect(scheduler.recall('bans')).toHaveLength(1000)
    expect(scheduler.recall('bans').at(-1)).toBe(clock.epochMs())
  })
})
