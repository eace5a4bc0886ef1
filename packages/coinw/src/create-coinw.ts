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
import { coinwError } from './errors.ts'
import { Ladder } from './ladder.ts'
import { coinwLimits } from './limits.ts'

export interface CoinwOptions extends ExchangeOptions {
  /**
   * Whether the client mirrors CoinW's escalation of refusals: it stops a user ID or its address for 10 s well before
   * CoinW would warn, halves its own limits for 5 minutes when it is warned, stops 30 s for a ban, and for 8 h, with an
   * `alert`, before the last ban that CoinW takes. Give a `memory`, for bans are counted over 8 h. Default true.
   */
  ladder?: boolean
}

/** CoinW's spot market as seen from one IP address. */
export interface Coinw extends AsyncDisposable {
  readonly scheduler: Scheduler
  /** @throws {TypeError} naming what is wrong, never a key. */
  account(credentials: Credentials): CoinwAccount
  /** Waiting calls reject, running ones finish. A scheduler that was passed in stays open. */
  close(): Promise<void>
}

const BASE_URL = 'https://api.coinw.com'

/**
 * One client per IP address: two of them on one address take its limits twice. For `coldStart: 'full'` and other
 * settings of the gate pass a scheduler: `createScheduler({ limits: coinwLimits, coldStart: 'full' })`.
 * @throws {TypeError} naming the option, what was expected and what came.
 */
export function createCoinw(options?: CoinwOptions): Coinw {
  const name = 'createCoinw'
  const checked = checkOptions<CoinwOptions>(name, options, { ...exchangeChecks, ladder: flag })
  const exchange = openExchange({ name, baseUrl: BASE_URL, limits: coinwLimits, error: coinwError }, checked)
  const { scheduler, clock, ip } = exchange
  const ladder = checked.ladder === false ? undefined : new Ladder({ scheduler, clock, ip })
  return Object.freeze({
    scheduler,
    account: (credentials: Credentials) => createAccount(exchange, credentials, ladder),
    close: () => exchange.close(),
    [Symbol.asyncDispose]: () => exchange.close(),
  })
}
