import { describe, expect, it } from 'vitest'
import { parseJson } from '../src/lossless-json.ts'

describe('parseJson', () => {
  it.each([
    ['{"a":0.10}', { a: '0.10' }],
    ['{"a":257.518301140000000}', { a: '257.518301140000000' }],
    ['{"a":1.5,"b":[0.50,2]}', { a: 1.5, b: ['0.50', 2] }],
    ['{"id":9007199254740993}', { id: '9007199254740993' }],
    ['{"id":-12345678901234567890}', { id: '-12345678901234567890' }],
    ['{"a":1e-8,"b":1E5}', { a: 1e-8, b: '1E5' }],
    ['{ "a" :\n 0.10 }', { a: '0.10' }],
    ['1.0', '1.0'],
    ['{"time":1702713615000,"code":0}', { time: 1_702_713_615_000, code: 0 }],
    ['{"a":"x:1.50","b":1}', { a: 'x:1.50', b: 1 }],
    ['[0.1,true,null,"0.10"]', [0.1, true, null, '0.10']],
  ])('%s', (text, expected) => expect(parseJson(text)).toEqual(expected))

  it.each(['', '<html>1.5</html>', '{"a":1.50', 'undefined', '{"a":1,}'])('%j is no JSON', text => {
    expect(parseJson(text)).toBeUndefined()
  })

  const nested = (levels: number, inside: string) => `${'['.repeat(levels)}${inside}${']'.repeat(levels)}`
  const long = JSON.stringify('x'.repeat(10_000))

  it('reads what nests to 500 levels, however long, and nothing that nests deeper', () => {
    expect(JSON.stringify(parseJson(nested(500, long)))).toBe(nested(500, long))
    expect(parseJson(nested(501, long))).toBeUndefined()
    expect(parseJson(`[${'[],'.repeat(5_000)}[]]`)).toHaveLength(5_001)
  })

  it.each(['[', '{', '\\', '"[', '[\\"{'])('brackets in a text are text: %j', piece => {
    const value = { a: piece.repeat(10_000), b: [1] }
    expect(parseJson(JSON.stringify(value))).toEqual(value)
  })

  it('makes no prototype of a field called __proto__', () => {
    const parsed = parseJson('{"__proto__":{"polluted":1.50}}') as Record<string, unknown>
    expect(parsed['polluted']).toBeUndefined()
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
