import { describe, expect, it } from 'vitest'
import { judge } from '../src/judge.ts'
import { anything, balances } from '../src/responses.ts'

const scope = ['exchange', 'uid', 'endpoint']
const told = (text: string, status = 200) => judge({ status, text }, { schema: anything, scope }, 0)
const read = (text: string) => judge({ status: 200, text }, { schema: balances, scope }, 0)
const ok = (data: string) => `{"code":"200","data":${data},"msg":"SUCCESS","success":true,"failed":false}`

describe('balances', () => {
  it.each([
    ['strings', ok('{"BTC":"0.0012","USDT":"257.518301140000000"}'), { BTC: '0.0012', USDT: '257.518301140000000' }],
    [
      'numbers',
      ok('{"BTC":0.0012,"USDT":257.518301140000000,"X":1e-8,"Y":12345678901234567890}'),
      { BTC: '0.0012', USDT: '257.518301140000000', X: '0.00000001', Y: '12345678901234567890' },
    ],
    ['an empty object', ok('{}'), {}],
    ['an empty list', ok('[]'), {}],
    ['null', ok('null'), {}],
    ['nothing', '{"code":"200","msg":"SUCCESS"}', {}],
    ['a code that is a number', '{"code":200,"data":{"BTC":"1"}}', { BTC: '1' }],
  ])('%s', (_, text, value) => expect(read(text)).toEqual({ value }))

  it.each([
    [ok('{"BTC":"lots"}'), 'unexpected data[BTC]: expected a decimal number'],
    [ok('{"BTC":{"free":"1"}}'), 'unexpected data[BTC]: expected a decimal number'],
    [ok('"none"'), 'unexpected data: Invalid input: expected record, received string'],
    [ok('[1]'), 'unexpected data: Invalid input: expected record, received array'],
  ])('%s is malformed', (text, msg) => {
    expect(read(text)).toEqual({ trouble: { code: '200', kind: 'malformed', msg } })
  })
})

describe('29001', () => {
  it.each([29001, '29001'])('%o is a refusal of the command, whatever the status', code => {
    const text = JSON.stringify({ code, msg: 'API access frequently' })
    for (const status of [200, 400, 403, 429, 500]) {
      expect(told(text, status)).toEqual({
        trouble: { code, msg: 'API access frequently', kind: 'refused' },
        refusal: { by: ['exchange', 'uid', 'endpoint'] },
      })
    }
  })

  it.each(['', '<html></html>', '{"message":"slow"}'])('HTTP 429 with %j is one too', text => {
    expect(told(text, 429)).toEqual({
      trouble: { code: 429, msg: 'HTTP 429 without a readable code', kind: 'refused' },
      refusal: { by: ['exchange', 'uid', 'endpoint'] },
    })
  })
})

describe('an error that is no refusal', () => {
  it.each([
    [-3, 'fatal'],
    [-103, 'key'],
    [-200, 'transient'],
    [200005, 'fatal'],
    [1003, 'key'],
    [6000, 'key'],
    [10006, 'key'],
    [10007, 'key'],
    [10002, 'fatal'],
    [10003, 'fatal'],
    [10004, 'fatal'],
    [10005, 'fatal'],
    [10001, 'transient'],
    [500, 'transient'],
    [31337, 'unknown'],
  ])('%i: %s', (code, kind) => {
    for (const sent of [code, String(code)]) {
      expect(told(JSON.stringify({ code: sent, msg: 'no', data: null, success: false, failed: true }))).toEqual({
        trouble: { code: sent, msg: 'no', kind },
      })
    }
  })

  it.each([
    ['{"code":"200","success":false,"msg":"no"}', 'no'],
    ['{"code":"200","failed":true,"message":"no"}', 'no'],
    ['{"code":"200","failed":true}', ''],
  ])('%s is no success', (text, msg) => {
    expect(told(text)).toEqual({ trouble: { code: '200', msg, kind: 'unknown' } })
  })

  it.each([
    [404, 'fatal'],
    [408, 'transient'],
    [500, 'transient'],
    [502, 'transient'],
    [504, 'lost'],
    [524, 'lost'],
    [200, 'malformed'],
  ])("Cloudflare's page with HTTP %i: %s", (status, kind) => {
    for (const text of ['<!DOCTYPE html><title>Attention Required!</title>', '', '[]', '{"code":true}']) {
      expect(told(text, status)).toMatchObject({
        trouble: { code: status, msg: `HTTP ${status} without a readable code`, kind },
      })
    }
  })
})
