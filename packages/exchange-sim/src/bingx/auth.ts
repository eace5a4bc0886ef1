import { createHmac } from 'node:crypto'
import { type Parameters, parameterOf } from '../query.ts'
import { bingxErrors } from './errors.ts'

/** A code and its words, as the answer's body shows them; a futures code as it was before the renumbering. */
export interface Problem {
  readonly code: number
  readonly msg: string
}

/** Milliseconds. Default of the documentation; also the cap, since sources differ on the maximum (5000 or 60000). */
const recvWindowMs = 5000

/**
 * A caller's clock must be ahead by less than this, in milliseconds. BingX's rule is unknown; this is Binance's, as its
 * documentation words it: `timestamp < serverTime + 1000`.
 */
const aheadMs = 1000

/**
 * HMAC-SHA256 over the parameters in the order in which they came, values decoded, the signature itself left out;
 * lower-case hex. No method, path or body goes in (facts, 2026).
 */
function signBingx(secretKey: string, parameters: Parameters): string {
  const signed = parameters.filter(([name]) => name !== 'signature').map(([name, value]) => `${name}=${value}`)
  return createHmac('sha256', secretKey).update(signed.join('&')).digest('hex')
}

/**
 * Signature first, timestamp second: a timestamp that is not signed proves nothing. The words for a stale timestamp
 * differ by gateway, so the caller brings them. Sources beside the words in errors.ts.
 */
export function checkAuth(
  secretKey: string,
  parameters: Parameters,
  epochMs: number,
  staleTimestamp: Problem,
): Problem | undefined {
  const signature = parameterOf(parameters, 'signature')
  if (signature === undefined || signature === '') return bingxErrors.signatureMissing
  if (signature !== signBingx(secretKey, parameters)) {
    return bingxErrors.signatureWrong
  }
  const timestamp = wholeNumber(parameterOf(parameters, 'timestamp'))
  if (timestamp === undefined) return staleTimestamp
  const asked = parameterOf(parameters, 'recvWindow')
  const recvWindow = asked === undefined ? recvWindowMs : wholeNumber(asked)
  if (recvWindow === undefined) return { code: 100400, msg: 'recvWindow must be an integer' }
  // The documentation's own sample sends recvWindow=0 and expects success: 0 means the default.
  const allowedMs = recvWindow === 0 ? recvWindowMs : Math.min(recvWindow, recvWindowMs)
  const ageMs = epochMs - timestamp
  return ageMs > allowedMs || ageMs <= -aheadMs ? staleTimestamp : undefined
}

/** A whole number of at most 15 digits, not negative. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
