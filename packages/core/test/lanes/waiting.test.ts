import { beforeEach, describe, expect, test } from 'vitest'
import { Lane } from '../../src/lanes/lane.ts'
import { Waiting } from '../../src/lanes/waiting.ts'
import type { Gate } from '../../src/ports/ledger.ts'

interface TestGate extends Gate {
  free: number
  size: number
  backAtMs: number
}

const gateOf = (
  name: string,
  by: readonly string[],
  size = 10,
  kind: Gate['kind'] = 'bucket',
  windowMs = 1_000,
): TestGate => ({
  kind,
  name,
  key: name,
  by,
  windowMs: kind === 'bucket' ? windowMs : 0,
  free: 0,
  size,
  backAtMs: Number.POSITIVE_INFINITY,
})

let waiting: Waiting
let costs: Map<Lane, number>
let names: Map<Lane, string>
/** Lanes with one call for their heads. */
let twins: Set<Lane>
beforeEach(() => {
  costs = new Map()
  names = new Map()
  twins = new Set()
  waiting = new Waiting(
    {
      readyAtMs: (gate, tokens, nowMs) => ((gate as TestGate).free >= tokens ? nowMs : (gate as TestGate).backAtMs),
      costOf: (_, lane) => costs.get(lane) ?? 1,
      reservedOf: () => 0,
      sizeOf: gate => (gate as TestGate).size,
      areOne: (a, b) => twins.has(a) && twins.has(b),
    },
    'uid',
  )
})

function enter(name: string, gates: readonly Gate[], { group = name, priority = 0, cost = 1 } = {}): Lane {
  const lane = new Lane(name, { labels: {}, gates }, priority, group)
  costs.set(lane, cost)
  names.set(lane, name)
  waiting.enter(lane)
  return lane
}

/** As the scheduler does: each lane whose turn it is takes its token and waits on, until nobody can go. */
function serve(nowMs: number, most = 100): string[] {
  const order: string[] = []
  for (let lane = waiting.takeNext(nowMs); lane !== undefined && order.length < most; lane = waiting.takeNext(nowMs)) {
    const short = lane.passage.gates.find(gate => (gate as TestGate).free < (costs.get(lane as Lane) ?? 1))
    if (short !== undefined) {
      waiting.place(lane, short, nowMs)
      continue
    }
    for (const gate of lane.passage.gates) (gate as TestGate).free -= costs.get(lane) ?? 1
    order.push(names.get(lane) ?? '')
    waiting.admitted(lane, nowMs)
    waiting.requeue(lane, lane.wokenBy as Gate, nowMs)
  }
  waiting.tidy()
  return order
}

const give = (gate: TestGate, tokens: number, nowMs = 0) => {
  gate.free += tokens
  waiting.changed(gate, nowMs)
}

describe('turns', () => {
  test('the lane that came first goes first, then behind all that wait', () => {
    const ip = gateOf('ip', ['ip'])
    for (const name of ['a', 'b', 'c']) waiting.place(enter(name, [ip]), ip, 0)
    give(ip, 5)
    expect(serve(0)).toStrictEqual(['a', 'b', 'c', 'a', 'b'])
  })

  test('no more are woken than there are tokens', () => {
    const ip = gateOf('ip', ['ip'])
    for (const name of ['a', 'b', 'c']) waiting.place(enter(name, [ip]), ip, 0)
    expect(waiting.takeNext(0)).toBeUndefined()
    give(ip, 1)
    expect(waiting.wakeAtMs).toBe(Number.NEGATIVE_INFINITY)
    expect(serve(0)).toStrictEqual(['a'])
    expect(waiting.wakeAtMs).toBe(Number.POSITIVE_INFINITY)
  })

  test('are kept when a lane moves from room to room', () => {
    const [one, two] = [gateOf('one', ['a']), gateOf('two', ['b'])]
    const old = enter('old', [one, two])
    const young = enter('young', [two])
    waiting.place(old, one, 0)
    waiting.place(young, two, 0)
    one.free = 1
    waiting.changed(one, 0)
    // Woken by the first, refused by the second, where the other waits already.
    expect(serve(0)).toStrictEqual([])
    give(two, 1)
    expect(serve(0)).toStrictEqual(['old'])
    give(two, 1)
    expect(serve(0)).toStrictEqual(['young'])
  })

  test('of a group are one: after a lane of it was served, its others rank behind the rest', () => {
    const ip = gateOf('ip', ['ip'])
    for (const name of ['u1', 'u2', 'u3', 'v1']) waiting.place(enter(name, [ip], { group: name.slice(0, 1) }), ip, 0)
    give(ip, 8)
    expect(serve(0)).toStrictEqual(['u1', 'v1', 'u2', 'v1', 'u3', 'v1', 'u1', 'v1'])
  })

  test('of a group are one: a large call of it, which ranks behind now, keeps nobody from a token', () => {
    const ip = gateOf('ip', ['ip'])
    waiting.place(enter('v', [ip]), ip, 0)
    waiting.place(enter('u1', [ip], { group: 'u' }), ip, 0)
    waiting.place(enter('u2', [ip], { group: 'u', cost: 3 }), ip, 0)
    give(ip, 3)
    expect(serve(0)).toStrictEqual(['v', 'u1', 'v'])
  })

  test('of one group among themselves: all get theirs', () => {
    const ip = gateOf('ip', ['ip'])
    for (const name of ['u1', 'u2', 'u3', 'u4']) waiting.place(enter(name, [ip], { group: 'u' }), ip, 0)
    for (let i = 0; i < 3; i++) {
      give(ip, 4)
      expect(serve(0).sort()).toStrictEqual(['u1', 'u2', 'u3', 'u4'])
    }
  })

  test('a larger priority goes first', () => {
    const ip = gateOf('ip', ['ip'])
    waiting.place(enter('low', [ip], { priority: -1 }), ip, 0)
    waiting.place(enter('plain', [ip]), ip, 0)
    waiting.place(enter('high', [ip], { priority: 1 }), ip, 0)
    give(ip, 2)
    expect(serve(0, 1)).toStrictEqual(['high'])
  })

  test('among rooms that have tokens the smallest turn goes first', () => {
    const [one, two] = [gateOf('one', ['a']), gateOf('two', ['b'])]
    waiting.place(enter('second', [two]), two, 0)
    waiting.place(enter('third', [one]), one, 0)
    waiting.place(enter('fourth', [two]), two, 0)
    one.free = two.free = 2
    waiting.changed(one, 0)
    waiting.changed(two, 0)
    expect(serve(0)).toStrictEqual(['second', 'third', 'fourth', 'third'])
  })

  test('a lane that needs several tokens is not passed over by one that needs one', () => {
    const ip = gateOf('ip', ['ip'])
    waiting.place(enter('large', [ip], { cost: 3 }), ip, 0)
    waiting.place(enter('small', [ip]), ip, 0)
    give(ip, 2)
    expect(serve(0)).toStrictEqual([])
    give(ip, 2)
    expect(serve(0)).toStrictEqual(['large', 'small'])
  })
})

describe('time', () => {
  test('a room wakes when its gate has tokens for its first lane, and not before', () => {
    const ip = gateOf('ip', ['ip'])
    ip.backAtMs = 500
    waiting.place(enter('a', [ip]), ip, 0)
    expect(waiting.wakeAtMs).toBe(500)
    expect(waiting.takeNext(499)).toBeUndefined()
    ip.backAtMs = Number.POSITIVE_INFINITY
    ip.free = 1
    expect(serve(500)).toStrictEqual(['a'])
  })

  test('a wake that comes to nothing is put off', () => {
    const ip = gateOf('ip', ['ip'])
    ip.backAtMs = 500
    waiting.place(enter('a', [ip]), ip, 0)
    ip.backAtMs = 700
    expect(waiting.takeNext(500)).toBeUndefined()
    expect(waiting.wakeAtMs).toBe(700)
  })
})

describe('claims', () => {
  test('after three bounces the tokens of its gates are kept for a lane, but not from an older one', () => {
    const [one, two] = [gateOf('one', ['a']), gateOf('two', ['b'])]
    const older = enter('older', [one])
    const both = enter('both', [one, two])
    const younger = enter('younger', [one])
    waiting.place(both, one, 0)
    for (let i = 0; i < 4; i++) {
      const [here, there] = i % 2 === 0 ? [one, two] : [two, one]
      here.free = 1
      there.free = 0
      waiting.changed(here, 0)
      expect(serve(0)).toStrictEqual([])
    }
    one.free = 1
    two.free = 0
    expect(waiting.claimBefore(younger, 0)).toMatchObject({ gate: one })
    expect(waiting.claimBefore(older, 0)).toBeUndefined()
    expect(waiting.claimBefore(both, 0)).toBeUndefined()
    one.free = 2
    expect(waiting.claimBefore(younger, 0)).toBeUndefined()
  })

  test('are not kept from another lane of the same call', () => {
    const [one, two] = [gateOf('one', ['a'], 50), gateOf('two', ['b'], 50)]
    const both = enter('both', [one, two])
    const twin = enter('twin', [one])
    const younger = enter('younger', [one])
    twins.add(both).add(twin)
    waiting.place(both, one, 0)
    give(one, 1)
    serve(0)
    expect(waiting.claimBefore(younger, 0)).toMatchObject({ gate: one })
    expect(waiting.claimBefore(twin, 0)).toBeUndefined()
    one.free = 0
    waiting.place(twin, one, 0)
    give(one, 1)
    expect(serve(0, 1)).toStrictEqual(['twin'])
  })

  test('of a wide bucket is made at the first bounce: it idles little', () => {
    const [one, two] = [gateOf('one', ['a'], 50), gateOf('two', ['b'], 50)]
    const both = enter('both', [one, two])
    const younger = enter('younger', [one])
    waiting.place(both, one, 0)
    give(one, 1)
    serve(0)
    expect(waiting.claimBefore(younger, 0)).toMatchObject({ gate: one })
  })

  test.each([
    { what: 'whose window is shorter than the wait', at: 'bucket', other: 'bucket', waitMs: 1_001, claimed: false },
    { what: 'whose window is as long as the wait', at: 'bucket', other: 'bucket', waitMs: 1_000, claimed: true },
    {
      what: 'until answers tell, for a longer window',
      at: 'bucket',
      other: 'bucket',
      waitMs: undefined,
      claimed: false,
    },
    { what: 'on a cap, for a bucket', at: 'cap', other: 'bucket', waitMs: 10, claimed: false },
    { what: 'on a cap, for a cap', at: 'cap', other: 'cap', waitMs: undefined, claimed: true },
    { what: 'on a bucket, for a cap', at: 'bucket', other: 'cap', waitMs: undefined, claimed: true },
  ] as const)('idle nothing for long: $what: $claimed', ({ at, other, waitMs, claimed }) => {
    const one = gateOf('one', ['a'], 50, at)
    const two = gateOf('two', ['b'], 50, other, 60_000)
    if (waitMs !== undefined) two.backAtMs = waitMs
    waiting.place(enter('both', [one, two]), one, 0)
    give(one, 1)
    serve(0)
    expect(waiting.claimBefore(enter('younger', [one]), 0) !== undefined).toBe(claimed)
  })

  test('are given up when the next wait is too long for them', () => {
    const [one, two] = [gateOf('one', ['a'], 50), gateOf('two', ['b'], 50)]
    const three = gateOf('three', ['c'], 50, 'bucket', 60_000)
    two.backAtMs = 500
    three.backAtMs = 30_000
    three.free = 1
    waiting.place(enter('both', [one, two, three]), one, 0)
    const younger = enter('younger', [one])
    give(one, 1)
    serve(0)
    expect(waiting.claimBefore(younger, 0)).toMatchObject({ gate: one })
    three.free = 0
    give(two, 1)
    serve(0)
    expect(waiting.claimBefore(younger, 0)).toBeUndefined()
  })

  test.each(['goes', 'leaves', 'comes under a hold'])('end when the lane %s', how => {
    const [one, two] = [gateOf('one', ['a'], 50), gateOf('two', ['b'], 50)]
    const both = enter('both', [one, two])
    const younger = enter('younger', [one])
    waiting.place(both, one, 0)
    give(one, 1)
    serve(0)
    expect(waiting.claimBefore(younger, 0)).toMatchObject({ gate: one })
    if (how === 'leaves') waiting.exit(both, 0)
    else {
      give(two, 1)
      if (how === 'goes') expect(serve(0)).toStrictEqual(['both'])
      else waiting.place(waiting.takeNext(0) as Lane, gateOf('hold', [], 1, 'hold'), 0)
    }
    one.free = 1
    expect(waiting.claimBefore(younger, 0)).toBeUndefined()
  })
})

describe('who comes waits behind those who wait', () => {
  test('at any of its gates', () => {
    const [ip, uid] = [gateOf('ip', ['ip']), gateOf('uid', ['uid'])]
    waiting.place(enter('a', [ip]), ip, 0)
    expect(waiting.blockerOf(enter('b', [uid, ip]))).toBe(ip)
    expect(waiting.blockerOf(enter('c', [uid]))).toBeUndefined()
    expect([
      waiting.isAwaited({ labels: {}, gates: [ip] }, 0),
      waiting.isAwaited({ labels: {}, gates: [uid] }, 0),
    ]).toStrictEqual([true, false])
  })

  test('a lane whose own gate is free again takes its turn at the shared one, unjudged', () => {
    const [ip, uid] = [gateOf('ip', ['ip']), gateOf('uid', ['uid'])]
    const mine = enter('mine', [ip, uid])
    const other = enter('other', [ip])
    waiting.place(mine, uid, 0)
    waiting.place(other, ip, 0)
    give(uid, 1)
    expect(serve(0)).toStrictEqual([])
    give(ip, 1)
    expect(serve(0)).toStrictEqual(['mine'])
  })
})

test('when all have left nothing is left', () => {
  const [ip, uid] = [gateOf('ip', ['ip']), gateOf('uid', ['uid'])]
  const lanes = Array.from({ length: 200 }, (_, i) => enter(`${i}`, [ip, uid]))
  for (const [i, lane] of lanes.entries()) waiting.place(lane, i % 2 === 0 ? ip : uid, 0)
  ip.free = uid.free = 150
  waiting.changed(ip, 0)
  waiting.changed(uid, 0)
  serve(0, 150)
  for (const lane of lanes) waiting.exit(lane, 0)
  waiting.tidy()
  expect([waiting.isEmpty, waiting.wakeAtMs]).toStrictEqual([true, Number.POSITIVE_INFINITY])
})
