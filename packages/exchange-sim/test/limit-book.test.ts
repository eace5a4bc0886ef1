import { expect, test } from 'vitest'
import { findEndpoint, limitsOf } from '../src/bingx/limits.ts'
import { type AppliedLimit, createLimitBook } from '../src/limit-book.ts'

function limit(name: string, size: number, key = 'k'): AppliedLimit {
  return { exchange: 'bingx', name, key, limit: size, windowMs: 1000 }
}

test('a call that one limit refuses is charged to none', () => {
  const book = createLimitBook({ countRefused: false })
  const [narrow, wide] = [limit('narrow', 1), limit('wide', 2)]
  expect(book.admit([wide, narrow], 0)).toBe(true)
  expect(book.admit([wide, narrow], 1)).toBe(false)
  expect(book.admit([wide], 2)).toBe(true)
  expect(book.stats()).toMatchObject([
    { name: 'wide', accepted: 2, refused: 0, peak: 2 },
    { name: 'narrow', accepted: 1, refused: 1, peak: 1 },
  ])
})

test('idle windows are dropped above ten thousand, busy ones never', () => {
  const book = createLimitBook({ countRefused: false })
  for (let key = 0; key < 10_000; key++) book.admit([limit('one', 1, `key ${key}`)], 0)
  book.admit([limit('one', 1, 'busy'), limit('two', 1, 'busy')], 1000)
  expect(book.stats()).toHaveLength(2)
  expect(book.admit([limit('one', 1, 'busy')], 1001)).toBe(false)
})

function bingx(name: string, uid = 'u'): readonly AppliedLimit[] {
  const endpoint = findEndpoint(name)
  if (endpoint === undefined) throw new Error(name)
  return limitsOf(endpoint, uid, 'ip')
}

test.each([
  ['GET /openApi/swap/v2/server/time', ['500 / 10000 ip', '500 / 10000 ip group 1', '1000 / 60000 ip group 1']],
  ['GET /openApi/swap/v2/user/income', ['5 / 1000 u', '300 / 10000 ip', '2000 / 10000 ip group 2']],
  ['GET /openApi/account/v1/allAccountBalance', ['5 / 1000 u', '300 / 10000 ip', '2000 / 10000 ip group 2']],
  ['GET /openApi/swap/v3/user/balance', ['5 / 1000 u', '300 / 10000 ip', '2000 / 10000 ip group 3']],
  ['GET /openApi/spot/v1/account/balance', ['5 / 1000 u', '300 / 10000 ip', '2000 / 10000 ip group 3']],
])('the limits of %s', (name, expected) => {
  const told = bingx(name).map(({ limit, windowMs, key }) => `${limit} / ${windowMs} ${key.replace(` ${name}`, '')}`)
  expect(told).toEqual(expected)
})

test('a group of BingX lets 2000 calls per ten seconds in from one address, over all its endpoints and UIDs', () => {
  const book = createLimitBook({ countRefused: false })
  const group2 = [
    'GET /openApi/account/v1/allAccountBalance',
    'GET /openApi/swap/v2/user/income',
    'GET /openApi/swap/v2/user/commissionRate',
    'GET /openApi/cswap/v1/user/balance',
    'GET /openApi/account/v1/uid',
    'GET /openApi/swap/v2/trade/order',
    'GET /openApi/cswap/v1/user/positions',
  ]
  let accepted = 0
  for (const name of group2) {
    for (let call = 0; call < 300; call++) if (book.admit(bingx(name, `uid ${call}`), 0)) accepted++
  }
  expect(accepted).toBe(2000)
  expect(book.admit(bingx('GET /openApi/swap/v3/user/balance'), 0)).toBe(true)
})
