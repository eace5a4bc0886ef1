import {
  type CallOptions,
  type Credentials,
  checkCredentials,
  checkOptions,
  oneOf,
  text,
  wholeNumber,
} from '@headgate/http'
import { ENDPOINTS } from './endpoints.ts'
import { type Context, signedEndpoints } from './requests.ts'
import type { AccountBalance, Income, SpotBalance, SwapBalance } from './responses.ts'
import * as responses from './responses.ts'

/** Which movements to list. */
export interface IncomeQuery {
  /** With a hyphen: `BTC-USDT`. */
  symbol?: string
  /** `FUNDING_FEE` and so on: see {@link Income}. Default: all. */
  incomeType?: string
  /** Epoch milliseconds. Without both times: the last 7 days. BingX keeps 3 months. */
  startTime?: number
  /** Epoch milliseconds. */
  endTime?: number
  /** From 1 to 1000, default 100. */
  limit?: number
}

const ACCOUNT_TYPES = [
  'spot',
  'sopt',
  'stdFutures',
  'coinMPerp',
  'USDTMPerp',
  'copyTrading',
  'grid',
  'eran',
  'c2c',
] as const

export interface AllBalancesQuery {
  /** One account only. `spot` and `sopt` are the same: BingX takes and sends `sopt`, we return `spot`. */
  accountType?: (typeof ACCOUNT_TYPES)[number]
}

/**
 * One UID. Every call waits for its turn under all limits that it is under, and rejects with a BingxError, an error of
 * the gate (MaxWaitError, QueueFullError, ClosedError), the reason of its own signal, or a TypeError for what can't be
 * sent.
 */
export interface BingxAccount {
  /** The account's name in labels, events and errors. */
  readonly uid: string
  readonly swap: {
    /** Assets of the perpetual account. GET /openApi/swap/v3/user/balance */
    balance(options?: CallOptions): Promise<SwapBalance[]>
    /** Movements of money, one page. GET /openApi/swap/v2/user/income */
    income(query?: IncomeQuery, options?: CallOptions): Promise<Income[]>
  }
  readonly spot: {
    /** Assets of the spot account. GET /openApi/spot/v1/account/balance */
    balance(options?: CallOptions): Promise<SpotBalance[]>
  }
  /**
   * Calls go out again after BingX found the key wrong, which stops them all (event `account-stopped`): the stop is the
   * key's, whatever account object it was made with. Does nothing when it isn't stopped.
   */
  resume(): void
  /** What each account is worth. GET /openApi/account/v1/allAccountBalance */
  allBalances(query?: AllBalancesQuery, options?: CallOptions): Promise<AccountBalance[]>
}

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER)
const incomeChecks = { symbol: text, incomeType: text, startTime: time, endTime: time, limit: wholeNumber(1, 1000) }
const allBalancesChecks = { accountType: oneOf(ACCOUNT_TYPES) }

export function createAccount(context: Context, credentials: Credentials): BingxAccount {
  const checked = checkCredentials('bingx.account', credentials)
  const endpoint = signedEndpoints(context, checked)
  const swapBalance = endpoint(ENDPOINTS.swapBalance, responses.swapBalances)
  const swapIncome = endpoint(ENDPOINTS.swapIncome, responses.incomes)
  const spotBalance = endpoint(ENDPOINTS.spotBalance, responses.spotBalances)
  const allBalances = endpoint(ENDPOINTS.allBalances, responses.accountBalances)
  return Object.freeze({
    uid: checked.uid,
    resume: () => context.exchange.resume(checked),
    swap: Object.freeze({
      balance: (options?: CallOptions) => swapBalance('account.swap.balance', {}, options),
      async income(query?: IncomeQuery, options?: CallOptions) {
        const where = 'account.swap.income'
        return swapIncome(where, { ...checkOptions<IncomeQuery>(where, query, incomeChecks, 'parameter') }, options)
      },
    }),
    spot: Object.freeze({
      balance: (options?: CallOptions) => spotBalance('account.spot.balance', {}, options),
    }),
    async allBalances(query?: AllBalancesQuery, options?: CallOptions) {
      const where = 'account.allBalances'
      const { accountType } = checkOptions<AllBalancesQuery>(where, query, allBalancesChecks, 'parameter')
      return allBalances(where, { accountType: accountType === 'spot' ? 'sopt' : accountType }, options)
    },
  })
}
