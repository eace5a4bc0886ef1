import { describe, expect, it } from 'vitest'
import { redact } from '../src/redact.ts'

const KEY = 'key-0123456789'
const SIGNATURE = 'a'.repeat(64)

describe('redact', () => {
  it.each([
    ['rate limited', 'rate limited'],
    ['Incorrect apiKey', 'Incorrect apiKey'],
    ['will be unblocked after 1727193814249', 'will be unblocked after 1727193814249'],
    [
      'symbol not exist, please verify it in api: /openApi/swap/v2/quote/contracts',
      'symbol not exist, please verify it in api: /openApi/swap/v2/quote/contracts',
    ],
    [
      'please go to https://bingx.com/en/account/api/ to verify',
      'please go to https://bingx.com/en/account/api/ to verify',
    ],
    [`key ${KEY} is unknown`, 'key [redacted] is unknown'],
    [`${KEY}${KEY}`, '[redacted][redacted]'],
    ['GET https://host/path?a=1&signature=ffff failed', 'GET https://host/path?[redacted] failed'],
    ['signature=deadbeef&x=1', 'signature=[redacted]&x=1'],
    ['"sign":"DEADBEEF"', '"sign":"[redacted]"'],
    ['api_key=abc', 'api_key=[redacted]'],
    ['two\r\nlines\u0000\u001b[31m', 'two lines [31m'],
  ])('%j', (text, expected) => expect(redact(text, [KEY, SIGNATURE])).toBe(expected))

  it('hides a secret in its URL-encoded form too', () => {
    expect(redact('x=a%2Bsecret%2F', ['a+secret/'])).toBe('x=[redacted]')
  })

  it('leaves words alone that happen to be a short key', () => {
    expect(redact('rate limited', ['a', 'limited'])).toBe('rate limited')
  })

  it('keeps 300 characters', () => {
    expect(redact('x'.repeat(1e6), [])).toBe(`${'x'.repeat(300)}…`)
  })

  it('lets no part of a secret through where a long text is cut', () => {
    // Whatever stands before it shrinks to nothing, so that the cut is near the beginning of what is left.
    for (let length = 2250; length < 2420; length++) {
      const text = `https://h/?${'y'.repeat(length - 12)} ${SIGNATURE}${'z'.repeat(100)}`
      expect(redact(text, [SIGNATURE])).not.toContain('aaaaaaaa')
    }
  })
})
