import { describe, expect, it } from 'vitest'
import { decimalString } from '../src/decimal.ts'

describe('decimalString', () => {
  it.each([
    ['1.50', '1.50'],
    ['257.518301140000000', '257.518301140000000'],
    ['-109.2504', '-109.2504'],
    ['+3', '3'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['0.0000', '0.0000'],
    ['007', '007'],
    [0, '0'],
    [12, '12'],
    [-0.1, '-0.1'],
    [1e-8, '0.00000001'],
    ['1e-8', '0.00000001'],
    ['1.25E+3', '1250'],
    ['1.25e1', '12.5'],
    ['1.25e2', '125'],
    ['12e-1', '1.2'],
    ['-12.5e-3', '-0.0125'],
    ['0e5', '0'],
    [1e21, '1000000000000000000000'],
    ['123456789012345678901234567890.123456789', '123456789012345678901234567890.123456789'],
  ])('%j is %j', (value, expected) => expect(decimalString(value)).toBe(expected))

  it.each([
    '', ' ', '.', '-', 'e5', '1.', '1,5', '0x10', 'NaN', 'Infinity', '1e', '1e101', '1e-101', '1e99999', '1 ', '١',
    Number.NaN, Number.POSITIVE_INFINITY, null, undefined, true, {}, ['1'], 1n,
  ])('%o is none', value => expect(decimalString(value)).toBeUndefined())
})
