import { createHash } from 'node:crypto'

/** Parameters as they are sent: sorted by name, all with a value. */
export type Sent = Readonly<Record<string, string>>

/**
 * MD5 in upper-case hex of `k=v&…`, sorted by name over all parameters and `api_key`, values raw, with
 * `&secret_key=<secret>` at the end. No time goes in: whoever sees the signature can use it again.
 */
export function signCoinw(params: Sent, apiKey: string, secretKey: string): string {
  const signed: Sent = { ...params, api_key: apiKey }
  const pairs = Object.keys(signed)
    .sort()
    .map(name => `${name}=${signed[name]}`)
  return createHash('md5')
    .update([...pairs, `secret_key=${secretKey}`].join('&'))
    .digest('hex')
    .toUpperCase()
}

/** `k=v&…` for an address. Commas stay raw, as in CoinW's own examples of lists of ids. */
export function encodeQuery(params: Sent): string {
  return Object.entries(params)
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&')
}

const encode = (value: string) => encodeURIComponent(value).replaceAll('%2C', ',')
