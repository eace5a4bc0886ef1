import {
  type CallOptions,
  type Credentials,
  checkCredentials,
  type EndpointPollOptions,
  type Pollable,
  pollable,
} from '@headgate/http'
import type { AccountCall, Calls } from './call.ts'
import { type Context, privateCommands } from './requests.ts'
import { type Balances, balances } from './responses.ts'

/**
 * One user ID. Every call waits for its turn under all limits that it is under, and rejects with a CoinwError, an error
 * of the gate (MaxWaitError, QueueFullError, ClosedError), the reason of its own signal, or a TypeError for what can't
 * be sent.
 */
export interface CoinwAccount {
  /** The account's name in labels, events and errors. */
  readonly uid: string
  /**
   * Calls go out again after CoinW found the key wrong, which stops them all (event `account-stopped`): the stop is the
   * key's, whatever account object it was made with. Does nothing when it isn't stopped.
   */
  resume(): void
  readonly spot: {
    /** Amounts by asset. POST /api/v1/private?command=returnBalances */
    readonly balances: Pollable<[options?: CallOptions], EndpointPollOptions, Balances>
  }
  /**
   * Any command, under its documented limit: gives the answer's `data` as it came, where numbers that a double can't
   * keep (ids above 2^53, fractions) are strings. Commands that change something are never sent again when their
   * outcome is unknown. Public commands go unsigned.
   */
  readonly call: AccountCall
}

export function createAccount(context: Context, calls: Calls, credentials: Credentials): CoinwAccount {
  const checked = checkCredentials('coinw.account', credentials)
  const command = privateCommands(context, checked)
  const returnBalances = command('returnBalances', balances)
  return Object.freeze({
    uid: checked.uid,
    resume: () => context.exchange.resume(checked),
    spot: Object.freeze({
      balances: pollable('account.spot.balances', returnBalances),
    }),
    call: calls.of(command),
  })
}
