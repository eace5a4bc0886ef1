import { describe, expect, it } from 'vitest'
import { buildQuery, encodeQuery, signBingx } from '../src/signing.ts'

const KEY_A = 'UuGuyEGt6ZEkpUObCYCmIfh0elYsZVh80jlYwpJuRZEw70t6vomMH7Sjmf94ztSI'
const KEY_B = 'mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w'

const INCOME =
  'endTime=1702731787011&incomeType=FUNDING_FEE&limit=1000&recvWindow=5000' +
  '&startTime=1702713615001&symbol=BTC-USDT&timestamp=1696751141337'

describe('signBingx', () => {
  it.each([
    [
      'published',
      KEY_A,
      'quoteOrderQty=20&side=BUY&symbol=ETHUSDT&timestamp=1649404670162&type=MARKET',
      '428a3c383bde514baff0d10d3c20e5adfaacaf799e324546dafe5ccc480dd827',
    ],
    [
      'published, unsorted',
      KEY_B,
      'symbol=BTC-USDT&timestamp=1667872120843&side=LONG&leverage=6',
      '4f581ecdb1fa09b9d6e57886b6f70cffed17f82b93399722939e49a38edec2bf',
    ],
    [
      'published wrong, recomputed',
      KEY_B,
      'recvWindow=0&symbol=BTC-USDT&timestamp=1696751141337',
      'f8d883609dfd31c824feb4de865b071008dedb1d461451fa70847875c8e7a7a2',
    ],
    [
      'balance',
      KEY_B,
      'recvWindow=5000&timestamp=1696751141337',
      '70b4def1f55526ff67fbed5576eb6f974652e8c2553224421fae1d1868ef7000',
    ],
    [
      'account type',
      KEY_B,
      'accountType=USDTMPerp&recvWindow=5000&timestamp=1696751141337',
      'cccaeba5265508c53b2d50c86cf5680ecf4fc42b081f122c4bea56d8365795f3',
    ],
    ['income', KEY_B, INCOME, 'a084702c2df80fa5bfa5df07868e0dbc8157aef9a34263e8f636959dbd96c93c'],
  ])('%s', (_, key, query, signature) => expect(signBingx(query, key)).toBe(signature))
})

describe('buildQuery', () => {
  it.each([
    [{ timestamp: 1_696_751_141_337, recvWindow: 5000 }, 'recvWindow=5000&timestamp=1696751141337'],
    [
      { timestamp: 1_696_751_141_337, recvWindow: 5000, accountType: 'USDTMPerp' },
      'accountType=USDTMPerp&recvWindow=5000&timestamp=1696751141337',
    ],
    [
      {
        symbol: 'BTC-USDT',
        incomeType: 'FUNDING_FEE',
        startTime: 1_702_713_615_001,
        endTime: 1_702_731_787_011,
        limit: 1000,
        timestamp: 1_696_751_141_337,
        recvWindow: 5000,
      },
      INCOME,
    ],
    [{ b: undefined, a: true }, 'a=true'],
    [{ a: '' }, 'a='],
    [{ list: '["a b"]' }, 'list=["a b"]'],
    [{}, ''],
  ])('%o', (params, query) => expect(buildQuery(params)).toBe(query))

  it.each(['a&b', 'a=b', 'a?b', 'a#b', 'a\nb', 'a\rb'])('refuses %j', symbol => {
    expect(() => buildQuery({ symbol }, 'account.swap.income')).toThrow(
      /^account\.swap\.income: parameter "symbol": expected .*, got "a/,
    )
  })
})

describe('encodeQuery', () => {
  it.each([
    ['recvWindow=5000&timestamp=1', 'recvWindow=5000&timestamp=1'],
    ['symbol=BTC-USDT&timestamp=1', 'symbol=BTC-USDT&timestamp=1'],
    ['symbol=a/b:c,d&timestamp=1', 'symbol=a/b:c,d&timestamp=1'],
    ['list=["a b"]&timestamp=1', 'list=%5B%22a%20b%22%5D&timestamp=1'],
    ['order={"x":1}&symbol=a/b', 'order=%7B%22x%22%3A1%7D&symbol=a%2Fb'],
    ['', ''],
  ])('%s', (query, encoded) => expect(encodeQuery(query)).toBe(encoded))
})
