/** Throws a TypeError that names `name`, what was expected and what came. */
export type Check = (value: unknown, name: string) => void

/** A value that passes `test`. Of a secret only the type is told, never the value. */
export function leaf(expected: string, test: (value: unknown) => boolean, secret = false): Check {
  return (value, name) => {
    if (!test(value)) fail(name, expected, secret ? kindOf(value) : describe(value))
  }
}

/** A finite number within bounds, both included; `whole` allows integers only. */
export function numberFrom(min: number, max: number, whole = false): Check {
  return leaf(
    `a${whole ? ' whole' : ''} number from ${min} to ${max}`,
    value => typeof value === 'number' && value >= min && value <= max && (!whole || Number.isInteger(value)),
  )
}

export function oneOf(...choices: readonly unknown[]): Check {
  return leaf(choices.map(describe).join(' or '), value => choices.includes(value))
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isFilledText = (value: unknown): boolean => isText(value) && value !== ''
const filledText = 'a string that is not empty'

export const flag: Check = oneOf(true, false)
export const func: Check = leaf('a function', value => typeof value === 'function')
export const anyText: Check = leaf('a string', isText)
export const text: Check = leaf(filledText, isFilledText)
export const secretText: Check = leaf(filledText, isFilledText, true)

export function listOf(check: Check): Check {
  return (value, name) => {
    if (!Array.isArray(value)) fail(name, 'an array', describe(value))
    for (const [index, item] of value.entries()) check(item, `${name}[${index}]`)
  }
}

/** An object whose fields, whatever their names, all pass. */
export function recordOf(check: Check): Check {
  return (value, name) => shape(Object.fromEntries(Object.keys(Object(value)).map(key => [key, check])))(value, name)
}

export interface ShapeOptions {
  /** Fields that must be there. A field set to `undefined` counts as absent. */
  readonly required?: readonly string[]
  /** Values that stand for the whole object. */
  readonly or?: readonly unknown[]
  /** Whether further fields are welcome: so it is for objects that do things, as clocks. */
  readonly open?: boolean
}

/** An object with these fields, and no others unless `open` says so. */
export function shape(
  fields: Readonly<Record<string, Check>>,
  { required = [], or = [], open = false }: ShapeOptions = {},
): Check {
  return (value, name) => {
    if (or.includes(value)) return
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      fail(name, ['an object', ...or.map(describe)].join(' or '), describe(value))
    }
    for (const key of Object.keys(value)) {
      if (open || Object.hasOwn(fields, key)) continue
      throw new TypeError(`${join(name, key)} is not a known option; known are ${Object.keys(fields).join(', ')}`)
    }
    for (const [key, check] of Object.entries(fields)) {
      const field: unknown = Reflect.get(value, key)
      if (field !== undefined || required.includes(key)) check(field, join(name, key))
    }
  }
}

/** A name that ends in a space is a function's: its options follow without a dot. */
function join(name: string, key: string): string {
  return name.endsWith(' ') ? name + key : `${name}.${key}`
}

function fail(name: string, expected: string, came: string): never {
  const subject = name.endsWith(': ') ? `${name}the options` : name
  throw new TypeError(`${subject} must be ${expected}, but got ${came}`)
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return kindOf(value)
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (value === '') return 'an empty string'
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`
}
