import type { Schema } from '@headgate/http'
import { describe, expect, it } from 'vitest'
import { SIGNED_SCOPE } from '../src/feedback.ts'
import { judge } from '../src/judge.ts'
import { accountBalances, incomes, serverTime, spotBalances, swapBalances } from '../src/responses.ts'

const read = (schema: Schema<unknown>, text: string) => judge({ status: 200, text }, { schema, scope: SIGNED_SCOPE }, 0)
const ok = (data: string) => `{"code":0,"msg":"","data":${data}}`

const swapRow = {
  userId: '116***295',
  asset: 'USDT',
  balance: '194.8212',
  equity: '196.7431',
  unrealizedProfit: '1.9219',
  realisedProfit: '-109.2504',
  availableMargin: '193.7609',
  usedMargin: '1.0602',
  freezedMargin: '0.0000',
  shortUid: '12851936',
}
const { realisedProfit, freezedMargin, ...others } = swapRow
const { userId, shortUid, ...anonymous } = swapRow

describe('swap balances', () => {
  it.each([
    ['an array', [swapRow], [swapRow]],
    ['a row', swapRow, [swapRow]],
    ['a row in { balance }', { balance: swapRow }, [swapRow]],
    ['an array in { balance }', { balance: [swapRow, swapRow] }, [swapRow, swapRow]],
    ['null in { balance }', { balance: null }, []],
    ['the other spellings', [{ ...others, realizedProfit: realisedProfit, frozenMargin: freezedMargin }], [swapRow]],
    ['no user ids', [anonymous], [anonymous]],
    ['user ids that are null', [{ ...anonymous, userId: null, shortUid: null }], [anonymous]],
    ['a user id that is a number', [{ ...swapRow, shortUid: 12_851_936 }], [swapRow]],
    ['more fields', [{ ...swapRow, somethingNew: 1 }], [swapRow]],
    ['nothing', [], []],
    ['null', null, []],
  ])('%s', (_, data, value) => {
    const verdict = read(swapBalances, ok(JSON.stringify(data)))
    expect(verdict).toStrictEqual({ value })
  })

  it('keeps every digit of numbers', () => {
    const text = ok(`[${JSON.stringify(swapRow).replaceAll(/"(-?\d+\.\d+)"/g, '$1')}]`)
    expect(text).toContain('"freezedMargin":0.0000,')
    expect(read(swapBalances, text)).toStrictEqual({ value: [swapRow] })
  })
})

describe('spot balances', () => {
  it.each([
    [
      'a list',
      '{"balances":[{"asset":"USDT","free":"566773.193402631","locked":"244.18616265388994"}]}',
      [{ asset: 'USDT', free: '566773.193402631', locked: '244.18616265388994' }],
    ],
    [
      'with names to show',
      '{"balances":[{"asset":"USDT","displayName":"Tether","free":"1","locked":"0"}]}',
      [{ asset: 'USDT', displayName: 'Tether', free: '1', locked: '0' }],
    ],
    [
      'numbers',
      '{"balances":[{"asset":"X","free":0.10,"locked":1e-8}]}',
      [{ asset: 'X', free: '0.10', locked: '0.00000001' }],
    ],
    [
      'a digit more than a double has',
      '{"balances":[{"asset":"X","free":12345678901234567.123456789,"locked":0}]}',
      [{ asset: 'X', free: '12345678901234567.123456789', locked: '0' }],
    ],
    ['none', '{"balances":[]}', []],
    ['null', '{"balances":null}', []],
  ])('%s', (_, data, value) => expect(read(spotBalances, ok(data))).toStrictEqual({ value }))
})

describe('account balances', () => {
  it.each([
    ['an array', '[{"accountType":"sopt","usdtBalance":"1000.00"}]', [{ accountType: 'spot', usdtBalance: '1000.00' }]],
    [
      'a page',
      '{"result":[{"accountType":"USDTMPerp","usdtBalance":"1"}],"pageId":1,"total":1}',
      [{ accountType: 'USDTMPerp', usdtBalance: '1' }],
    ],
    ['an unknown type', '[{"accountType":"moon","usdtBalance":0}]', [{ accountType: 'moon', usdtBalance: '0' }]],
    ['an empty page', '{"result":null,"pageId":1,"total":0}', []],
    ['null', 'null', []],
  ])('%s', (_, data, value) => expect(read(accountBalances, ok(data))).toStrictEqual({ value }))
})

describe('income', () => {
  const row = {
    symbol: 'LDO-USDT',
    incomeType: 'FUNDING_FEE',
    income: '-0.0292',
    asset: 'USDT',
    info: 'Funding Fee',
    time: 1_702_713_615_000,
    tranId: '170***6*2_3',
    tradeId: '170***6*2_3',
  }

  it.each([
    ['a list', [row], [row]],
    ['an unknown type', [{ ...row, incomeType: 'NEW' }], [{ ...row, incomeType: 'NEW' }]],
    ['a time that is a string', [{ ...row, time: '1702713615000' }], [row]],
    ['an amount that is a number', [{ ...row, income: -0.0292 }], [row]],
    [
      'texts that are left out',
      [{ ...row, symbol: null, info: undefined, tradeId: undefined }],
      [{ ...row, symbol: '', info: '', tradeId: '' }],
    ],
    ['null', null, []],
    ['nothing', [], []],
  ])('%s', (_, data, value) => expect(read(incomes, ok(JSON.stringify(data)))).toStrictEqual({ value }))

  it('keeps every digit of an id that is a number', () => {
    const text = ok(JSON.stringify([row]).replace('"tranId":"170***6*2_3"', '"tranId":9007199254740993'))
    expect(read(incomes, text)).toStrictEqual({ value: [{ ...row, tranId: '9007199254740993' }] })
  })

  it('takes no data at all for none', () => {
    expect(read(incomes, '{"code":"0"}')).toStrictEqual({ value: [] })
  })
})

describe('server time', () => {
  it.each(['{"serverTime":1675319535362}', '{"serverTime":"1675319535362"}'])('%s', data => {
    expect(read(serverTime, ok(data))).toStrictEqual({ value: 1_675_319_535_362 })
  })
})

describe('data that can not be read', () => {
  it.each<[Schema<unknown>, string, string]>([
    [swapBalances, '"none"', 'unexpected data: Invalid input: expected array, received string'],
    [swapBalances, '[5]', 'unexpected data[0]: Invalid input: expected object, received number'],
    [
      swapBalances,
      `[${JSON.stringify({ ...swapRow, balance: 'lots' })}]`,
      'unexpected data[0][balance]: expected a decimal number',
    ],
    [swapBalances, '{}', 'unexpected data[0][asset]: Invalid input: expected string, received undefined'],
    [
      spotBalances,
      '{"balances":[{"asset":"X","free":"","locked":"0"}]}',
      'unexpected data[0][free]: expected a decimal number',
    ],
    [spotBalances, '{"balances":7}', 'unexpected data: Invalid input: expected array, received number'],
    [accountBalances, '{}', 'unexpected data: Invalid input: expected array, received object'],
    [accountBalances, '[{"accountType":"spot"}]', 'unexpected data[0][usdtBalance]: expected a decimal number'],
    [
      incomes,
      '[{"incomeType":"X","income":"1","asset":"USDT","time":"yesterday"}]',
      'unexpected data[0][time]: expected epoch milliseconds',
    ],
    [serverTime, '{}', 'unexpected data[serverTime]: expected epoch milliseconds'],
    [serverTime, 'null', 'unexpected data: Invalid input: expected object, received null'],
  ])('%o %s', (schema, data, msg) => {
    expect(read(schema, ok(data))).toEqual({ trouble: { code: 0, kind: 'malformed', msg } })
  })
})
