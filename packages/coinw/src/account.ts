import {
  type CallOptions,
  type Credentials,
  checkCredentials,
  describe,
  type EndpointPollOptions,
  type Exchange,
  type Params,
  type Pollable,
  pollable,
  type Send,
} from '@headgate/http'
import { COMMANDS, type CommandName } from './commands.ts'
import { commandsOf } from './requests.ts'
import { anything, type Balances, balances } from './responses.ts'

/**
 * One user ID. Every call waits for its turn under all limits that it is under, and rejects with a CoinwError, an error
 * of the gate (MaxWaitError, QueueFullError, ClosedError), the reason of its own signal, or a TypeError for what can't
 * be sent.
 */
export interface CoinwAccount {
  /** The account's name in labels, events and errors. */
  readonly uid: string
  readonly spot: {
    /** Amounts by asset. POST /api/v1/private?command=returnBalances */
    readonly balances: Pollable<[options?: CallOptions], EndpointPollOptions, Balances>
  }
  /**
   * Any command, under its documented limit: gives the answer's `data` as it came, where numbers that a double can't
   * keep (ids above 2^53, fractions) are strings. Commands that change something are never sent again when their
   * outcome is unknown.
   */
  call(command: CommandName, params?: Params, options?: CallOptions): Promise<unknown>
}

export function createAccount(exchange: Exchange, credentials: Credentials): CoinwAccount {
  const checked = checkCredentials('coinw.account', credentials)
  const command = commandsOf(exchange, checked)
  const returnBalances = command('returnBalances', balances)
  // Made once per command: the scheduler knows a command's labels by their identity.
  const made = new Map<CommandName, Send<unknown>>()
  return Object.freeze({
    uid: checked.uid,
    spot: Object.freeze({
      balances: pollable('account.spot.balances', returnBalances),
    }),
    async call(name: CommandName, params: Params = {}, options?: CallOptions) {
      if (typeof name !== 'string' || !Object.hasOwn(COMMANDS, name)) {
        throw new TypeError(`account.call: expected one of ${Object.keys(COMMANDS).join(', ')}, got ${describe(name)}`)
      }
      const send = made.get(name) ?? command(name, anything)
      made.set(name, send)
      return send(`account.call("${name}")`, params, options)
    },
  })
}
