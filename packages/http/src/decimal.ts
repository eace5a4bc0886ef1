/** Beyond it a number is no amount of money but a mistake, and writing it out would cost memory. */
const MAX_EXPONENT = 100

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d+))?(?:e([+-]?\d{1,4}))?$/i

/**
 * A decimal number as a plain decimal string, every digit kept: `'1.50'` as `'1.50'`, `1e-8` as `'0.00000001'`.
 * `undefined` for anything else. Numbers must come from `parseJson`, which makes strings of those that would lose
 * digits.
 */
export function decimalString(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined
  const match = DECIMAL.exec(String(value))
  if (match === null) return undefined
  const [, sign = '', leading = '', fraction = '', exponentText] = match
  if (leading + fraction === '') return undefined
  const whole = leading || '0'
  const minus = sign === '-' ? '-' : ''
  if (exponentText === undefined) return minus + whole + (fraction && `.${fraction}`)
  const exponent = Number(exponentText)
  if (Math.abs(exponent) > MAX_EXPONENT) return undefined
  const digits = whole + fraction
  const point = whole.length + exponent
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0')
  const at = Math.max(point, 1)
  const integer = padded.slice(0, at).replace(/^0+(?=\d)/, '')
  return minus + integer + (padded.length > at ? `.${padded.slice(at)}` : '')
}
