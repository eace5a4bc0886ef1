/**
 * What an error means to a caller:
 * - `refused`: over a limit, and every retry was refused too
 * - `held`: over a limit, shut until `untilMs`, and the call may not wait that long
 * - `transient`: the exchange was busy or broken, and every retry met the same
 * - `lost`: sent, but no answer came; a write may or may not have been done
 * - `timestamp`: the exchange finds that our clock is wrong, also after it was set by the exchange's
 * - `key`: the key is wrong, or not meant for this address: no call goes out with it until `account.resume()`
 * - `risk`: the exchange's risk control: paused, and not sent again by itself; look into it
 * - `fatal`: this call can't succeed: a bad parameter, a missing permission, an unknown path
 * - `malformed`: an answer that can't be read
 * - `unknown`: a code that isn't known
 */
export type ErrorKind =
  | 'refused'
  | 'held'
  | 'transient'
  | 'lost'
  | 'timestamp'
  | 'key'
  | 'risk'
  | 'fatal'
  | 'malformed'
  | 'unknown'

/** What went wrong, as an exchange package reads it from an answer. */
export interface Trouble {
  /** The exchange's code as sent; the HTTP status when the body has none; a word when no answer came (`ECONNRESET`). */
  readonly code: string | number
  readonly msg: string
  readonly kind: ErrorKind
  /** Until when the exchange is shut, epoch milliseconds on its clock. */
  readonly untilMs?: number
  /** The answer can't be read, so that nobody knows what became of the call. */
  readonly isUnread?: true
}

/** A trouble and the call that had it. */
export interface ErrorFacts extends Trouble {
  readonly endpoint: string
  readonly uid?: string
  /** What we have to say of it. */
  readonly note?: string
}

/**
 * A call that an exchange did not answer as hoped. Holds no key, no signature, no address and nothing that leads to
 * one: `msg` is what the exchange said, redacted and at most 300 characters long.
 */
export class ExchangeError extends Error {
  /** The exchange's code as sent; the HTTP status when the body has none; a word when no answer came (`ECONNRESET`). */
  readonly code: string | number
  /** The exchange's words. */
  readonly msg: string
  /** What it means: see {@link ErrorKind}. */
  readonly kind: ErrorKind
  /** Which call: `GET /openApi/swap/v3/user/balance`, or a CoinW command. */
  readonly endpoint: string
  /** The account's name in labels. Absent for public calls. */
  declare readonly uid?: string
  /** Until when the exchange is shut, epoch milliseconds on its clock. */
  declare readonly untilMs?: number

  static {
    ExchangeError.prototype.name = 'ExchangeError'
  }

  constructor(facts: ErrorFacts, options?: ErrorOptions) {
    const note = facts.note === undefined ? '' : `: ${facts.note}`
    super(`${facts.endpoint}: ${facts.code} ${facts.msg} (${facts.kind}${note})`, options)
    this.code = facts.code
    this.msg = facts.msg
    this.kind = facts.kind
    this.endpoint = facts.endpoint
    if (facts.uid !== undefined) this.uid = facts.uid
    if (facts.untilMs !== undefined) this.untilMs = facts.untilMs
  }
}
