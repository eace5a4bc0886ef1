import { createHmac } from 'node:crypto'
import { checkParams, type Params } from '@headgate/http'

/**
 * The parameter string: `k=v&k=v`, sorted by key, values raw. BingX checks the signature over the string in the order
 * in which it receives it, so this one string is signed and sent.
 * @param where who was called, the first word of errors.
 * @throws {TypeError} for a value that is no string, finite number or boolean, or that holds `& = ? #` or a line break.
 */
export function buildQuery(params: Params, where = 'buildQuery'): string {
  return Object.entries(checkParams(where, params))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
}

/**
 * The string as it goes into the address: values are URL-encoded only when the string contains `[` or `{`, keys never.
 */
export function encodeQuery(query: string): string {
  if (!/[[{]/.test(query)) return query
  return query
    .split('&')
    .map(pair => {
      const at = pair.indexOf('=') + 1
      return pair.slice(0, at) + encodeURIComponent(pair.slice(at))
    })
    .join('&')
}

/** HMAC-SHA256 of the parameter string, in lower-case hex. No method, path or body goes in. */
export function signBingx(query: string, secretKey: string): string {
  return createHmac('sha256', secretKey).update(query).digest('hex')
}
