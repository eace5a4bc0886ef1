import { createHash } from 'node:crypto'
import type { Parameters } from '../query.ts'

/**
 * Upper-case MD5 over all parameters sorted by name, values decoded, without `sign` and `command`, and the secret at
 * the end (facts, 2026). There is no timestamp: a signature can be replayed.
 */
export function signCoinw(secretKey: string, parameters: Parameters): string {
  const signed = parameters
    .filter(([name]) => name !== 'sign' && name !== 'command')
    .toSorted(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
  return createHash('md5')
    .update([...signed, `secret_key=${secretKey}`].join('&'))
    .digest('hex')
    .toUpperCase()
}
