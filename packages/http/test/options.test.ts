import { describe, expect, it } from 'vitest'
import { checkCallOptions } from '../src/call-options.ts'
import { checkCredentials } from '../src/credentials.ts'
import { checkOptions, httpUrl, oneOf, text, wholeNumber, withMethods } from '../src/options.ts'
import { checkParams } from '../src/params.ts'

interface Options {
  url?: string
  name?: string
  size?: number
  kind?: string
  clock?: object
}

const checks = {
  url: httpUrl,
  name: text,
  size: wholeNumber(1, 10),
  kind: oneOf(['a', 'b']),
  clock: withMethods('a clock', 'nowMs'),
}
const check = (given?: unknown) => checkOptions<Options>('create', given as Options, checks)

describe('checkOptions', () => {
  it.each<[unknown, string]>([
    [null, 'create: expected an object of options, got null'],
    [5, 'create: expected an object of options, got 5'],
    [[], 'create: expected an object of options, got an array'],
    ['x', 'create: expected an object of options, got "x"'],
    [{ nmae: 'secret' }, 'create: unknown option "nmae": expected one of url, name, size, kind, clock, got a string'],
    [
      { ['x'.repeat(99)]: 1 },
      `create: unknown option "${'x'.repeat(40)}…": expected one of url, name, size, kind, clock, got 1`,
    ],
    [{ url: 'nope' }, 'create: option "url": expected an http(s) URL, got "nope"'],
    [{ url: 'ftp://host' }, 'create: option "url": expected an http(s) URL, got "ftp://host"'],
    [
      { url: 'https://host?a=1' },
      'create: option "url": expected an http(s) URL, got a URL with a query or a fragment',
    ],
    [{ url: 'https://me:pass@host' }, 'create: option "url": expected an http(s) URL, got a URL with credentials'],
    [{ url: new URL('https://host') }, 'create: option "url": expected an http(s) URL, got an object'],
    [{ name: '' }, 'create: option "name": expected a non-empty string, got ""'],
    [{ name: 7n }, 'create: option "name": expected a non-empty string, got 7n'],
    [{ size: 1.5 }, 'create: option "size": expected a whole number from 1 to 10, got 1.5'],
    [{ size: '5' }, 'create: option "size": expected a whole number from 1 to 10, got "5"'],
    [{ size: Number.NaN }, 'create: option "size": expected a whole number from 1 to 10, got NaN'],
    [{ size: 11 }, 'create: option "size": expected a whole number from 1 to 10, got 11'],
    [{ kind: 'c' }, 'create: option "kind": expected one of "a", "b", got "c"'],
    [{ clock: {} }, 'create: option "clock": expected a clock, got an object'],
    [{ clock: () => {} }, 'create: option "clock": expected a clock, got a function'],
    [{ clock: Symbol('x') }, 'create: option "clock": expected a clock, got a symbol'],
  ])('%o', (given, message) => {
    expect(() => check(given)).toThrow(new TypeError(message))
  })

  it('takes what is right, and drops what is undefined', () => {
    const given = { url: 'http://127.0.0.1:80/x', name: undefined, size: 10, kind: 'a', clock: { nowMs: () => 0 } }
    expect(check(given)).toEqual({ url: given.url, size: 10, kind: 'a', clock: given.clock })
    expect(Object.keys(check(given))).not.toContain('name')
    expect(check()).toEqual({})
  })

  it('keeps a copy', () => {
    const given: Options = { size: 5 }
    const checked = check(given)
    given.size = 99
    expect(checked.size).toBe(5)
    expect(Object.isFrozen(checked)).toBe(true)
  })

  it('knows no option by a name that every object has', () => {
    expect(() => check(JSON.parse('{"__proto__":1}'))).toThrow('unknown option "__proto__"')
    expect(() => check({ toString: 1 })).toThrow('unknown option "toString"')
  })
})

const UID = 'expected a name of yours for the account, at most 64 characters long, and not "auto"'

describe('checkCredentials', () => {
  const right = { apiKey: 'key-12345678', secretKey: 'secret-12345678' }

  it.each<[unknown, string]>([
    [
      undefined,
      'x.account: option "apiKey": expected a non-empty string of ASCII characters without spaces, got undefined',
    ],
    [
      { apiKey: 'k' },
      'x.account: option "secretKey": expected a non-empty string of ASCII characters without spaces, got undefined',
    ],
    [
      { ...right, apiKey: '' },
      'x.account: option "apiKey": expected a non-empty string of ASCII characters without spaces, got an empty string',
    ],
    [
      { ...right, secretKey: ' sesame' },
      'x.account: option "secretKey": expected a non-empty string of ASCII characters without spaces, got a string',
    ],
    [
      { ...right, apiKey: 'sesame\n' },
      'x.account: option "apiKey": expected a non-empty string of ASCII characters without spaces, got a string',
    ],
    [
      { ...right, apiKey: 5 },
      'x.account: option "apiKey": expected a non-empty string of ASCII characters without spaces, got 5',
    ],
    [
      { ...right, secret: 'sesame' },
      'x.account: unknown option "secret": expected one of apiKey, secretKey, uid, got a string',
    ],
    [{ ...right, uid: 'auto' }, `x.account: option "uid": ${UID}, got a string`],
    [{ ...right, uid: '' }, `x.account: option "uid": ${UID}, got an empty string`],
    [
      { ...right, uid: right.secretKey },
      'x.account: option "uid": expected a name of yours for the account, got a key',
    ],
    [{ ...right, uid: right.apiKey }, 'x.account: option "uid": expected a name of yours for the account, got a key'],
  ])('%o', (given, message) => {
    expect(() => checkCredentials('x.account', given as typeof right)).toThrow(new TypeError(message))
  })

  it('names an account after a hash of its key', () => {
    const { uid } = checkCredentials('x', right)
    expect(uid).toMatch(/^[0-9a-f]{12}$/)
    expect(checkCredentials('x', { ...right, secretKey: 'another' }).uid).toBe(uid)
    expect(checkCredentials('x', { ...right, apiKey: 'another' }).uid).not.toBe(uid)
  })
})

describe('checkCallOptions', () => {
  it.each<[unknown, string]>([
    [{ priority: '1' }, 'option "priority": expected a finite number, got "1"'],
    [{ priority: Number.POSITIVE_INFINITY }, 'option "priority": expected a finite number, got Infinity'],
    [{ maxWaitMs: -1 }, 'option "maxWaitMs": expected a number of milliseconds from 0, got -1'],
    [{ maxWaitMs: Number.NaN }, 'option "maxWaitMs": expected a number of milliseconds from 0, got NaN'],
    [{ signal: {} }, 'option "signal": expected an AbortSignal, got an object'],
    [{ maxwaitms: 5 }, 'unknown option "maxwaitms": expected one of priority, maxWaitMs, signal, coalesce, got 5'],
    [5, 'expected an object of options, got 5'],
  ])('%o', (given, message) => {
    expect(() => checkCallOptions('f', given as object)).toThrow(new TypeError(`f: ${message}`))
  })
})

describe('checkParams', () => {
  it.each(['&', '=', '?', '#', '\r', '\n', '\u2028'])('refuses %j in a value', character => {
    expect(() => checkParams('f', { symbol: `a${character}b` })).toThrow(
      /^f: parameter "symbol": expected a string without & = \? # and line breaks, .*, got "a/,
    )
  })

  it.each<[unknown, string]>([
    [
      { x: null },
      'f: parameter "x": expected a string without & = ? # and line breaks, a finite number or a boolean, got null',
    ],
    [
      { x: Number.NaN },
      'f: parameter "x": expected a string without & = ? # and line breaks, a finite number or a boolean, got NaN',
    ],
    [
      { x: ['a'] },
      'f: parameter "x": expected a string without & = ? # and line breaks, a finite number or a boolean, got an array',
    ],
    [
      { 'a&b': 1 },
      'f: parameter "a&b": expected a string without & = ? # and line breaks, a finite number or a boolean, got 1',
    ],
    [{ sign: 'x' }, 'f: parameter "sign": expected none of this name, which the client sets by itself, got "x"'],
    ['a=1', 'f: expected an object of parameters, got "a=1"'],
    [null, 'f: expected an object of parameters, got null'],
  ])('%o', (given, message) => {
    expect(() => checkParams('f', given as Record<string, string>, ['sign'])).toThrow(new TypeError(message))
  })

  it('sorts by name, writes all as strings, leaves out what is undefined', () => {
    expect(Object.entries(checkParams('f', { b: 2, a: true, c: undefined, B: 'x' }))).toEqual([
      ['B', 'x'],
      ['a', 'true'],
      ['b', '2'],
    ])
  })
})
