import { describe, expect, it } from 'vitest'
import { encodeQuery, signCoinw } from '../src/signing.ts'

const KEY = 'c821db84-6fbd-11e4-a9e3-c86000d26d7c'

describe('signCoinw', () => {
  it.each([
    ["a client library's test", 'XXX', 'XXX', { symbol: 'LTCBTC' }, 'AD26D501953EC615636AC668146268B4'],
    [
      'the documented string',
      KEY,
      'secretKey',
      { amount: '1.0', price: '680', symbol: 'btc_cny', type: '0' },
      'FF7C47DE0ABBC71C1ED40C5C4FFEFCF0',
    ],
    [
      'the same in another order',
      KEY,
      'secretKey',
      { type: '0', symbol: 'btc_cny', price: '680', amount: '1.0' },
      'FF7C47DE0ABBC71C1ED40C5C4FFEFCF0',
    ],
    ['no parameters', KEY, 'secretKey', {}, 'E866BBB88E0E685D3F4BBC2723E2CAF9'],
    ['a raw comma', KEY, 'secretKey', { ids: '1,2' }, '24230674AEDAD7ED7ACDAE9C4E3C8C68'],
  ])('%s', (_, apiKey, secretKey, params, sign) => expect(signCoinw(params, apiKey, secretKey)).toBe(sign))
})

describe('encodeQuery', () => {
  it.each([
    [{ command: 'x', symbol: 'BTC_USDT' }, 'command=x&symbol=BTC_USDT'],
    [{ ids: '1,2' }, 'ids=1,2'],
    [{ note: 'a b+c/ä' }, 'note=a%20b%2Bc%2F%C3%A4'],
  ])('%o', (params, query) => expect(encodeQuery(params)).toBe(query))
})
