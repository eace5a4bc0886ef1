import { expect, it } from 'vitest'
import * as face from '../src/index.ts'

it('has these public names and no others', () => {
  expect(Object.keys(face).sort()).toEqual(['BingxError', 'bingxLimits', 'buildQuery', 'createBingx', 'signBingx'])
})
