import {
  AUTO_UID,
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
  uidOfKey,
  wholeNumber,
} from '@headgate/http'
import type { AccountCall, Calls } from './call.ts'
import { documentedEndpoint } from './endpoints/endpoint.ts'
import { type IncomeRange, incomePages } from './income-pages.ts'
import { askedEndpoints, type Context, signedEndpoints } from './requests.ts'
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

export interface IncomeCall
  extends Pollable<
    [query?: IncomeQuery, options?: CallOptions],
    EndpointPollOptions & { query?: IncomeQuery },
    Income[]
  > {
  /**
   * All movements of a range, the oldest first, each once: in pages of at most 1000, none of them empty, fetched as they
   * are asked for. Movements that come while it walks do no harm. `maxWaitMs` is for every page; `signal` also ends the
   * walk between pages.
   *
   * The walk rejects as calls do; with a BingxError of code `PAGES` it never skips in silence: kind `fatal` when 1000
   * movements or more share a millisecond, which it names (BingX shows no more of it: narrow the range by `symbol` or
   * `incomeType`), `malformed` when answers contradict each other.
   * @throws {TypeError} at once for a range that ends before it begins, or of which over a day is older than 3 months or
   *   in the future.
   */
  pages(range?: IncomeRange, options?: CallOptions): AsyncIterable<Income[]>
}

/**
 * One UID. Every call waits for its turn under all limits that it is under, and rejects with a BingxError, an error of
 * the gate (MaxWaitError, QueueFullError, ClosedError), the reason of its own signal, or a TypeError for what can't be
 * sent.
 */
export interface BingxAccount {
  /** The account's name in labels, events and errors. Made with `'auto'`: that word until BingX has told it. */
  readonly uid: string
  readonly swap: {
    /** Assets of the perpetual account. GET /openApi/swap/v3/user/balance */
    readonly balance: Pollable<[options?: CallOptions], EndpointPollOptions, SwapBalance[]>
    /** Movements of money, one page. GET /openApi/swap/v2/user/income */
    readonly income: IncomeCall
  }
  readonly spot: {
    /** Assets of the spot account. GET /openApi/spot/v1/account/balance */
    readonly balance: Pollable<[options?: CallOptions], EndpointPollOptions, SpotBalance[]>
  }
  /**
   * Calls go out again after BingX found the key wrong, which stops them all (event `account-stopped`): the stop is the
   * key's, whatever account object it was made with. Does nothing when it isn't stopped.
   */
  resume(): void
  /** What each account is worth. GET /openApi/account/v1/allAccountBalance */
  readonly allBalances: Pollable<
    [query?: AllBalancesQuery, options?: CallOptions],
    EndpointPollOptions & { query?: AllBalancesQuery },
    AccountBalance[]
  >
  /**
   * Any endpoint, `METHOD /openApi/…`, under its documented limits; one that is not documented goes under the strictest
   * (1 a second), or under `limit`. Gives the answer's `data` as it came, where numbers that a double can't keep (ids
   * above 2^53, fractions) are strings; of endpoints that send no `code` and `data`, the whole answer. Only GETs are sent
   * again when their outcome is unknown. Parameters go into the query. Public endpoints go unsigned.
   */
  readonly call: AccountCall
}

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER)
const incomeChecks = { symbol: text, incomeType: text, startTime: time, endTime: time, limit: wholeNumber(1, 1000) }
const allBalancesChecks = { accountType: oneOf(ACCOUNT_TYPES) }

export function createAccount(context: Context, calls: Calls, credentials: Credentials): BingxAccount {
  const checked = checkCredentials('bingx.account', credentials, true)
  const asked = checked.uid === AUTO_UID ? askedEndpoints(context, checked) : undefined
  const endpoint = asked?.endpoint ?? signedEndpoints(context, checked)
  const uidOr = (unknown: string) => (asked === undefined ? checked.uid : (asked.uid.known ?? unknown))
  const swapBalance = endpoint(documentedEndpoint('GET /openApi/swap/v3/user/balance'), responses.swapBalances)
  const incomeEndpoint = documentedEndpoint('GET /openApi/swap/v2/user/income')
  const swapIncome = endpoint(incomeEndpoint, responses.incomes)
  const spotBalance = endpoint(documentedEndpoint('GET /openApi/spot/v1/account/balance'), responses.spotBalances)
  const allBalances = endpoint(
    documentedEndpoint('GET /openApi/account/v1/allAccountBalance'),
    responses.accountBalances,
  )
  const income = pollableQuery('account.swap.income', swapIncome, (where, query: IncomeQuery | undefined) => ({
    ...checkOptions<IncomeQuery>(where, query, incomeChecks, 'parameter'),
  }))
  const pages = (range?: IncomeRange, options?: CallOptions) => {
    const where = 'account.swap.income.pages'
    const { nowMs } = context
    return incomePages(
      where,
      {
        uid: uidOr(AUTO_UID),
        endpoint: incomeEndpoint.name,
        nowMs,
        fetch: (query, each) => swapIncome(where, query, each),
      },
      range,
      options,
    )
  }
  return Object.freeze({
    get uid() {
      return uidOr(AUTO_UID)
    },
    resume: () => context.exchange.resume({ ...checked, uid: uidOr(uidOfKey(checked.apiKey)) }),
    swap: Object.freeze({
      balance: pollable('account.swap.balance', swapBalance),
      income: Object.freeze(Object.assign(income, { pages })),
    }),
    spot: Object.freeze({
      balance: pollable('account.spot.balance', spotBalance),
    }),
    allBalances: pollableQuery('account.allBalances', allBalances, (where, query: AllBalancesQuery | undefined) => {
      const { accountType } = checkOptions<AllBalancesQuery>(where, query, allBalancesChecks, 'parameter')
      return { accountType: accountType === 'spot' ? 'sopt' : accountType }
    }),
    call: calls.of(endpoint),
  })
}
