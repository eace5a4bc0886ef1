import { createScheduler } from '@headgate/core'
import { afterAll, describe, expect, it } from 'vitest'
import { coinwLimits, createCoinw } from '../src/index.ts'

const sent: unknown[] = []
const fetch = async (...request: unknown[]) => {
  sent.push(request)
  return new Response('{"code":"200"}')
}
const scheduler = createScheduler({ limits: coinwLimits, coldStart: 'full' })
const keys = { apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' }

const OPTIONS = 'baseUrl, ip, egress, scheduler, limits, timeoutMs, retries, fetch, clock, memory, observer, ladder'
const TOKEN = 'a non-empty string of ASCII characters without spaces'

/** As a caller without types would. */
const untyped = (value: unknown) => value as never

describe('createCoinw', () => {
  it.each<[unknown, string]>([
    [null, 'expected an object of options, got null'],
    [{ recvWindow: 5000 }, `unknown option "recvWindow": expected one of ${OPTIONS}, got 5000`],
    [{ baseUrl: 'nope' }, 'option "baseUrl": expected an http(s) URL, got "nope"'],
    [
      { scheduler, limits: coinwLimits },
      'option "limits": expected none next to "scheduler", which has its own, got one',
    ],
    [{ ladder: 'off' }, 'option "ladder": expected true or false, got "off"'],
    [{ retries: 101 }, 'option "retries": expected a whole number from 0 to 100, got 101'],
  ])('%o', (options, message) => {
    expect(() => createCoinw(untyped(options))).toThrow(new TypeError(`createCoinw: ${message}`))
  })
})

it('coinw.account', () => {
  const coinw = createCoinw({ fetch, scheduler })
  expect(() => coinw.account({ ...keys, apiKey: '' })).toThrow(
    new TypeError(`coinw.account: option "apiKey": expected ${TOKEN}, got an empty string`),
  )
})

describe('calls', () => {
  const account = createCoinw({ fetch, scheduler }).account(keys)

  it.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'command',
      () => account.call(untyped('returnEverything')),
      /^account\.call: expected one of returnBalances, .*, got "returnEverything"$/,
    ],
    ['inherited name', () => account.call(untyped('toString')), /^account\.call: expected one of .*, got "toString"$/],
    ['no command', () => account.call(untyped(undefined)), /^account\.call: expected one of .*, got undefined$/],
    [
      'value',
      () => account.call('returnOpenOrders', { symbol: 'A&B' }),
      /^account\.call\("returnOpenOrders"\): parameter "symbol": expected .*, got "A&B"$/,
    ],
    [
      'type',
      () => account.call('returnOpenOrders', untyped({ symbol: ['A'] })),
      /parameter "symbol": expected .*, got an array$/,
    ],
    ['params', () => account.call('returnOpenOrders', untyped('A')), /expected an object of parameters, got "A"$/],
    [
      'sign',
      () => account.call('doTrade', { sign: 'X' }),
      /parameter "sign": expected none of this name, which the client sets by itself, got "X"$/,
    ],
    [
      'command again',
      () => account.call('doTrade', { command: 'doWithdraw' }),
      /parameter "command": expected none of this name/,
    ],
    [
      'option',
      () => account.spot.balances(untyped({ retries: 5 })),
      /^account\.spot\.balances: unknown option "retries": expected one of priority, maxWaitMs, signal, coalesce, got 5$/,
    ],
  ])('%s', async (_, call, message) => {
    const error = await call().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(message)
  })
})

afterAll(() => {
  expect(sent).toEqual([])
})
