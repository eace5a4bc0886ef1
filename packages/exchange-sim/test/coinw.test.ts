import { describe, expect, test } from 'vitest'
import { findCommand, limitsOf } from '../src/coinw/limits.ts'
import { createLimitBook } from '../src/limit-book.ts'
import { alice, bob, caller, codes, start } from './helpers.ts'

const refusal = { code: 29001, msg: 'API access frequently' }

describe('signing vectors of the fact sheet, over HTTP', () => {
  const long = { apiKey: 'c821db84-6fbd-11e4-a9e3-c86000d26d7c', secretKey: 'secretKey' }
  const order = { amount: '1.0', price: '680', symbol: 'btc_cny', type: '0' }
  test.each([
    [{ apiKey: 'XXX', secretKey: 'XXX' }, { symbol: 'LTCBTC' }, 'AD26D501953EC615636AC668146268B4'],
    [long, order, 'FF7C47DE0ABBC71C1ED40C5C4FFEFCF0'],
    [long, {}, 'E866BBB88E0E685D3F4BBC2723E2CAF9'],
    [long, { ids: '1,2' }, '24230674AEDAD7ED7ACDAE9C4E3C8C68'],
  ])('%o %o', async (keys, params, sign) => {
    const { exchange, clock } = await start({ accounts: [{ uid: 'vector', ...keys }] })
    const { coinw } = caller(exchange, clock)
    expect((await coinw({ account: keys, params, sign })).body.code).toBe('200')
    expect((await coinw({ account: keys, params, sign: sign.toLowerCase() })).body.code).toBe(10007)
  })
})

test('the order in which the parameters come does not matter: they are sorted before they are checked', async () => {
  const { exchange } = await start({ accounts: [{ uid: 'vector', apiKey: 'XXX', secretKey: 'XXX' }] })
  const sign = 'AD26D501953EC615636AC668146268B4'
  const url = `${exchange.coinwUrl}/api/v1/private?symbol=LTCBTC&sign=${sign}&command=doTrade&api_key=XXX`
  expect(await (await fetch(url, { method: 'POST' })).json()).toMatchObject({ code: '200' })
})

test('a success has the documented envelope, money as strings', async () => {
  const { exchange, clock } = await start()
  const { status, body } = await caller(exchange, clock).coinw()
  const decimal = expect.stringMatching(/^\d+\.\d+$/)
  expect([status, body]).toEqual([
    200,
    { code: '200', data: { BTC: decimal, CWT: decimal, USDT: decimal }, msg: 'SUCCESS', success: true, failed: false },
  ])
})

test('three returnBalances per second and UID; the fourth is refused with an integer code', async () => {
  const { exchange, clock } = await start()
  const { coinw } = caller(exchange, clock)
  expect(await codes(3, coinw)).toEqual(['200', '200', '200'])
  expect((await coinw()).body).toEqual(refusal)
  expect(await codes(1, () => coinw({ account: bob }))).toEqual(['200'])
  expect(await codes(1, () => coinw({ command: 'returnCompleteBalances' }))).toEqual(['200'])
  clock.step(999)
  expect(await codes(1, coinw)).toEqual([29001])
  clock.step(1)
  expect(await codes(1, coinw)).toEqual(['200'])
})

test.each([
  ['returnBalances', 3, 1000],
  ['returnCompleteBalances', 5, 2000],
  ['returnUTradeHistory', 5, 2000],
  ['getUserTrades', 10, 2000],
  ['spotWealthTransfer', 1, 1000],
  ['returnOrderStatus', 30, 2000],
  ['cancelWithdraw', 3, 1000],
])('%s: %i per %i ms', async (command, limit, windowMs) => {
  const { exchange, clock } = await start()
  const { coinw } = caller(exchange, clock)
  const expected = [...Array(limit).fill('200'), 29001]
  expect(await codes(limit + 1, () => coinw({ command }))).toEqual(expected)
  clock.step(windowMs - 1)
  expect(await codes(1, () => coinw({ command }))).toEqual([29001])
  clock.step(1)
  expect(await codes(limit + 1, () => coinw({ command }))).toEqual(expected)
})

test('all calls of an address together: 100 per second, public and private alike', async () => {
  const { exchange, clock } = await start()
  const { coinw, coinwPublic } = caller(exchange, clock)
  await codes(80, () => coinwPublic('command=returnTicker'))
  expect((await coinwPublic('command=returnSymbol')).body.code).toBe('200')
  expect(await codes(20, () => coinw({ command: 'doTrade' }))).toEqual([...Array(19).fill('200'), 29001])
  expect(await codes(1, () => coinw({ command: 'doTrade', ip: '10.0.0.2' }))).toEqual(['200'])
})

test('all calls of a UID together: 300 per second, over several addresses', async () => {
  const { exchange, clock } = await start()
  const { coinw } = caller(exchange, clock)
  for (const ip of ['10.0.0.1', '10.0.0.2']) await coinw({ ip })
  const uidStats = exchange.stats().limits.filter(({ name }) => name === 'uid')
  expect(uidStats).toMatchObject([{ key: 'alice', limit: 300, windowMs: 1000, accepted: 2 }])

  // Over HTTP it cannot be filled: the documented commands let no more than 216 calls per second and UID through.
  const command = findCommand('doTrade')
  if (command === undefined) throw new Error('doTrade')
  const ofUid = limitsOf(command, 'alice', '10.0.0.1').filter(({ name }) => name === 'uid')
  const book = createLimitBook({ countRefused: false })
  const admitted = Array.from({ length: 301 }, () => book.admit(ofUid, 0))
  expect(admitted.indexOf(false)).toBe(300)
})

test('errors: key, signature, command, parameter', async () => {
  const { exchange, clock } = await start()
  const { coinw, coinwPublic } = caller(exchange, clock)
  expect((await coinw({ account: { apiKey: 'nobody', secretKey: '' } })).body.code).toBe(10006)
  expect((await coinw({ sign: 'WRONG' })).body).toMatchObject({ code: 10007, success: false, failed: true })
  expect((await coinw({ command: 'returnWishes' })).body.code).toBe(10002)
  expect((await coinwPublic('command=returnBalances')).body.code).toBe(10002)
  expect((await coinwPublic('command=returnTicker', 'POST')).body.code).toBe(10002)
  expect((await coinwPublic('command=%')).body.code).toBe(10002)
  expect((await coinwPublic('command=returnOrderBook')).body.code).toBe(10003)
  expect((await coinwPublic('command=returnOrderBook&symbol=BTC_USDT')).body.code).toBe('200')
})

test('wrong signatures use up the quota; twenty refusals ban nobody, for CoinW has no such rule', async () => {
  const { exchange, clock } = await start()
  const { coinw } = caller(exchange, clock)
  await codes(3, () => coinw({ sign: 'WRONG' }))
  expect(await codes(30, coinw)).toEqual(Array(30).fill(29001))
  expect(exchange.stats()).toMatchObject({ banned: 0, exchanges: { coinw: { refused: 30, failed: 3 } } })
  clock.step(1000)
  expect(await codes(1, coinw)).toEqual(['200'])
})

test('a key of BingX is unknown to CoinW', async () => {
  const account = { ...alice, exchange: 'bingx' as const }
  const { exchange, clock } = await start({ accounts: [account] })
  expect((await caller(exchange, clock).coinw({ account })).body.code).toBe(10006)
})
