import { createScheduler, type Reading } from '@headgate/core'
import { checkWindows, logNormal, seededRandom, virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { bingxLimits, createBingx } from '../src/index.ts'
import { NEVER_MS } from './support/settle.ts'

const DEPTH = '/openApi/swap/v2/quote/depth'
const BALANCE = '/openApi/swap/v3/user/balance'

interface Seen {
  readonly atMs: number
  readonly ip: string
  readonly uid: string
  readonly path: string
  readonly accepted: boolean
  /** It left when its address had been told of the ban. */
  readonly knowingly: boolean
}

interface Ban {
  readonly ip: string
  readonly fromMs: number
  readonly untilMs: number
}

/** What BingX counts, by hand: nothing of the client's own data. */
const RULES: Readonly<Record<string, readonly { by: 'ip' | 'uid'; limit: number; windowMs: number }[]>> = {
  [DEPTH]: [
    { by: 'ip', limit: 500, windowMs: 10_000 },
    { by: 'ip', limit: 1_000, windowMs: 60_000 },
  ],
  [BALANCE]: [
    { by: 'uid', limit: 5, windowMs: 1_000 },
    { by: 'ip', limit: 300, windowMs: 10_000 },
  ],
}

/** From this instant on an address answers nothing. */
interface Hole {
  readonly ip: string
  readonly fromMs: number
}

/** A BingX in virtual time behind a jittery network, and a client of it with these addresses. */
function world(
  ips: readonly string[],
  {
    seed = 1,
    bans = [] as readonly Ban[],
    hole = undefined as Hole | undefined,
    coldStart = 'full' as 'full' | 'paced',
    timeoutMs = NEVER_MS,
  } = {},
) {
  const clock = virtualClock({ epochMs: Date.UTC(2026, 0, 1) })
  const random = seededRandom(seed)
  const seen: Seen[] = []
  const windows = new Map<string, number[]>()
  const told = new Set<Ban>()
  const wayMs = () => 10 + logNormal(random, 5, 1)
  const travel = () => new Promise<void>(resolve => void clock.setTimer(resolve, wayMs()))
  const banAt = (ip: string, atMs: number) =>
    bans.find(ban => ban.ip === ip && atMs >= ban.fromMs && atMs < ban.untilMs)

  const accepts = (path: string, keys: { ip: string; uid: string }, nowMs: number): boolean => {
    const counted = (RULES[path] ?? []).map(rule => {
      const key = `${path} ${rule.windowMs} ${rule.by} ${keys[rule.by]}`
      const times = (windows.get(key) ?? []).filter(atMs => atMs > nowMs - rule.windowMs)
      windows.set(key, times)
      return { times, hasRoom: times.length < rule.limit }
    })
    const accepted = counted.every(({ hasRoom }) => hasRoom)
    if (accepted) for (const { times } of counted) times.push(nowMs)
    return accepted
  }

  const egress = ips.map(ip => ({
    ip,
    async fetch(input: unknown) {
      const { url, headers, signal } = input as Request
      const path = new URL(url).pathname
      const uid = headers.get('x-bx-apikey') ?? ''
      const known = banAt(ip, clock.nowMs())
      const knowingly = known !== undefined && told.has(known)
      await travel()
      const nowMs = clock.nowMs()
      if (ip === hole?.ip && nowMs >= hole.fromMs)
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      const ban = banAt(ip, nowMs)
      const accepted = ban === undefined && accepts(path, { ip, uid }, nowMs)
      seen.push({ atMs: nowMs, ip, uid, path, accepted, knowingly })
      const timestamp = Math.floor(clock.epochMs())
      await travel()
      if (ban !== undefined) {
        told.add(ban)
        const msg = `code:100410:The endpoint trigger frequency limit rule is currently in the disabled period and will be unblocked after ${timestamp + Math.round(ban.untilMs - nowMs)}`
        return Response.json({ code: 100410, msg, timestamp })
      }
      if (!accepted) return Response.json({ code: 100410, msg: 'rate limited', timestamp })
      return Response.json({ code: 0, msg: '', data: [], timestamp })
    },
  }))
  const scheduler = createScheduler({ limits: bingxLimits, clock, random, coldStart, timeoutMs: 2 * NEVER_MS })
  const bingx = createBingx({ egress, scheduler, clock, syncClock: false, timeoutMs })

  return {
    clock,
    bingx,
    seen,
    refused: () => seen.filter(({ accepted, atMs, ip }) => !accepted && banAt(ip, atMs) === undefined).length,
    knowingly: () => seen.filter(({ knowingly }) => knowingly).length,
    used: (ip: string, fromMs: number, untilMs: number) =>
      seen.filter(call => call.ip === ip && call.accepted && call.atMs >= fromMs && call.atMs < untilMs).length,
    violations: () =>
      Object.entries(RULES).flatMap(([path, rules]) =>
        checkWindows(
          seen
            .filter(call => call.path === path && call.accepted)
            .map(({ atMs, ip, uid }) => ({ atMs, labels: { ip, uid } })),
          rules.map(({ by, limit, windowMs }) => ({ name: by, limit, windowMs, by: [by] })),
        ),
      ),
    async finish() {
      await bingx.close()
      const closing = scheduler.close()
      await clock.runAll(3_600_000)
      await closing
    },
  }
}

describe('market data, saturated', () => {
  test.each([
    [['a', 'b'], 'full', 420_000],
    [['a', 'b', 'c'], 'paced', 240_000],
  ] as const)(
    'from %j (%s) for %i ms: each address gives all it has, none refused',
    async (ips, coldStart, untilMs) => {
      const its = world(ips, { coldStart })
      const { bingx, clock } = its
      const call = async () => {
        while (clock.nowMs() < untilMs) await bingx.call(`GET ${DEPTH}`, { symbol: 'BTC-USDT' })
      }
      for (let i = 0; i < 50 * ips.length; i++) void call().catch(() => undefined)
      await clock.advance(untilMs)
      await its.finish()
      expect(its.refused()).toBe(0)
      expect(its.violations()).toEqual([])
      const quota = (untilMs - 120_000) / 60
      for (const ip of ips) expect(its.used(ip, 120_000, untilMs) / quota).toBeGreaterThan(0.97)
    },
  )
})

describe('120 accounts that poll their balances from two addresses', () => {
  test('have an even share of both, and of the other while one is banned', async () => {
    // In the documents' words the ban of a signed call is the account's; here it is the whole address, by a firewall.
    const its = world(['a', 'b'])
    const { bingx, clock } = its
    const readings: Reading<unknown>[][] = []
    const abort = new AbortController()
    for (let i = 0; i < 120; i++) {
      const own: Reading<unknown>[] = []
      readings.push(own)
      const account = bingx.account({ apiKey: `key-${i}`, secretKey: 'secret', uid: `u${i}` })
      void (async () => {
        for await (const reading of account.swap.balance.poll({ everyMs: 1_000, signal: abort.signal }))
          own.push(reading)
      })()
    }
    await clock.advance(60_000)
    bingx.scheduler.hold({ exchange: 'bingx', ip: 'a' }, { forMs: 40_000, reason: 'firewall' })
    const heldAtMs = clock.nowMs()
    await clock.advance(100_000)
    abort.abort()
    await its.finish()
    expect(its.refused()).toBe(0)
    expect(its.violations()).toEqual([])
    for (const ip of ['a', 'b']) expect(its.used(ip, 20_000, 60_000) / 1_200).toBeGreaterThan(0.97)
    expect(its.used('a', heldAtMs + 100, heldAtMs + 40_000)).toBe(0)
    expect(its.used('b', 60_000, 100_000) / 1_200).toBeGreaterThan(0.97)
    for (const ip of ['a', 'b']) expect(its.used(ip, 120_000, 160_000) / 1_200).toBeGreaterThan(0.97)
    const counts = readings.map(own => own.length)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2)
    expect(readings.flat().every(({ ok }) => ok)).toBe(true)
  })
})

test('a disabled period of an endpoint for one address: not one call goes into it once it is known, none is lost', async () => {
  const its = world(['a', 'b'], { bans: [{ ip: 'a', fromMs: 30_000, untilMs: 150_000 }] })
  const { bingx, clock } = its
  let done = 0
  const failures: unknown[] = []
  // Fewer than one address gives.
  for (let atMs = 0; atMs < 240_000; atMs += 80) {
    clock.setTimer(() => {
      bingx.call(`GET ${DEPTH}`, { symbol: 'BTC-USDT' }).then(
        () => done++,
        error => failures.push(error),
      )
    }, atMs)
  }
  await clock.advance(240_000)
  await its.finish()
  expect(failures).toEqual([])
  expect(done).toBe(3_000)
  expect(its.refused()).toBe(0)
  expect(its.knowingly()).toBe(0)
  expect(its.used('b', 31_000, 150_000)).toBeGreaterThan(1_450)
  expect(its.used('a', 160_000, 240_000)).toBeGreaterThan(400)
})

test('an address that answers nothing any more costs its calls some time, and none of them is lost', async () => {
  const its = world(['a', 'b'], { hole: { ip: 'b', fromMs: 20_000 }, timeoutMs: 10_000 })
  const { bingx, clock } = its
  const failures: unknown[] = []
  for (let i = 0; i < 5; i++) {
    const account = bingx.account({ apiKey: `key-${i}`, secretKey: 'secret', uid: `u${i}` })
    const call = async () => {
      while (clock.nowMs() < 180_000) await account.swap.balance().catch(error => failures.push(error))
    }
    for (let j = 0; j < 8; j++) void call()
  }
  await clock.advance(220_000)
  expect(failures).toEqual([])
  await its.finish()
  expect(its.refused()).toBe(0)
  // What was lost by it comes back to the accounts by the other.
  expect(its.used('a', 110_000, 180_000) / (5 * 5 * 70)).toBeGreaterThan(0.85)
})
