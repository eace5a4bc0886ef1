import { expect, test } from 'vitest'
import { type BanOrder, type ExchangeOptions, type Fault, type IncomeRow, startExchange } from '../src/index.ts'
import { alice, start } from './helpers.ts'

test.each<[unknown, string | RegExp]>([
  [null, 'startExchange: the options must be an object, but got null'],
  [{ prot: 1 }, 'startExchange: prot is not a known option; known are port, seed, latency, accounts'],
  [{ port: '80' }, 'startExchange: port must be a whole number from 0 to 65535, but got "80"'],
  [{ seed: 1.5 }, 'startExchange: seed must be a whole number'],
  [
    { latency: { baseMs: 1, jitterMs: 1 } },
    'startExchange: latency.sigma must be a number from 0 to 5, but got undefined',
  ],
  [{ latency: { baseMs: -1, jitterMs: 1, sigma: 1 } }, 'latency.baseMs must be a number from 0 to 60000, but got -1'],
  [{ latency: { baseMs: NaN, jitterMs: 1, sigma: 1 } }, 'latency.baseMs must be a number from 0 to 60000, but got NaN'],
  [{ accounts: {} }, 'startExchange: accounts must be an array, but got a value of type object'],
  [
    { accounts: [{ uid: 'a', apiKey: 'k' }] },
    'accounts[0].secretKey must be a string that is not empty, but got undefined',
  ],
  [{ accounts: [{ ...alice, exchange: 'mtgox' }] }, 'accounts[0].exchange must be "bingx" or "coinw", but got "mtgox"'],
  [{ faults: { lostRequests: 2 } }, 'faults.lostRequests must be a number from 0 to 1, but got 2'],
  [{ faults: { lostRequests: 0.6, htmlPages: 0.6 } }, 'faults must be shares that add up to at most 1, but got 1.2'],
  [{ ban: true }, 'startExchange: ban must be an object or false, but got true'],
  [{ ban: { threshold: 0 } }, 'ban.threshold must be a whole number from 1 to 100000, but got 0'],
  [{ errorRule: { extend: true } }, 'errorRule.extend is not a known option; known are threshold, windowMs, lengthMs'],
  [{ countRefused: 1 }, 'countRefused must be true or false, but got 1'],
  [{ codes: 'newest' }, 'codes must be "old" or "new" or "mixed" or "documented" or "renumbered", but got "newest"'],
  [{ anyErrorRule: 30 }, 'anyErrorRule must be an object or false, but got 30'],
  [{ goingOn: { lengthMs: 0 } }, 'goingOn.lengthMs must be a number from 1 to 86400000, but got 0'],
  [{ firewall: { limit: 1 } }, 'firewall.limit is not a known option; known are threshold, windowMs, lengthMs'],
  [{ ladder: true }, 'ladder must be an object or false, but got true'],
  [{ ladder: { uidRefusals: 0 } }, 'ladder.uidRefusals must be a whole number from 1 to 100000, but got 0'],
  [{ refusalStatus: 418 }, 'refusalStatus must be 200 or 429, but got 418'],
  [{ usageHeaders: 'none' }, 'usageHeaders must be "honest" or "missing" or "epoch" or "lying", but got "none"'],
  [{ bodyTimestamp: 'yes' }, 'bodyTimestamp must be true or false, but got "yes"'],
  [{ clock: { skewMs: '5' } }, /clock\.skewMs must be a number from -\d+ to \d+, but got "5"/],
  [{ clock: { nowMs: () => 5 } }, 'clock must have nowMs and epochMs or neither, but got one of them'],
  [{ faults: { calls: [{}] } }, 'faults.calls[0].reply must be an object or "drop" or "hang", but got undefined'],
  [
    { faults: { calls: [{ reply: { half: 'cut' }, counted: false }] } },
    'faults.calls[0].reply must have code or body where counted is false, for there is no answer to alter',
  ],
  [{ accounts: [{ ...alice, incomes: 5 }] }, 'accounts[0].incomes must be an object, but got 5'],
  [{ accounts: [{ ...alice, incomes: [{}] }] }, 'accounts[0].incomes[0].time must be a whole number from 0'],
  [
    { accounts: [{ ...alice, incomes: { count: 1, fromMs: 2, toMs: 1 } }] },
    'accounts[0].incomes.fromMs must be at most toMs, 1, but got 2',
  ],
  [{ accounts: [{ ...alice, incomes: { count: -1 } }] }, 'accounts[0].incomes.count must be a whole number from 0'],
  [{ logSize: Infinity }, 'logSize must be a whole number from 0 to 10000000, but got Infinity'],
  [{ clock: { nowMs: 5 } }, 'clock.nowMs must be a function, but got 5'],
])('%o', async (options, message) => {
  await expect(startExchange(options as ExchangeOptions)).rejects.toThrow(TypeError)
  await expect(startExchange(options as ExchangeOptions)).rejects.toThrow(message)
})

test('a key that two accounts share is refused, and not shown', async () => {
  const accounts = [alice, { ...alice, uid: 'other', secretKey: 'x' }]
  const started = startExchange({ accounts })
  await expect(started).rejects.toThrow("accounts[1].apiKey must be new on bingx, but got an earlier one's")
  await expect(started).rejects.not.toThrow(alice.apiKey)
})

test('at most 200 000 rows of income, told at the start and not at the first call', async () => {
  const accounts = [{ ...alice, incomes: Array(200_001).fill({ time: 1 }) }]
  await expect(startExchange({ accounts })).rejects.toThrow(/accounts\[0\]\.incomes.*200000.*but got/)
})

test('secrets of a wrong type are not shown', async () => {
  const accounts = [{ ...alice, secretKey: 12345 as unknown as string }]
  await expect(startExchange({ accounts })).rejects.toThrow(
    /secretKey must be a string that is not empty, but got a value of type number$/,
  )
})

test('an option set to undefined is one not given', async () => {
  const nothing = { seed: undefined, ban: undefined, errorRule: { threshold: undefined } }
  await (await startExchange(nothing as unknown as ExchangeOptions)).close()
})

test.each<[unknown, string]>([
  [
    { exchange: 'bingx', endpoint: '/openApi/none', uid: 'alice', forMs: 1 },
    'endpoint must be a documented one, but got',
  ],
  [
    { exchange: 'bingx', endpoint: '/openApi/swap/v3/user/balance', forMs: 1 },
    'uid or ip must be given, one of them, but got 0',
  ],
  [
    { exchange: 'coinw', endpoint: 'returnBalances', uid: 'alcie', forMs: 1 },
    'uid must be that of an account, but got "alcie"',
  ],
  [
    { exchange: 'coinw', endpoint: 'returnBalances', uid: 'alice' },
    'exchange.ban: forMs must be a number from 1 to 86400000',
  ],
  [
    { exchange: 'bingx', uid: 'alice', forMs: 1, status: 403 },
    'exchange.ban: status must be for an ip of bingx and all its endpoints, but got another ban',
  ],
])('ban %o', async (order, message) => {
  const { exchange } = await start()
  expect(() => exchange.ban(order as BanOrder)).toThrow(TypeError)
  expect(() => exchange.ban(order as BanOrder)).toThrow(message)
})

test.each<[unknown, string]>([
  [{}, 'exchange.fault: reply must be an object or "drop" or "hang", but got undefined'],
  [{ reply: 'explode' }, 'reply must be an object or "drop" or "hang", but got "explode"'],
  [{ reply: {} }, 'reply must have code, body, status, headers, padToBytes or half, but got none of them'],
  [{ reply: { code: 1, body: '' } }, 'reply must have code or body, one of them, but got 2'],
  [{ reply: { half: 'cut', msg: 'x' } }, 'reply.msg must come with code, but got it alone'],
  [{ reply: { padToBytes: 1e9 } }, 'reply.padToBytes must be a whole number from 1 to 67108864, but got 1000000000'],
  [{ reply: 'drop', times: 0 }, 'times must be a whole number of at least 1, or Infinity, but got 0'],
  [{ reply: 'drop', endpoint: 'returnWishes' }, 'endpoint must be a documented one, but got "returnWishes"'],
  [{ reply: { body: '', headers: { 'a b': '' } } }, 'Header name must be a valid HTTP token'],
])('fault %o', async (fault, message) => {
  const { exchange } = await start()
  expect(() => exchange.fault(fault as Fault)).toThrow(TypeError)
  expect(() => exchange.fault(fault as Fault)).toThrow(message)
})

test.each<[string, unknown, string]>([
  ['alcie', [], 'exchange.addIncome: uid must be that of an account, but got "alcie"'],
  ['alice', [{ time: 'now' }], 'exchange.addIncome: rows[0].time must be a whole number'],
  ['alice', 5, 'exchange.addIncome: rows must be an array, but got 5'],
])('addIncome %s %o', async (uid, rows, message) => {
  const { exchange } = await start()
  expect(() => exchange.addIncome(uid, rows as IncomeRow[])).toThrow(TypeError)
  expect(() => exchange.addIncome(uid, rows as IncomeRow[])).toThrow(message)
})

test('stepClock with no number', async () => {
  const { exchange } = await start()
  expect(() => exchange.stepClock(Number.NaN)).toThrow('exchange.stepClock: byMs must be a number from')
})

test('at most a thousand faults wait', async () => {
  const { exchange } = await start()
  for (let n = 0; n < 1000; n++) exchange.fault({ reply: 'drop' })
  expect(() => exchange.fault({ reply: 'drop' })).toThrow(RangeError)
})

test('a port that is taken rejects', async () => {
  const { exchange } = await start()
  const port = Number(new URL(exchange.bingxUrl).port)
  await expect(startExchange({ port })).rejects.toThrow('EADDRINUSE')
})
