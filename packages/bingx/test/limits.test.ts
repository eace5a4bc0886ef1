import { describe, expect, it } from 'vitest'
import { DOCUMENTED } from '../src/endpoints/documented.ts'
import { bingxLimits } from '../src/limits.ts'

type Labels = Record<string, string>

/** What applies to a call: "limit/window by labels". */
function limitsOf(labels: Labels): string[] {
  return bingxLimits.flatMap(limit => {
    const applies =
      limit.by.every(name => Object.hasOwn(labels, name)) && (!('where' in limit) || limit.where?.(labels) !== false)
    const tokens = typeof limit.limit === 'function' ? limit.limit(labels) : limit.limit
    return applies && limit.kind === 'token-bucket' ? [`${tokens}/${limit.windowMs} ${limit.by.join(' ')}`] : []
  })
}

const call = { exchange: 'bingx', ip: 'a', endpoint: 'GET /openApi/swap/v3/user/balance' }

describe('bingxLimits', () => {
  it.each(['2', '3'])('a signed call of group %s is under three', group => {
    expect(limitsOf({ ...call, uid: 'u', group })).toEqual([
      '5/1000 exchange uid endpoint',
      '300/10000 exchange ip endpoint',
      '2000/10000 exchange ip group',
    ])
  })

  it('a public call of group 1 is under the two of the group, and one of its own for what headers tell', () => {
    expect(limitsOf({ ...call, group: '1' })).toEqual([
      '500/10000 exchange ip endpoint',
      '500/10000 exchange ip group',
      '1000/60000 exchange ip group',
    ])
  })

  it('a signed call of group 1 has its own per UID as well', () => {
    expect(limitsOf({ ...call, uid: 'u', group: '1' })).toHaveLength(3)
  })

  it('a call that names no group is under those that need none', () => {
    expect(limitsOf({ ...call, uid: 'u' })).toEqual(['5/1000 exchange uid endpoint', '300/10000 exchange ip endpoint'])
  })

  it('an endpoint that is not documented is under the strictest per UID, or the one that its labels name', () => {
    const unknown = { ...call, uid: 'u', group: '2', endpoint: 'GET /openApi/new' }
    expect(limitsOf(unknown)[0]).toBe('1/1000 exchange uid endpoint')
    expect(limitsOf({ ...unknown, uidLimit: '7' })[0]).toBe('7/1000 exchange uid endpoint')
    expect(limitsOf({ ...unknown, endpoint: call.endpoint, uidLimit: '7' })[0]).toBe('5/1000 exchange uid endpoint')
  })

  it('calls of other exchanges on the same scheduler are under none', () => {
    expect(limitsOf({ ...call, exchange: 'coinw', uid: 'u', group: '2' })).toEqual([])
  })

  it('every endpoint here is under some', () => {
    for (const { group } of Object.values(DOCUMENTED)) expect(limitsOf({ ...call, group })).not.toEqual([])
  })

  it('has names of its own and can not be changed', () => {
    expect(new Set(bingxLimits.map(({ name }) => name)).size).toBe(bingxLimits.length)
    expect(Object.isFrozen(bingxLimits)).toBe(true)
  })
})
