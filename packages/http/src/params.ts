import { describe } from './options.ts'

/** Parameters of a call. Undefined ones are left out. */
export type Params = Readonly<Record<string, string | number | boolean | undefined>>

/** They part parameters: inside a value they would change what is signed. */
const PARTS_PARAMETERS = /[&=?#\r\n\u2028\u2029]/

const EXPECTED = 'a string without & = ? # and line breaks, a finite number or a boolean'

/**
 * The parameters that have a value, sorted by name, as strings.
 * @param where who was called, the first word of errors.
 * @param reserved names that the client sets by itself.
 * @throws {TypeError} for a value that is no string, finite number or boolean, for `& = ? #` or a line break in a name
 *   or a
 *   value, and for a reserved name.
 */
export function checkParams(where: string, params: Params, reserved: readonly string[] = []): Record<string, string> {
  const given: unknown = params
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError(`${where}: expected an object of parameters, got ${describe(given)}`)
  }
  const checked: Record<string, string> = {}
  for (const name of Object.keys(params).sort()) {
    const value: unknown = params[name]
    if (value === undefined) continue
    const plain = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
    const expected = reserved.includes(name)
      ? 'none of this name, which the client sets by itself'
      : plain && !PARTS_PARAMETERS.test(name) && !PARTS_PARAMETERS.test(String(value))
        ? undefined
        : EXPECTED
    if (expected)
      throw new TypeError(`${where}: parameter ${describe(name)}: expected ${expected}, got ${describe(value)}`)
    checked[name] = String(value)
  }
  return checked
}
