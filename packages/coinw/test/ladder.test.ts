import type { Kept, Memory, SchedulerEvent } from '@headgate/core'
import { createScheduler } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { describe, expect, it } from 'vitest'
import { type CommandName, coinwLimits } from '../src/index.ts'
import { Ladder } from '../src/ladder.ts'
import { congested } from './support/congested.ts'

const HOUR_MS = 3_600_000
const UID = { exchange: 'coinw', uid: 'u1' }
const IP = { exchange: 'coinw', ip: 'a' }

/** A ladder alone, on a scheduler in virtual time. */
function ladder({ memory, epochMs }: { memory?: Memory; epochMs?: number } = {}) {
  const clock = virtualClock(epochMs === undefined ? {} : { epochMs })
  const events: SchedulerEvent[] = []
  const scheduler = createScheduler({
    limits: coinwLimits,
    coldStart: 'full',
    clock,
    observer: event => events.push(event),
    ...(memory && { memory }),
  })
  const subject = new Ladder({ scheduler, clock, ips: ['a', 'b'], tell: event => events.push(event) })
  return {
    clock,
    events,
    scheduler,
    ladder: subject,
    /** @param uid null for a public command */
    refuse(times: number, uid: string | null = 'u1', ip = 'a') {
      for (let i = 0; i < times; i++) subject.refused({ ip, ...(uid !== null && { uid }) })
    },
    /** How long the hold over the labels lasts, without its margin of a second. */
    heldForMs(labels: Record<string, string>) {
      const same = (other: object) => JSON.stringify(other) === JSON.stringify(labels)
      const hold = scheduler.snapshot().holds.find(each => same(each.labels))
      return hold === undefined ? undefined : (hold.waitMs as number) - 1000
    },
    /** Tokens that a command has. */
    tokens(command: CommandName, uid = 'u1') {
      const labels = { exchange: 'coinw', ip: 'a', uid, endpoint: command, group: 'spot' }
      return scheduler.explain({ labels }).gates[0]?.free
    },
  }
}

describe('the client stops at half of what CoinW counts', () => {
  it.each([
    ['a user ID at 30', 'u1', UID, 29],
    ['its address at 40', null, IP, 39],
  ] as const)('%s', (_, uid, labels, before) => {
    const its = ladder()
    its.refuse(before, uid)
    expect(its.heldForMs(labels)).toBeUndefined()
    its.refuse(1, uid)
    expect(its.heldForMs(labels)).toBe(10_000)
  })

  it('each of several addresses has a count of its own', () => {
    const its = ladder()
    its.refuse(39, null, 'a')
    its.refuse(39, null, 'b')
    expect(its.heldForMs(IP)).toBeUndefined()
    its.refuse(1, null, 'b')
    expect(its.heldForMs({ ...IP, ip: 'b' })).toBe(10_000)
    expect(its.heldForMs(IP)).toBeUndefined()
  })

  it('a refused user ID counts for its address too', () => {
    const its = ladder()
    its.refuse(20, 'u1')
    its.refuse(20, 'u2')
    expect(its.heldForMs(UID)).toBeUndefined()
    expect(its.heldForMs(IP)).toBe(10_000)
  })

  it('over a window that slides', async () => {
    const its = ladder()
    await its.clock.advance(5_000)
    its.refuse(29)
    await its.clock.advance(9_999)
    its.refuse(1)
    expect(its.heldForMs(UID)).toBe(10_000)
    const other = ladder()
    other.refuse(29)
    await other.clock.advance(10_000)
    other.refuse(29)
    expect(other.heldForMs(UID)).toBeUndefined()
  })

  it('until the window of the last refusal has passed', async () => {
    const its = ladder()
    its.refuse(30)
    await its.clock.advance(500)
    its.refuse(1)
    expect(its.heldForMs(UID)).toBe(10_000)
  })
})

describe('past the threshold all the same', () => {
  it('the limits of a user ID are halved for 5 minutes: rounded down, at least 1', async () => {
    const its = ladder()
    its.refuse(60)
    expect(its.tokens('getUserTrades')).toBe(10)
    its.refuse(1)
    const tokens = () =>
      (['getUserTrades', 'returnBalances', 'returnCompleteBalances', 'spotWealthTransfer', 'doTrade'] as const).map(
        command => its.tokens(command),
      )
    expect(tokens()).toStrictEqual([5, 1, 2, 1, 15])
    expect(its.tokens('getUserTrades', 'u2')).toBe(10)
    await its.clock.advance(299_999)
    expect(tokens()).toStrictEqual([5, 1, 2, 1, 15])
    await its.clock.advance(1)
    expect(tokens()).toStrictEqual([10, 3, 5, 1, 30])
  })

  it('those of an address, and of all its accounts, also of one that comes later', async () => {
    const its = ladder()
    its.ladder.join('u1')
    its.refuse(81, null)
    await its.clock.advance(100_000)
    its.ladder.join('u2')
    const free = () => Object.fromEntries(its.scheduler.snapshot().buckets.map(({ name, free }) => [name, free]))
    its.tokens('getUserTrades', 'u1')
    its.scheduler.explain({ labels: { exchange: 'coinw', ip: 'a', endpoint: 'returnOrderBook', group: 'spot' } })
    expect(free()).toMatchObject({ 'coinw ip×returnOrderBook': 5, 'coinw ip': 50, 'coinw uid×getUserTrades': 5 })
    expect([its.tokens('getUserTrades', 'u1'), its.tokens('getUserTrades', 'u2')]).toStrictEqual([5, 5])
    await its.clock.advance(200_000)
    expect([its.tokens('getUserTrades', 'u1'), its.tokens('getUserTrades', 'u2')]).toStrictEqual([10, 10])
  })

  it('again within the warning: 30 s for a ban, after which CoinW is as before', async () => {
    const its = ladder()
    its.refuse(61)
    expect(its.heldForMs(UID)).toBe(10_000)
    await its.clock.advance(299_000)
    its.refuse(61)
    expect(its.heldForMs(UID)).toBe(30_000)
    expect(its.scheduler.recall('coinw uid u1 bans')).toHaveLength(1)
    await its.clock.advance(60_000)
    its.refuse(61)
    expect(its.scheduler.recall('coinw uid u1 bans')).toHaveLength(1)
    its.refuse(61)
    expect(its.scheduler.recall('coinw uid u1 bans')).toHaveLength(2)
  })

  it('again after the warning: another warning', async () => {
    const its = ladder()
    its.refuse(61)
    await its.clock.advance(300_000)
    its.refuse(61)
    expect(its.scheduler.recall('coinw uid u1 bans')).toStrictEqual([])
    expect(its.tokens('getUserTrades')).toBe(5)
  })
})

/** A warning, and a ban in it. */
async function ban(its: ReturnType<typeof ladder>, uid: string | null, afterMs: number) {
  const times = uid === null ? 81 : 61
  its.refuse(times, uid)
  // As long as the client stops in between, and what went before no longer counts.
  await its.clock.advance(11_000)
  its.refuse(times, uid)
  await its.clock.advance(afterMs)
}

/** Where one life's memory is the next one's. */
function memoryOf() {
  const box: { kept?: Kept } = {}
  const open: Memory['open'] = () => ({
    ...(box.kept && { kept: box.kept }),
    save(kept) {
      box.kept = JSON.parse(JSON.stringify(kept)) as Kept
    },
  })
  return { open }
}

describe('before the blacklist', () => {
  it.each([
    ['the tenth ban of a user ID', 'u1', UID, 9],
    ['the fifth ban of an address', null, IP, 4],
  ] as const)('%s in 8 h: 8 h of stop, with an alert', async (_, uid, labels, most) => {
    const its = ladder()
    for (let n = 1; n < most; n++) await ban(its, uid, 200_000)
    expect(its.events.filter(({ type }) => type === 'alert')).toStrictEqual([])
    await ban(its, uid, 0)
    expect(its.heldForMs(labels)).toBe(8 * HOUR_MS)
    expect(its.events.filter(({ type }) => type === 'alert')).toStrictEqual([
      { type: 'alert', reason: 'ladder', labels, facts: { bans: most, forMs: 28_800_000 } },
    ])
  })

  it('bans of more than 8 h ago are forgotten', async () => {
    const its = ladder()
    for (let n = 1; n < 30; n++) await ban(its, 'u1', HOUR_MS - 11_001)
    expect(its.events.filter(({ type }) => type === 'alert').length).toBeGreaterThan(0)
    const slow = ladder()
    for (let n = 1; n < 30; n++) await ban(slow, 'u1', HOUR_MS - 11_000)
    expect(slow.events.filter(({ type }) => type === 'alert')).toStrictEqual([])
  })

  it('counts over restarts, and the stop, the warning and the halving outlive them too', async () => {
    const memory = memoryOf()
    let epochMs = Date.UTC(2026, 0, 1)
    const live = async (does: (its: ReturnType<typeof ladder>) => Promise<void>) => {
      const its = ladder({ memory, epochMs })
      await does(its)
      await Promise.resolve()
      epochMs = (its.clock as VirtualClock).epochMs() + 1000
      return its
    }
    for (let n = 1; n < 9; n++) await live(its => ban(its, 'u1', 60_000))
    await live(async its => its.refuse(61))
    const last = await live(async its => {
      expect(its.tokens('getUserTrades')).toBe(5)
      its.refuse(61)
    })
    expect(last.events.filter(({ type }) => type === 'alert')).toHaveLength(1)
    epochMs += 7 * HOUR_MS
    const next = await live(async () => {})
    expect(next.heldForMs(UID)).toBeGreaterThan(HOUR_MS - 10_000)
    expect(next.heldForMs(UID)).toBeLessThan(HOUR_MS)
  })
})

/** Calls of several commands of each account, as fast as they go. */
async function press(its: ReturnType<typeof congested>, uids: readonly string[], forMs: number) {
  const commands = [
    'returnOpenOrders',
    'returnOrderStatus',
    'returnOrderTrades',
    'getUserTrades',
    'returnBalances',
  ] as const
  let over = false
  for (const uid of uids) {
    const account = its.account(uid)
    for (const command of commands) {
      for (let i = 0; i < 4; i++) {
        void (async () => {
          while (!over) await account.call(command).catch(() => undefined)
        })()
      }
    }
  }
  for (let ms = 0; ms < forMs; ms += 10) await its.clock.advance(10)
  over = true
}

describe('against a congested CoinW', () => {
  it('a refused user ID stops, and the others go on', async () => {
    const its = congested({ refuses: uid => uid === 'u1' })
    await press(its, ['u1', 'u2'], 20_000)
    expect(its.held()[0]).toMatchObject({ labels: UID, forMs: 10_000 })
    expect(its.worst('u1')).toBeLessThanOrEqual(60)
    expect(its.calls.filter(({ uid, atMs }) => uid === 'u2' && atMs > 10_000).length).toBeGreaterThan(100)
  })

  for (const seed of [1, 2, 3, 4, 5, 6]) {
    it(`no window of its own ever passes a threshold, whatever it refuses: seed ${seed}`, async () => {
      const share = [0.2, 0.5, 0.8, 1, 1, 1][seed - 1] as number
      const world = (on: boolean) =>
        congested({
          seed,
          medianMs: 10 * seed,
          // Well for five seconds, then not, then well again, and so on.
          refuses: (_, nowMs, random) => nowMs % 30_000 > 5_000 && random() < share,
          ladder: on,
        })
      const its = world(true)
      const uids = ['u1', 'u2', 'u3']
      await press(its, uids, 60_000)
      for (const uid of uids) expect(its.worst(uid)).toBeLessThanOrEqual(60)
      expect(its.worst()).toBeLessThanOrEqual(80)
      expect(its.events.filter(({ type }) => type === 'alert')).toStrictEqual([])
      const without = world(false)
      await press(without, uids, 60_000)
      expect(without.held()).toStrictEqual([])
      expect(without.worst()).toBeGreaterThan(its.worst())
      if (share > 0.2) expect(without.worst()).toBeGreaterThan(80)
    })
  }
})
