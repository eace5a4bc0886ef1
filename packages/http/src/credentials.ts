import { createHash } from 'node:crypto'
import { type Check, checkOptions } from './options.ts'

/** A key to an exchange, and what its account is called. */
export interface Credentials {
  /** Read permission is enough for balances and income. */
  apiKey: string
  secretKey: string
  /**
   * A name of yours for the account, in labels, events and errors: never the key itself. Two keys of one account need
   * one uid, since the exchange counts their calls together. Default: the first 12 hex digits of the key's SHA-256.
   */
  uid?: string
}

// A header can't carry anything else, and its own error would quote the key.
const token: Check = {
  expected: 'a non-empty string of ASCII characters without spaces',
  test: value => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value),
  secret: true,
  required: true,
}

const uid: Check = {
  expected: 'a name of yours for the account, at most 64 characters long, and not "auto"',
  test: value => typeof value === 'string' && value !== '' && value.length <= 64 && value !== 'auto',
  // A key given by mistake must not be quoted.
  secret: true,
}

/**
 * @param where who was called, the first word of every error: `bingx.account`.
 * @throws {TypeError} naming what is wrong, never a key.
 */
export function checkCredentials(where: string, given: Credentials): Required<Credentials> {
  const credentials = checkOptions<Credentials>(where, given, { apiKey: token, secretKey: token, uid })
  const { apiKey, secretKey } = credentials
  // The key would stand in every event and error.
  if (credentials.uid === apiKey || credentials.uid === secretKey) {
    throw new TypeError(`${where}: option "uid": expected a name of yours for the account, got a key`)
  }
  return { apiKey, secretKey, uid: credentials.uid ?? createHash('sha256').update(apiKey).digest('hex').slice(0, 12) }
}
