/** What a value must be, in words and as a test. */
export interface Check {
  /** Goes into the error after "expected". */
  readonly expected: string
  test(value: unknown): boolean
  /** The value is a secret: an error says of what type it was, never what it was. */
  readonly secret?: true
  /** Leaving it out is an error too. */
  readonly required?: true
}

/** One check for every name that may be given. */
export type Checks<T> = { readonly [K in keyof Required<T>]: Check }

const MAX_QUOTED = 40

/**
 * A frozen copy of `given` without the entries that are undefined, so that what the caller changes later changes
 * nothing.
 * @param where who was called, the first word of every error: `createBingx`.
 * @param what what one entry is called there: `option` or `parameter`.
 * @throws {TypeError} for a value that is no plain object, an unknown name, a missing one, or one of the wrong kind.
 */
export function checkOptions<T extends object>(
  where: string,
  given: T | undefined,
  checks: Checks<T>,
  what: 'option' | 'parameter' = 'option',
): Readonly<T> {
  // A caller without types may have given anything.
  const value: unknown = given === undefined ? {} : given
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${where}: expected an object of ${what}s, got ${describe(value)}`)
  }
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  for (const [name, entry] of entries) {
    if (!Object.hasOwn(checks, name)) {
      const known = Object.keys(checks).join(', ')
      // Of what type, not what: under a misspelt name a secret may have come.
      throw new TypeError(
        `${where}: unknown ${what} "${clip(name)}": expected one of ${known}, got ${describeType(entry)}`,
      )
    }
    const check = checks[name as keyof T]
    if (!check.test(entry)) throw wrong(where, what, name, check, entry)
  }
  const result = Object.fromEntries(entries)
  for (const [name, check] of Object.entries<Check>(checks)) {
    if (check.required && !Object.hasOwn(result, name)) throw wrong(where, what, name, check, undefined)
  }
  return Object.freeze(result) as Readonly<T>
}

function wrong(where: string, what: string, name: string, check: Check, value: unknown): TypeError {
  const got = check.secret ? describeType(value) : describe(value)
  return new TypeError(`${where}: ${what} "${name}": expected ${check.expected}, got ${got}`)
}

/** A value in a few words, for an error. Runs no code of the value's own. */
export function describe(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  switch (typeof value) {
    case 'string':
      return describeText(value)
    case 'object':
      return 'an object'
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    case 'bigint':
      return `${value}n`
    default:
      return String(value)
  }
}

/** A URL can be a secret: by its password, or by the signature in its query. */
function describeText(value: string): string {
  if (/:\/\/[^/]*@/.test(value)) return 'a URL with credentials'
  return /:\/\/.*[?#]/.test(value) ? 'a URL with a query or a fragment' : JSON.stringify(clip(value))
}

function describeType(value: unknown): string {
  if (value === '') return 'an empty string'
  return typeof value === 'string' ? 'a string' : describe(value)
}

const clip = (text: string) => (text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text)

export const text: Check = {
  expected: 'a non-empty string',
  test: value => typeof value === 'string' && value !== '',
}

export const flag: Check = { expected: 'true or false', test: value => typeof value === 'boolean' }

export const func: Check = { expected: 'a function', test: value => typeof value === 'function' }

export const finite: Check = { expected: 'a finite number', test: value => Number.isFinite(value) }

export const abortSignal: Check = { expected: 'an AbortSignal', test: value => value instanceof AbortSignal }

/** A whole number in [min, max]. */
export function wholeNumber(min: number, max: number): Check {
  return {
    expected: `a whole number from ${min} to ${max}`,
    test: value => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  }
}

/** One of these words. */
export function oneOf(words: readonly string[]): Check {
  return {
    expected: `one of ${words.map(word => `"${word}"`).join(', ')}`,
    test: value => typeof value === 'string' && words.includes(value),
  }
}

/** Base of an exchange's addresses. Credentials, a query or a fragment would end up in every address built on it. */
export const httpUrl: Check = {
  expected: 'an http(s) URL',
  test(value) {
    const url = typeof value === 'string' ? URL.parse(value) : null
    if (url === null || !/^https?:$/.test(url.protocol)) return false
    return url.username === '' && url.password === '' && !/[?#]/.test(value as string)
  },
}

/** An object with these methods: ports are recognised by what they can do, since a user may bring their own. */
export function withMethods(expected: string, ...methods: readonly string[]): Check {
  return {
    expected,
    test: value =>
      typeof value === 'object' &&
      value !== null &&
      methods.every(method => typeof (value as Record<string, unknown>)[method] === 'function'),
  }
}
