/** What an answer says of an error, as far as it concerns more than its call. */
export interface ErrorWords {
  readonly code: string
  readonly kind: 'key' | 'time' | 'other'
}

/** Words for the codes that the world provokes. */
export const MESSAGES: Readonly<Record<string, string>> = {
  100202: 'insufficient balance',
  109400: 'Invalid parameters, err:limit is invalid',
  100500: 'Internal system error',
  100004: 'Permission denied as the API key was created without the permission',
  100413: 'Incorrect apiKey',
  100001: 'Signature verification failed due to signature mismatch',
  100419: 'IP does not match IP whitelist',
}

/** The exchange's own pace, and its trouble with it: the error-count rule counts none of them (facts, 2026). */
const RATE_CODES = ['100410', '109429', '100409', '29001']
/** The key itself is wrong (facts, 2026; CoinW's error code guide). */
const KEY_CODES = {
  bingx: ['100413', '100001', '100419'],
  coinw: ['-103', '1003', '6000', '10006', '10007'],
} as const
const TIME_CODES = ['100421', '80014', '109400']

/** Undefined: no error, or none with a code. */
export function errorWordsOf(exchange: 'bingx' | 'coinw', body: string): ErrorWords | undefined {
  let said: { code?: unknown; msg?: unknown }
  try {
    said = JSON.parse(body)
  } catch {
    return undefined
  }
  const code = String(said?.code)
  const ok = exchange === 'bingx' ? '0' : '200'
  if (!/^-?\d+$/.test(code) || code === ok || RATE_CODES.includes(code)) return undefined
  if ((KEY_CODES[exchange] as readonly string[]).includes(code)) return { code, kind: 'key' }
  const isTime = exchange === 'bingx' && TIME_CODES.includes(code) && /timestamp/i.test(String(said.msg))
  return { code, kind: isTime ? 'time' : 'other' }
}
