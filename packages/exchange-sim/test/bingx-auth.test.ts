import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  alice,
  allBalances,
  caller,
  HandClock,
  income,
  serverTime,
  spotBalance,
  start,
  swapBalance,
} from './helpers.ts'

const keyA = 'UuGuyEGt6ZEkpUObCYCmIfh0elYsZVh80jlYwpJuRZEw70t6vomMH7Sjmf94ztSI'
const keyB = 'mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w'

describe('signing vectors of the fact sheet, over HTTP', () => {
  test.each([
    [
      'published',
      keyA,
      'quoteOrderQty=20&side=BUY&symbol=ETHUSDT&timestamp=1649404670162&type=MARKET',
      '428a3c383bde514baff0d10d3c20e5adfaacaf799e324546dafe5ccc480dd827',
    ],
    [
      'published, unsorted',
      keyB,
      'symbol=BTC-USDT&timestamp=1667872120843&side=LONG&leverage=6',
      '4f581ecdb1fa09b9d6e57886b6f70cffed17f82b93399722939e49a38edec2bf',
    ],
    [
      'recvWindow 0',
      keyB,
      'recvWindow=0&symbol=BTC-USDT&timestamp=1696751141337',
      'f8d883609dfd31c824feb4de865b071008dedb1d461451fa70847875c8e7a7a2',
    ],
    [
      'recvWindow 5000',
      keyB,
      'recvWindow=5000&timestamp=1696751141337',
      '70b4def1f55526ff67fbed5576eb6f974652e8c2553224421fae1d1868ef7000',
    ],
    [
      'account type',
      keyB,
      'accountType=USDTMPerp&recvWindow=5000&timestamp=1696751141337',
      'cccaeba5265508c53b2d50c86cf5680ecf4fc42b081f122c4bea56d8365795f3',
    ],
    [
      'income',
      keyB,
      'endTime=1702731787011&incomeType=FUNDING_FEE&limit=1000&recvWindow=5000&startTime=1702713615001' +
        '&symbol=BTC-USDT&timestamp=1696751141337',
      'a084702c2df80fa5bfa5df07868e0dbc8157aef9a34263e8f636959dbd96c93c',
    ],
  ])('%s', async (_, secretKey, plain, signature) => {
    const account = { uid: 'vector', apiKey: 'k', secretKey }
    const { exchange, clock } = await start({ accounts: [account] })
    clock.epoch = Number(/timestamp=(\d+)/.exec(plain)?.[1])
    const { bingx } = caller(exchange, clock)
    expect((await bingx({ account, query: `${plain}&signature=${signature}` })).body.code).toBe(0)
    const flipped = signature.replace(/.$/, last => (last === '0' ? '1' : '0'))
    expect((await bingx({ account, query: `${plain}&signature=${flipped}` })).body.code).toBe(100001)
  })
})

test('the string is checked in the order received: the same parameters sorted otherwise do not fit', async () => {
  const { exchange, clock } = await start()
  const signed = `timestamp=${clock.epoch}&recvWindow=5000`
  const signature = createHmac('sha256', alice.secretKey).update(signed).digest('hex')
  const { bingx } = caller(exchange, clock)
  expect((await bingx({ query: `${signed}&signature=${signature}` })).body.code).toBe(0)
  const sorted = `recvWindow=5000&timestamp=${clock.epoch}&signature=${signature}`
  expect((await bingx({ query: sorted })).body.code).toBe(100001)
})

test('raw values are signed and encoded ones sent: the server decodes before it checks', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  const orders = '[{"symbol":"BTC-USDT"}]'
  const raw = `batchOrders=${orders}&timestamp=${clock.epoch}`
  const sent = `batchOrders=${encodeURIComponent(orders)}&timestamp=${clock.epoch}`
  const sign = (text: string): string => createHmac('sha256', alice.secretKey).update(text).digest('hex')
  expect((await bingx({ query: `${sent}&signature=${sign(raw)}` })).body.code).toBe(0)
  expect((await bingx({ query: `${sent}&signature=${sign(sent)}` })).body.code).toBe(100001)
})

test('first the key, then the signature, then the timestamp', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  const stranger = { apiKey: 'nobody', secretKey: 'x' }
  const stale = 'timestamp=1'
  const staleSigned = `${stale}&signature=${createHmac('sha256', alice.secretKey).update(stale).digest('hex')}`
  expect((await bingx({ account: stranger, query: 'timestamp=%' })).body).toMatchObject({
    code: 100413,
    msg: 'Incorrect apiKey',
  })
  expect((await bingx({ query: 'timestamp=%' })).body.code).toBe(100400)
  expect((await bingx({ query: stale })).body.code).toBe(100412)
  expect((await bingx({ query: `${stale}&signature=0` })).body.code).toBe(100001)
  expect((await bingx({ query: staleSigned })).body.code).toBe(80014)
})

test('without a key: Incorrect apiKey; public calls need none', async () => {
  const { exchange, clock } = await start()
  expect(await (await fetch(`${exchange.bingxUrl}${swapBalance}`)).json()).toMatchObject({ code: 100413 })
  expect(await (await fetch(`${exchange.bingxUrl}${serverTime}`)).json()).toEqual({
    code: 0,
    msg: '',
    timestamp: clock.epoch,
    data: { serverTime: clock.epoch },
  })
})

test('a key of CoinW is unknown to BingX', async () => {
  const account = { ...alice, exchange: 'coinw' as const }
  const { exchange, clock } = await start({ accounts: [account] })
  expect((await caller(exchange, clock).bingx({ account })).body.code).toBe(100413)
})

describe('the timestamp against the clock of the server', () => {
  test.each([
    ['just now', 0, {}, 0],
    ['5000 ms old', -5000, {}, 0],
    ['5001 ms old', -5001, {}, 80014],
    ['999 ms ahead', 999, {}, 0],
    ['1000 ms ahead', 1000, {}, 80014],
    ['200 ms old with recvWindow 200', -200, { recvWindow: 200 }, 0],
    ['201 ms old with recvWindow 200', -201, { recvWindow: 200 }, 80014],
    ['5000 ms old with recvWindow 0, which means the default', -5000, { recvWindow: 0 }, 0],
    ['5001 ms old with recvWindow 60000, which is cut to 5000', -5001, { recvWindow: 60_000 }, 80014],
    ['recvWindow that is no number', 0, { recvWindow: 'soon' }, 100400],
  ])('%s', async (_, offsetMs, params, code) => {
    const { exchange, clock } = await start()
    const timestamp = clock.epoch + offsetMs
    expect((await caller(exchange, clock).bingx({ params: { timestamp, ...params } })).body.code).toBe(code)
  })

  test.each([
    [swapBalance, 'documented', 80014, 'timestamp is invalid'],
    [income, 'documented', 80014, 'timestamp is invalid'],
    [swapBalance, 'renumbered', 109400, 'timestamp is invalid'],
    [spotBalance, 'renumbered', 100421, expect.stringMatching(/^Null timestamp or timestamp mismatch/)],
    [allBalances, 'documented', 100421, expect.stringMatching(/^Null timestamp or timestamp mismatch/)],
  ] as const)('%s, %s codes', async (path, codes, code, msg) => {
    const { exchange, clock } = await start({ codes })
    const { bingx } = caller(exchange, clock)
    expect((await bingx({ path, params: { timestamp: clock.epoch - 60_000 } })).body).toMatchObject({ code, msg })
    expect((await bingx({ path, params: { timestamp: 'noon' } })).body).toMatchObject({ code, msg })
    const missing = `a=1&signature=${createHmac('sha256', alice.secretKey).update('a=1').digest('hex')}`
    expect((await bingx({ path, query: missing })).body).toMatchObject({ code, msg })
  })
})

test('a clock of the server that is off by an hour refuses callers that sign by their own', async () => {
  const clock = new HandClock()
  const skewed = { nowMs: () => clock.now, epochMs: () => clock.epoch + 3_600_000 }
  const { exchange } = await start({ clock: skewed })
  expect((await caller(exchange, clock).bingx()).body.code).toBe(80014)
  expect((await caller(exchange, skewed).bingx()).body.code).toBe(0)
})
