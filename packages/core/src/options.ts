/** How many characters of a wrong value an error shows. */
const SHOWN = 60

/** A TypeError that names the option, what was expected and what came. */
export function wrongOption(where: string, option: string, expected: string, got: unknown): TypeError {
  return new TypeError(`${where}: option "${option}": expected ${expected}, got ${show(got)}`)
}

/** @throws {TypeError} unless `options` is an object that has no other own keys than `known` */
export function checkKeys(where: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${where}: expected an object of options, got ${show(options)}`)
  }
  // Not Object.keys: this is done for every call, and it would make an array each time.
  for (const key in options) {
    if (!known.includes(key) && Object.hasOwn(options, key))
      throw new TypeError(
        `${where}: unknown option "${key}": expected one of ${known.join(', ')}, got ${show((options as Record<string, unknown>)[key])}`,
      )
  }
}

export function checkNumber(where: string, option: string, value: unknown, least: number): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least) return
  throw wrongOption(where, option, `a finite number of at least ${least}`, value)
}

export function checkWhole(where: string, option: string, value: unknown, least: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least) return
  throw wrongOption(where, option, `a whole number of at least ${least}`, value)
}

export function checkNames(where: string, option: string, value: unknown): void {
  if (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every(name => typeof name === 'string' && name !== '') &&
    new Set(value).size === value.length
  )
    return
  throw wrongOption(where, option, 'an array of different label names, at least one', value)
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
