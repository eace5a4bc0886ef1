import process from 'node:process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge } from '../src/judge.ts'
import { anything, balances } from '../src/responses.ts'

/** Fixed in CI, fresh elsewhere; more of them for who wants to look harder. */
const { HEADGATE_RUNS = '1', HEADGATE_SEED } = process.env
const runs = (n: number) => ({
  numRuns: Math.max(1, Math.round(n * Number(HEADGATE_RUNS))),
  ...(HEADGATE_SEED ? { seed: Number(HEADGATE_SEED) } : {}),
})

const SCOPE = ['exchange', 'uid', 'endpoint']
const MIB = 1024 * 1024

function holdsFor(text: string, status: number): void {
  for (const schema of [anything, balances]) {
    const verdict = judge({ status, text }, { schema, scope: SCOPE }, 1_767_225_600_000)
    if ('value' in verdict) continue
    expect(typeof verdict.trouble.msg).toBe('string')
    expect(verdict.refusal?.holdMs ?? 0).toBeLessThanOrEqual(15 * 60_000)
  }
}

const status = fc.oneof(fc.constantFrom(200, 403, 429, 504), fc.integer({ min: 100, max: 599 }))
const code = fc.oneof(fc.constantFrom<unknown>(29001, '29001', 200, '200', -103, '-200', 10006), fc.jsonValue())

describe('an answer, whatever it is, is judged', () => {
  it('any JSON, any text', () => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), status, holdsFor), runs(500))
  })

  it('an envelope of any code and words', () => {
    const flag = fc.oneof(fc.boolean(), fc.jsonValue())
    const envelope = fc.record(
      { code, msg: fc.jsonValue(), message: fc.jsonValue(), data: fc.jsonValue(), success: flag, failed: flag },
      { requiredKeys: ['code'] },
    )
    fc.assert(
      fc.property(envelope, status, (body, each) => holdsFor(JSON.stringify(body), each)),
      runs(1_000),
    )
  })

  /** Anything worse than linear would not come to an end here: a square of a million is minutes. */
  it.each(['x', '[', '{"a":', '"', '0.1,', '<html>', '{"code":29001,"msg":"'])('a megabyte of %j', piece => {
    const text = piece.repeat(Math.ceil(MIB / piece.length))
    holdsFor(text, 200)
    holdsFor(JSON.stringify({ code: 29001, msg: text }), 200)
    holdsFor(`{"code":"200","data":{"A":${JSON.stringify(text)}}}`, 200)
  })
  it('a megabyte of amounts that are none', () => {
    const amounts = Array.from({ length: 80_000 }, (_, n) => `"A${n}":true`)
    holdsFor(`{"code":"200","data":{${amounts.join(',')}}}`, 200)
  })
})
