import { describe, expect, it } from 'vitest'
import { ENDPOINTS } from '../src/endpoints.ts'
import { bingxLimits } from '../src/limits.ts'

type Labels = Record<string, string>

/** What applies to a call: "limit/window by labels". */
function limitsOf(labels: Labels): string[] {
  return bingxLimits.flatMap(limit => {
    const applies =
      limit.by.every(name => Object.hasOwn(labels, name)) && (!('where' in limit) || limit.where?.(labels) !== false)
    return applies && limit.kind === 'token-bucket'
      ? [`${String(limit.limit)}/${limit.windowMs} ${limit.by.join(' ')}`]
      : []
  })
}

const call = { exchange: 'bingx', ip: 'a', endpoint: 'GET /x' }

describe('bingxLimits', () => {
  it.each(['2', '3'])('a signed call of group %s is under three', group => {
    expect(limitsOf({ ...call, uid: 'u', group })).toEqual([
      '5/1000 exchange uid endpoint',
      '300/10000 exchange ip endpoint',
      '2000/10000 exchange ip group',
    ])
  })

  it('a public call of group 1 is under the two of the group', () => {
    expect(limitsOf({ ...call, group: '1' })).toEqual(['500/10000 exchange ip group', '1000/60000 exchange ip group'])
  })

  it('a signed call of group 1 has its own per UID as well', () => {
    expect(limitsOf({ ...call, uid: 'u', group: '1' })).toHaveLength(3)
  })

  it('a call that names no group is under those that need none', () => {
    expect(limitsOf({ ...call, uid: 'u' })).toEqual(['5/1000 exchange uid endpoint', '300/10000 exchange ip endpoint'])
  })

  it('calls of other exchanges on the same scheduler are under none', () => {
    expect(limitsOf({ ...call, exchange: 'coinw', uid: 'u', group: '2' })).toEqual([])
  })

  it('every endpoint here is under some', () => {
    for (const { group } of Object.values(ENDPOINTS)) expect(limitsOf({ ...call, group })).not.toEqual([])
  })

  it('has names of its own and can not be changed', () => {
    expect(new Set(bingxLimits.map(({ name }) => name)).size).toBe(bingxLimits.length)
    expect(Object.isFrozen(bingxLimits)).toBe(true)
  })
})
