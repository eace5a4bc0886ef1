import type { Scheduler } from '@headgate/core'
import {
  type Credentials,
  checkOptions,
  type ExchangeOptions,
  exchangeChecks,
  flag,
  openExchange,
} from '@headgate/http'
import { type CoinwAccount, createAccount } from './account.ts'
import { Calls, type PublicCall } from './call.ts'
import { coinwError } from './errors.ts'
import { Ladder } from './ladder.ts'
import { coinwLimits } from './limits.ts'
import type { Context } from './requests.ts'

export interface CoinwOptions extends ExchangeOptions {
  /**
   * Whether the client mirrors CoinW's escalation of refusals: it stops a user ID or its address for 10 s well before
   * CoinW would warn, halves its own limits for 5 minutes when it is warned, stops 30 s for a ban, and for 8 h, with an
   * `alert`, before the last ban that CoinW takes. Give a `memory`, for bans are counted over 8 h. Default true.
   */
  ladder?: boolean
}

/** CoinW's spot market as seen from one IP address, or from those of `egress`. */
export interface Coinw extends AsyncDisposable {
  readonly scheduler: Scheduler
  /** @throws {TypeError} naming what is wrong, never a key. */
  account(credentials: Credentials): CoinwAccount
  /**
   * Any public command, under its documented limit: gives the answer's `data` as `account.call` does. Rejects with a
   * TypeError, before anything is sent, for a private one.
   */
  readonly call: PublicCall
  /** Waiting calls reject, running ones finish. A scheduler that was passed in stays open. */
  close(): Promise<void>
}

const BASE_URL = 'https://api.coinw.com'

/**
 * One client per IP address, or for all of them with `egress`: two on one address take its limits twice. For `coldStart: 'full'` and other
 * settings of the gate pass a scheduler: `createScheduler({ limits: coinwLimits, coldStart: 'full' })`.
 * @throws {TypeError} naming the option, what was expected and what came.
 */
export function createCoinw(options?: CoinwOptions): Coinw {
  const name = 'createCoinw'
  const checked = checkOptions<CoinwOptions>(name, options, { ...exchangeChecks, ladder: flag })
  const exchange = openExchange(
    { name, exchange: 'coinw', baseUrl: BASE_URL, limits: coinwLimits, error: coinwError },
    checked,
  )
  const { scheduler, clock, ips, tell } = exchange
  const ladder = checked.ladder === false ? undefined : new Ladder({ scheduler, clock, ips, tell })
  const context: Context = { exchange, ladder }
  const calls = new Calls(context)
  return Object.freeze({
    scheduler,
    account: (credentials: Credentials) => createAccount(context, calls, credentials),
    call: calls.public,
    close: () => exchange.close(),
    [Symbol.asyncDispose]: () => exchange.close(),
  })
}
