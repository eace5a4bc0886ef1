import {
  type CallOptions,
  type Credentials,
  checkCredentials,
  checkOptions,
  type EndpointPollOptions,
  oneOf,
  type Pollable,
  pollable,
  pollableQuery,
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
    readonly balance: Pollable<[options?: CallOptions], EndpointPollOptions, SwapBalance[]>
    /** Movements of money, one page. GET /openApi/swap/v2/user/income */
    readonly income: Pollable<
      [query?: IncomeQuery, options?: CallOptions],
      EndpointPollOptions & { query?: IncomeQuery },
      Income[]
    >
  }
  readonly spot: {
    /** Assets of the spot account. GET /openApi/spot/v1/account/balance */
    readonly balance: Pollable<[options?: CallOptions], EndpointPollOptions, SpotBalance[]>
  }
  /** What each account is worth. GET /openApi/account/v1/allAccountBalance */
  readonly allBalances: Pollable<
    [query?: AllBalancesQuery, options?: CallOptions],
    EndpointPollOptions & { query?: AllBalancesQuery },
    AccountBalance[]
  >
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
  const incomeParams = (where: string, query: IncomeQuery | undefined) => ({
    ...checkOptions<IncomeQuery>(where, query, incomeChecks, 'parameter'),
  })
  const allBalancesParams = (where: string, query: AllBalancesQuery | undefined) => {
    const { accountType } = checkOptions<AllBalancesQuery>(where, query, allBalancesChecks, 'parameter')
    return { accountType: accountType === 'spot' ? 'sopt' : accountType }
  }
  return Object.freeze({
    uid: checked.uid,
    swap: Object.freeze({
      balance: pollable('account.swap.balance', swapBalance),
      income: pollableQuery('account.swap.income', swapIncome, incomeParams),
    }),
    spot: Object.freeze({
      balance: pollable('account.spot.balance', spotBalance),
    }),
    allBalances: pollableQuery('account.allBalances', allBalances, allBalancesParams),
  })
}
