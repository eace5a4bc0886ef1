import { describe, expect, test } from 'vitest'
import type { LadderRule } from '../src/index.ts'
import { bob, caller, codes, start } from './helpers.ts'

const ok = '200'
const refused = 29001

async function ladder(rule?: LadderRule | false) {
  const { exchange, clock } = await start(rule === undefined ? {} : { ladder: rule })
  // The clock starts a second into a fixed window of ten; so that tests can count in whole windows:
  clock.step(9000)
  const { coinw, coinwPublic } = caller(exchange, clock)
  const ip = '10.0.0.1'
  /** Calls of one UID, each from an address of its own share, so that only the UID's count goes up. */
  let calls = 0
  const spread = (command = 'returnBalances') => coinw({ command, ip: `10.1.0.${calls++ % 4}` })
  const rung = (key: string) => exchange.stats().ladder.find(one => one.key === key)
  return {
    exchange,
    clock,
    coinw,
    coinwPublic,
    spread,
    rung,
    ip,
    /** So many refusals of alice, no matter how many are accepted on the way. */
    async refusals(times: number, call = spread): Promise<void> {
      for (let seen = 0; seen < times; ) if ((await call()).body.code === refused) seen++
    },
  }
}

describe('the first step, a warning', () => {
  test('over 60 refusals of a UID within a fixed window of ten seconds halve its limits for five minutes', async () => {
    const { clock, spread, refusals, rung, exchange } = await ladder()
    await refusals(60)
    expect(rung('alice')).toMatchObject({ scope: 'uid', state: 'normal', refusals: 60, warnings: 0, untilMs: null })
    await refusals(1)
    expect(rung('alice')).toMatchObject({ state: 'warning', untilMs: clock.now + 300_000, refusals: 0, warnings: 1 })
    expect(exchange.stats().banned).toBe(0)

    clock.step(10_000)
    // 3 per second → 1, 5 per 2 s → 2, 10 per 2 s → 5, 30 per 2 s → 15, and 1 stays 1.
    for (const [command, limit] of [
      ['returnBalances', 1],
      ['returnCompleteBalances', 2],
      ['getUserTrades', 5],
      ['doTrade', 15],
      ['spotWealthTransfer', 1],
    ] as const) {
      expect(await codes(limit + 1, () => spread(command))).toEqual([...Array(limit).fill(ok), refused])
    }
    clock.step(289_999)
    expect(await codes(2, spread)).toEqual([ok, refused])
    clock.step(1)
    expect(rung('alice')).toMatchObject({ state: 'normal', untilMs: null })
    expect(await codes(3, spread)).toEqual([ok, ok, refused])
    clock.step(1000)
    expect(await codes(4, spread)).toEqual([ok, ok, ok, refused])
  })

  test('the windows are fixed: 60 refusals in one and 60 in the next are forgiven', async () => {
    const { clock, refusals, rung } = await ladder()
    clock.step(9990)
    await refusals(60)
    clock.step(10)
    await refusals(60)
    expect(rung('alice')).toMatchObject({ state: 'normal', refusals: 60 })
    await refusals(1)
    expect(rung('alice')?.state).toBe('warning')
  })

  test('over 80 refusals from one address warn it: all that comes from there is halved, public and private', async () => {
    const { clock, coinw, coinwPublic, rung, ip, exchange } = await ladder()
    const depth = (from: string) => coinwPublic('command=returnOrderBook&symbol=BTC_USDT', 'GET', from)
    await codes(10, () => depth(ip))
    expect(await codes(80, () => depth(ip))).toEqual(Array(80).fill(refused))
    expect(rung(ip)).toMatchObject({ scope: 'ip', state: 'normal', refusals: 80 })
    await depth(ip)
    expect(rung(ip)).toMatchObject({ state: 'warning', untilMs: clock.now + 300_000 })
    clock.step(10_000)
    expect(await codes(6, () => depth(ip))).toEqual([...Array(5).fill(ok), refused])
    expect(await codes(6, () => depth('10.0.0.2'))).toEqual(Array(6).fill(ok))
    expect(await codes(2, () => coinw({ ip }))).toEqual([ok, refused])
    expect(await codes(3, () => coinw({ account: bob, ip: '10.0.0.2' }))).toEqual([ok, ok, ok])
    expect(exchange.stats().banned).toBe(0)
  })

  test('a UID’s warning does not touch other UIDs; the limits of all calls together stay whole', async () => {
    const { clock, coinw, coinwPublic, refusals, rung } = await ladder({ uidRefusals: 1 })
    await refusals(2)
    expect(rung('alice')?.state).toBe('warning')
    clock.step(10_000)
    expect(await codes(3, () => coinw({ account: bob, ip: '10.0.0.2' }))).toEqual([ok, ok, ok])

    const wary = await ladder({ ipRefusals: 1 })
    const ticker = (command: string) => wary.coinwPublic(`command=${command}`, 'GET', wary.ip)
    await codes(82, () => ticker('returnTicker'))
    expect(wary.rung(wary.ip)?.state).toBe('warning')
    wary.clock.step(10_000)
    const names = ['returnTicker', 'returnSymbol', 'returnCurrencies']
    const all = await Promise.all(names.flatMap(name => Array.from({ length: 40 }, () => ticker(name))))
    expect(all.filter(({ body }) => body.code === ok)).toHaveLength(100)
    expect((await coinwPublic('command=returnTicker')).body.code).toBe(ok)
  })
})

describe('the second step, a ban', () => {
  test('over 60 again during the warning: 30 seconds, all commands, then normal', async () => {
    const { clock, coinw, spread, refusals, rung, exchange } = await ladder()
    await refusals(61)
    clock.step(20_000)
    await refusals(60)
    expect(rung('alice')).toMatchObject({ state: 'warning', refusals: 60 })
    await refusals(1)
    expect(rung('alice')).toMatchObject({ state: 'banned', untilMs: clock.now + 30_000, bans: 1, recentBans: 1 })
    expect(exchange.stats()).toMatchObject({
      banned: 1,
      intoBan: 0,
      bans: [{ exchange: 'coinw', uid: 'alice', ip: null, endpoint: null, cause: 'ladder' }],
    })
    expect((await spread('doTrade')).body).toEqual({ code: refused, msg: 'API access frequently' })
    expect(await codes(1, () => coinw({ account: bob, ip: '10.0.0.2' }))).toEqual([ok])
    clock.step(29_999)
    expect(await codes(1, spread)).toEqual([refused])
    expect(rung('alice')).toMatchObject({ intoBan: 2 })
    expect(exchange.stats()).toMatchObject({ intoBan: 2 })
    clock.step(1)
    expect(await codes(4, spread)).toEqual([ok, ok, ok, refused])
    expect(rung('alice')).toMatchObject({ state: 'normal', refusals: 1, warnings: 1 })
  })

  test('an address is banned for everybody behind it', async () => {
    const { clock, coinw, coinwPublic, rung, ip } = await ladder({ ipRefusals: 2 })
    await codes(9, () => coinw({ ip }))
    expect(rung(ip)).toMatchObject({ state: 'banned', untilMs: clock.now + 30_000 })
    expect(await codes(1, () => coinw({ account: bob, ip }))).toEqual([refused])
    expect(await codes(1, () => coinwPublic('command=returnTicker', 'GET', ip))).toEqual([refused])
    expect(await codes(1, () => coinw({ account: bob, ip: '10.0.0.2' }))).toEqual([ok])
  })
})

describe('the third step, the blacklist', () => {
  /** Each round: a warning, and over it a ban. */
  const quick = { uidRefusals: 1, ipRefusals: 100_000 }

  test('instead of the eleventh ban of a UID in eight hours: eight hours', async () => {
    const { clock, spread, refusals, rung, exchange } = await ladder(quick)
    for (let ban = 1; ban <= 10; ban++) {
      await refusals(4)
      expect(rung('alice')).toMatchObject({ state: 'banned', bans: ban, recentBans: ban })
      clock.step(60_000)
    }
    await refusals(4)
    expect(rung('alice')).toMatchObject({ state: 'blacklisted', untilMs: clock.now + 28_800_000, blacklists: 1 })
    expect(exchange.stats().bans.at(-1)).toMatchObject({ cause: 'blacklist', uid: 'alice' })
    clock.step(28_799_999)
    expect(await codes(1, spread)).toEqual([refused])
    clock.step(1)
    expect(await codes(1, spread)).toEqual([ok])
    expect(rung('alice')).toMatchObject({ state: 'normal', recentBans: 0, bans: 10 })
  })

  test('bans older than eight hours are forgotten', async () => {
    const { clock, refusals, rung } = await ladder(quick)
    for (let ban = 1; ban <= 10; ban++) {
      await refusals(4)
      clock.step(60_000)
    }
    clock.step(28_800_000 - 600_000)
    await refusals(4)
    expect(rung('alice')).toMatchObject({ state: 'banned', recentBans: 10 })
  })

  test('of an address five bans are forgiven', async () => {
    const { clock, coinw, refusals, rung, ip } = await ladder({ uidRefusals: 100_000, ipRefusals: 1 })
    for (let ban = 1; ban <= 6; ban++) {
      await refusals(4, () => coinw({ ip }))
      expect(rung(ip)?.state).toBe(ban <= 5 ? 'banned' : 'blacklisted')
      clock.step(60_000)
    }
  })
})

test('shortened by options', async () => {
  const rule = { windowMs: 100, uidRefusals: 1, warningMs: 500, banMs: 50, uidBans: 0, blacklistMs: 70 }
  const { clock, refusals, rung } = await ladder(rule)
  await refusals(2)
  expect(rung('alice')).toMatchObject({ state: 'warning', untilMs: clock.now + 500 })
  await refusals(1)
  clock.step(100)
  await refusals(1)
  expect(rung('alice')).toMatchObject({ state: 'warning', refusals: 1 })
  await refusals(1)
  expect(rung('alice')).toMatchObject({ state: 'blacklisted', untilMs: clock.now + 70 })
})

test('off: no refusal ever has a consequence', async () => {
  const { coinw, refusals, exchange, clock } = await ladder(false)
  await refusals(200, () => coinw())
  clock.step(1000)
  expect(await codes(3, coinw)).toEqual([ok, ok, ok])
  expect(exchange.stats()).toMatchObject({ banned: 0, ladder: [] })
})
