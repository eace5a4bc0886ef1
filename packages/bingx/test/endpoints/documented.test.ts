import { describe, expect, it } from 'vitest'
import { DOCUMENTED, documentedLimits } from '../../src/endpoints/documented.ts'
import { STRICTEST_UID_LIMIT } from '../../src/endpoints/endpoint.ts'
import { facts } from '../support/facts.ts'

/** Public market data for which an unofficial mirror alone prints "5/s" and group 2. */
const KLINES = 'GET /openApi/swap/v3/quote/klines'

describe('the table of endpoints', () => {
  it('has the 178 of the three editions, each once', () => {
    expect(facts).toHaveLength(178)
    expect(Object.keys(DOCUMENTED)).toEqual(facts.map(({ name }) => name))
  })

  it.each(facts.filter(({ uidLimits, name }) => uidLimits.length > 0 && name !== KLINES))(
    '$name: the strictest of $uidLimits a second and UID, of groups $groups',
    ({ name, uidLimits, groups }) => {
      expect(documentedLimits(name)).toEqual({
        uidLimit: Math.min(...uidLimits),
        // Group 1 is the strictest of all together. Where no page tells: 2, whose limits are those of 3.
        group: groups.includes('1') ? '1' : (groups[0] ?? '2'),
      })
    },
  )

  it.each(facts.filter(({ uidLimits, name }) => uidLimits.length === 0 || name === KLINES))(
    '$name: market data',
    ({ name, groups }) => {
      expect(documentedLimits(name)).toEqual({ group: '1' })
      expect(groups[0] ?? '1').toBe('1')
    },
  )

  it('has no edition that names different account groups, so that "the strictest" is never a guess', () => {
    for (const { name, groups } of facts) {
      expect(new Set(groups.filter(group => group !== '1')).size, name).toBeLessThanOrEqual(1)
    }
  })

  it('knows nothing by names that every object has', () => {
    expect(documentedLimits('constructor')).toBeUndefined()
    expect(documentedLimits('GET /openApi/nowhere')).toBeUndefined()
  })

  it('has 1 a second as its strictest', () => {
    expect(STRICTEST_UID_LIMIT).toBe(Math.min(...facts.flatMap(({ uidLimits }) => uidLimits)))
  })
})
