import { createScheduler } from '@headgate/core'
import { afterAll, describe, expect, it } from 'vitest'
import { bingxLimits, createBingx } from '../src/index.ts'

const sent: unknown[] = []
const fetch = async (...request: unknown[]) => {
  sent.push(request)
  return new Response('{"code":0,"data":[]}')
}
const scheduler = createScheduler({ limits: bingxLimits, coldStart: 'full' })
const keys = { apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' }

const OPTIONS =
  'baseUrl, ip, egress, scheduler, limits, timeoutMs, retries, fetch, clock, memory, observer, recvWindow, syncClock'
const UID = 'expected a name of yours for the account, at most 64 characters long, or "auto"'
const PLAIN = 'a string without & = ? # and line breaks, a finite number or a boolean'
const INCOME = 'symbol, incomeType, startTime, endTime, limit'
const TYPES = '"spot", "sopt", "stdFutures", "coinMPerp", "USDTMPerp", "copyTrading", "grid", "eran", "c2c"'

/** As a caller without types would. */
const untyped = (value: unknown) => value as never

describe('createBingx', () => {
  it.each<[unknown, string]>([
    [null, 'expected an object of options, got null'],
    ['https://host', 'expected an object of options, got "https://host"'],
    [{ baseURL: 'https://host' }, `unknown option "baseURL": expected one of ${OPTIONS}, got a string`],
    [{ baseUrl: 'nope' }, 'option "baseUrl": expected an http(s) URL, got "nope"'],
    [{ baseUrl: '' }, 'option "baseUrl": expected an http(s) URL, got ""'],
    [{ baseUrl: 'file:///etc' }, 'option "baseUrl": expected an http(s) URL, got "file:///etc"'],
    [{ baseUrl: 'https://u:p@host' }, 'option "baseUrl": expected an http(s) URL, got a URL with credentials'],
    [{ ip: '' }, 'option "ip": expected a non-empty string, got ""'],
    [{ ip: 4 }, 'option "ip": expected a non-empty string, got 4'],
    [{ scheduler: {} }, 'option "scheduler": expected a scheduler (from createScheduler), got an object'],
    [{ limits: [] }, 'option "limits": expected an array of limits, at least one, got an array'],
    [{ limits: {} }, 'option "limits": expected an array of limits, at least one, got an object'],
    [
      { scheduler, limits: bingxLimits },
      'option "limits": expected none next to "scheduler", which has its own, got one',
    ],
    [
      { scheduler, memory: { open() {} } },
      'option "memory": expected none next to "scheduler", which has its own, got one',
    ],
    [{ memory: 'file' }, 'option "memory": expected a memory (from fileMemory), got "file"'],
    [{ syncClock: 'yes' }, 'option "syncClock": expected true or false, got "yes"'],
    [{ recvWindow: 0 }, 'option "recvWindow": expected a whole number from 1 to 60000, got 0'],
    [{ recvWindow: '5000' }, 'option "recvWindow": expected a whole number from 1 to 60000, got "5000"'],
    [{ timeoutMs: 0 }, 'option "timeoutMs": expected a whole number from 1 to 2147483647, got 0'],
    [
      { timeoutMs: Number.POSITIVE_INFINITY },
      'option "timeoutMs": expected a whole number from 1 to 2147483647, got Infinity',
    ],
    [{ retries: -1 }, 'option "retries": expected a whole number from 0 to 100, got -1'],
    [{ retries: 1.5 }, 'option "retries": expected a whole number from 0 to 100, got 1.5'],
    [{ fetch: true }, 'option "fetch": expected a function, got true'],
    [{ clock: { nowMs: () => 0 } }, 'option "clock": expected a clock with nowMs, epochMs and setTimer, got an object'],
    [{ observer: {} }, 'option "observer": expected a function, got an object'],
  ])('%o', (options, message) => {
    expect(() => createBingx(untyped(options))).toThrow(new TypeError(`createBingx: ${message}`))
  })
})

describe('bingx.account', () => {
  const bingx = createBingx({ fetch, scheduler })

  it.each<[unknown, string]>([
    [undefined, 'option "apiKey": expected a non-empty string of ASCII characters without spaces, got undefined'],
    [
      { ...keys, apiKey: '' },
      'option "apiKey": expected a non-empty string of ASCII characters without spaces, got an empty string',
    ],
    [
      { ...keys, secretKey: null },
      'option "secretKey": expected a non-empty string of ASCII characters without spaces, got null',
    ],
    [
      { ...keys, secretKey: `${keys.secretKey} ` },
      'option "secretKey": expected a non-empty string of ASCII characters without spaces, got a string',
    ],
    [{ ...keys, uid: 'x'.repeat(65) }, `option "uid": ${UID}, got a string`],
    [
      { ...keys, passphrase: 'sesame' },
      'unknown option "passphrase": expected one of apiKey, secretKey, uid, got a string',
    ],
  ])('%o', (credentials, message) => {
    expect(() => bingx.account(untyped(credentials))).toThrow(new TypeError(`bingx.account: ${message}`))
  })
})

describe('calls', () => {
  const bingx = createBingx({ fetch, scheduler })
  const account = bingx.account(keys)

  it.each<[string, () => Promise<unknown>, string]>([
    [
      'symbol',
      () => account.swap.income({ symbol: 'A&B' }),
      `account.swap.income: parameter "symbol": expected ${PLAIN}, got "A&B"`,
    ],
    [
      'empty symbol',
      () => account.swap.income({ symbol: '' }),
      'account.swap.income: parameter "symbol": expected a non-empty string, got ""',
    ],
    [
      'type of income',
      () => account.swap.income({ incomeType: untyped(1) }),
      'account.swap.income: parameter "incomeType": expected a non-empty string, got 1',
    ],
    [
      'limit',
      () => account.swap.income({ limit: 1001 }),
      'account.swap.income: parameter "limit": expected a whole number from 1 to 1000, got 1001',
    ],
    [
      'time',
      () => account.swap.income({ startTime: untyped(new Date(0)) }),
      'account.swap.income: parameter "startTime": expected a whole number from 0 to 9007199254740991, got an object',
    ],
    [
      'fraction of a millisecond',
      () => account.swap.income({ endTime: 1.5 }),
      'account.swap.income: parameter "endTime": expected a whole number from 0 to 9007199254740991, got 1.5',
    ],
    [
      'name',
      () => account.swap.income(untyped({ start: 1 })),
      `account.swap.income: unknown parameter "start": expected one of ${INCOME}, got 1`,
    ],
    [
      'query',
      () => account.swap.income(untyped('BTC-USDT')),
      'account.swap.income: expected an object of parameters, got "BTC-USDT"',
    ],
    [
      'account type',
      () => account.allBalances({ accountType: untyped('SPOT') }),
      `account.allBalances: parameter "accountType": expected one of ${TYPES}, got "SPOT"`,
    ],
    [
      'priority',
      () => account.swap.balance({ priority: untyped('high') }),
      'account.swap.balance: option "priority": expected a finite number, got "high"',
    ],
    [
      'wait',
      () => account.spot.balance({ maxWaitMs: -1 }),
      'account.spot.balance: option "maxWaitMs": expected a number of milliseconds from 0, got -1',
    ],
    [
      'signal',
      () => bingx.serverTime({ signal: untyped('stop') }),
      'bingx.serverTime: option "signal": expected an AbortSignal, got "stop"',
    ],
    [
      'option',
      () => account.swap.balance(untyped({ timeout: 5 })),
      'account.swap.balance: unknown option "timeout": expected one of priority, maxWaitMs, signal, coalesce, got 5',
    ],
  ])('%s', async (_, call, message) => {
    await expect(call()).rejects.toThrow(new TypeError(message))
  })
})

afterAll(() => {
  expect(sent).toEqual([])
})
