import process from 'node:process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { PUBLIC_SCOPE, SIGNED_SCOPE } from '../src/feedback.ts'
import { judge } from '../src/judge.ts'
import { accountBalances, incomes, serverTime, spotBalances, swapBalances } from '../src/responses.ts'
import { usageOf } from '../src/usage.ts'

/** Fixed in CI, fresh elsewhere; more of them for who wants to look harder. */
const { HEADGATE_RUNS = '1', HEADGATE_SEED } = process.env
const runs = (n: number) => ({
  numRuns: Math.max(1, Math.round(n * Number(HEADGATE_RUNS))),
  ...(HEADGATE_SEED ? { seed: Number(HEADGATE_SEED) } : {}),
})

const NOW_MS = 1_767_225_600_000
const CLAMP_MS = 15 * 60_000
const MIB = 1024 * 1024
const SCHEMAS = [z.unknown(), swapBalances, spotBalances, accountBalances, incomes, serverTime]

/** Whatever comes, it is judged: a value, or a trouble with words; and nobody is shut out for longer than the clamp. */
function holdsFor(text: string, status: number, schema: z.ZodType, scope = SIGNED_SCOPE): void {
  const verdict = judge({ status, text }, { schema, scope }, NOW_MS)
  if ('value' in verdict) return
  const { trouble, refusal } = verdict
  expect(['string', 'number']).toContain(typeof trouble.code)
  expect(typeof trouble.msg).toBe('string')
  if (refusal?.holdMs !== undefined) {
    expect(refusal.holdMs).toBeGreaterThanOrEqual(0)
    expect(refusal.holdMs).toBeLessThanOrEqual(CLAMP_MS)
    expect(Number.isFinite(trouble.untilMs)).toBe(true)
  }
  for (const name of refusal?.by ?? []) expect(['exchange', 'ip', 'uid', 'endpoint']).toContain(name)
}

const status = fc.oneof(fc.constantFrom(200, 400, 403, 418, 429, 500, 504), fc.integer({ min: 100, max: 599 }))
const schema = fc.constantFrom<z.ZodType>(...SCHEMAS)
const scope = fc.constantFrom(SIGNED_SCOPE, PUBLIC_SCOPE)
const code = fc.oneof(
  fc.constantFrom(100410, 109429, 100409, 100421, 80014, 109400, 100413, 100419, 80020, 109403, 100500, 0, 7),
  fc.integer(),
  fc.double(),
)
const word = fc.constantFrom(
  ...'code over error errors requests within ms can retry after time: unblocked until disabled banned risk control'.split(
    ' ',
  ),
  ...'system is busy timestamp pair rate limited'.split(' '),
)
const number = fc.oneof(
  fc.bigInt({ min: 0n, max: 10n ** 30n }).map(String),
  fc.integer({ min: NOW_MS - 1e9, max: NOW_MS + 1e9 }).map(String),
  fc.constantFrom('480000', '20', '0', '1e12', '-5', '1727193814249', '9'.repeat(400)),
)
const wording = fc.array(fc.oneof(word, word, number, fc.string()), { maxLength: 20 }).map(parts => parts.join(' '))

describe('an answer, whatever it is, is judged', () => {
  it('any JSON', () => {
    fc.assert(fc.property(fc.json(), status, schema, scope, holdsFor), runs(500))
  })

  it('any text', () => {
    fc.assert(fc.property(fc.string({ maxLength: 500, unit: 'binary' }), status, schema, scope, holdsFor), runs(300))
  })

  it('an envelope of any code, words and time', () => {
    const envelope = fc.record(
      {
        code: fc.oneof(code, code.map(String)),
        msg: fc.oneof(wording, fc.jsonValue()),
        data: fc.jsonValue(),
        timestamp: fc.oneof(fc.integer({ min: NOW_MS - 1e6, max: NOW_MS + 1e6 }), number, fc.jsonValue()),
      },
      { requiredKeys: ['code'] },
    )
    fc.assert(
      fc.property(envelope, status, schema, scope, (body, ...rest) => holdsFor(JSON.stringify(body), ...rest)),
      runs(1_500),
    )
  })

  it('data of nearly the right shape', () => {
    const field = fc.constantFrom(
      'asset',
      'balance',
      'free',
      'locked',
      'balances',
      'result',
      'time',
      'income',
      '__proto__',
    )
    const data = fc.letrec(tie => ({
      node: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), fc.array(tie('node')), fc.dictionary(field, tie('node'))),
    })).node
    fc.assert(
      fc.property(data, schema, (value, each) => holdsFor(JSON.stringify({ code: 0, data: value }), 200, each)),
      runs(500),
    )
  })

  it('half of what is right', () => {
    const text = JSON.stringify({ code: 0, data: [{ asset: 'USDT', balance: '194.8212' }], timestamp: NOW_MS })
    for (let length = 0; length <= text.length; length++) {
      for (const each of SCHEMAS) holdsFor(text.slice(0, length), 200, each)
    }
  })
})

/** Anything worse than linear would not come to an end here: a square of a million is minutes. */
describe('a body of a megabyte', () => {
  const filled = (piece: string) => piece.repeat(Math.ceil(MIB / piece.length))
  const said = (msg: string) => JSON.stringify({ code: 100410, msg, data: {} })

  it.each([
    'x',
    ' ',
    '1',
    'over ',
    'over 1 ',
    'over 20 error code: ',
    'can retry after time ',
    'unblocked after ',
    'system ',
    'system is ',
    'time1',
    '1.1',
    '2024-09-24 ',
    'risk',
    'pairs',
    '\n',
    '🦊',
  ])('of %j in its words', piece => {
    holdsFor(said(filled(piece)), 200, z.unknown())
    holdsFor(said(`${filled(piece)} will be unblocked after ${NOW_MS + 60_000}`), 200, z.unknown())
  })

  it.each(['[', '{', '{"a":', '"', ',', ' ', '0.1,', '<html>', '\\', '\u0000', '{"code":100410,"msg":"'])(
    'of %j and nothing else',
    piece => {
      for (const each of SCHEMAS) holdsFor(filled(piece), 200, each)
    },
  )

  it.each([
    ['rows that are none', `[${filled('1,')}1]`],
    ['rows without fields', `[${filled('{},')}{}]`],
    ['rows of fractions', `[${filled('{"asset":"A","balance":0.10},')}{}]`],
    ['a deep hole', `${'['.repeat(MIB / 2)}${']'.repeat(MIB / 2)}`],
    ['one number', filled('9')],
    ['one fraction', `0.${filled('9')}`],
  ])('of %s', (_, data) => {
    for (const each of SCHEMAS) holdsFor(`{"code":0,"data":${data}}`, 200, each)
  })
})

it('usage headers are numbers or no news', () => {
  const text = fc.option(fc.oneof(fc.string(), number, fc.integer().map(String)), { nil: null })
  fc.assert(
    fc.property(text, text, (remain, expire) => {
      const usage = usageOf(name => (name.endsWith('remain') ? remain : expire), NOW_MS)
      if (usage === undefined) return
      expect(usage.remaining).toBeGreaterThanOrEqual(0)
      expect(usage.resetMs).toBeGreaterThanOrEqual(0)
      expect(Number.isFinite(usage.remaining) && Number.isFinite(usage.resetMs)).toBe(true)
    }),
    runs(500),
  )
})
