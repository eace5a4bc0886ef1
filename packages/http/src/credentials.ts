import { createHash } from 'node:crypto'
import { type Check, checkOptions } from './options.ts'

/** A key to an exchange, and what its account is called. */
export interface Credentials {
  /** Read permission is enough for balances and income. */
  apiKey: string
  secretKey: string
  /**
   * A name of yours for the account, in labels, events and errors: never the key itself. Two keys of one account need
   * one uid, since the exchange counts their calls together. `'auto'`, where the exchange tells it (BingX): the account's
   * own, asked for once by its first call, which all others wait for. Default: the first 12 hex digits of the key's SHA-256.
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

/** To be asked for. */
export const AUTO_UID = 'auto'

const uidCheck = (canAsk: boolean): Check => ({
  expected: `a name of yours for the account, at most 64 characters long, ${canAsk ? 'or' : 'and not'} "${AUTO_UID}"`,
  test: value => typeof value === 'string' && value !== '' && value.length <= 64 && (canAsk || value !== AUTO_UID),
  // A key given by mistake must not be quoted.
  secret: true,
})

/**
 * @param where who was called, the first word of every error: `bingx.account`.
 * @param canAsk whether the uid may be {@link AUTO_UID}
 * @throws {TypeError} naming what is wrong, never a key.
 */
export function checkCredentials(where: string, given: Credentials, canAsk = false): Required<Credentials> {
  const checks = { apiKey: token, secretKey: token, uid: uidCheck(canAsk) }
  const credentials = checkOptions<Credentials>(where, given, checks)
  const { apiKey, secretKey } = credentials
  // The key would stand in every event and error.
  if (credentials.uid === apiKey || credentials.uid === secretKey) {
    throw new TypeError(`${where}: option "uid": expected a name of yours for the account, got a key`)
  }
  return { apiKey, secretKey, uid: credentials.uid ?? uidOfKey(apiKey) }
}

/** What an account is called by its key alone. */
export function uidOfKey(apiKey: string): string {
  return createHash('sha256').update(apiKey).digest('hex').slice(0, 12)
}
