import { decimalString } from '@headgate/http'
import * as z from 'zod'

/** An asset of the perpetual account. Money is in decimal strings, every digit as sent. */
export interface SwapBalance {
  asset: string
  balance: string
  equity: string
  unrealizedProfit: string
  realisedProfit: string
  availableMargin: string
  usedMargin: string
  freezedMargin: string
  /** Partly masked by BingX: `116***295`. */
  userId?: string
  shortUid?: string
}

/** An asset of the spot account. */
export interface SpotBalance {
  asset: string
  free: string
  locked: string
  /** Since 2025-04. */
  displayName?: string
}

/** What one of the accounts behind a UID is worth. */
export interface AccountBalance {
  /**
   * `spot` (BingX sends `sopt`), `stdFutures`, `coinMPerp`, `USDTMPerp`, `copyTrading`, `grid`, `eran`, `c2c`, or a
   * newer one.
   */
  accountType: string
  usdtBalance: string
}

/** A movement of money in the perpetual account. Texts that BingX leaves out are empty. */
export interface Income {
  symbol: string
  /**
   * TRANSFER, REALIZED_PNL, FUNDING_FEE, TRADING_FEE, INSURANCE_CLEAR, TRIAL_FUND, ADL, SYSTEM_DEDUCTION, GTD_PRICE, or
   * a newer one.
   */
  incomeType: string
  /** Positive: came in. */
  income: string
  asset: string
  info: string
  /** Epoch milliseconds. */
  time: number
  tranId: string
  tradeId: string
}

const money = z.unknown().transform(decimalString).pipe(z.string('expected a decimal number'))

const NO_TIME = 'expected epoch milliseconds'
const epochMs = z.union([z.number(), z.string().regex(/^\d{1,15}$/, NO_TIME)], NO_TIME).transform(Number)
const word = z.union([z.string(), z.number()]).transform(String)
const wordOrNone = word.nullish().transform(value => value ?? '')

/** A row without its nulls, and with the documented spelling where only another came. */
function row<T extends z.ZodType>(schema: T, spellings: Readonly<Record<string, string>> = {}) {
  return z.preprocess(value => {
    if (typeof value !== 'object' || value === null) return value
    const fields = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))
    for (const [documented, other] of Object.entries(spellings)) fields[documented] ??= fields[other]
    return fields
  }, schema)
}

const rows = z.array(z.unknown())

/**
 * A list; null and nothing at all are an empty one. `unwrap` takes the list out of what it came in. The first row that
 * doesn't fit ends it: a megabyte of them would else be a million complaints.
 */
function list<T extends z.ZodType>(item: T, unwrap: (data: object) => unknown = data => data) {
  return z.unknown().transform((data, context): z.output<T>[] => {
    const given = typeof data === 'object' && data !== null ? (unwrap(data) ?? []) : (data ?? [])
    const result = rows.safeParse(given)
    const read: z.output<T>[] = []
    let issues = result.error?.issues ?? []
    for (const [index, each] of (result.data ?? []).entries()) {
      const one = item.safeParse(each)
      if (one.success) read.push(one.data)
      else {
        issues = one.error.issues.map(issue => ({ ...issue, path: [index, ...issue.path] }))
        break
      }
    }
    for (const { message, path } of issues) context.issues.push({ code: 'custom', message, path, input: given })
    return read
  })
}

const field = (data: object, name: string): unknown => (data as Record<string, unknown>)[name]

const swapRow = row(
  z.object({
    asset: z.string(),
    balance: money,
    equity: money,
    unrealizedProfit: money,
    realisedProfit: money,
    availableMargin: money,
    usedMargin: money,
    freezedMargin: money,
    userId: word.exactOptional(),
    shortUid: word.exactOptional(),
  }),
  { realisedProfit: 'realizedProfit', freezedMargin: 'frozenMargin' },
)

/** An array, one row, or either in `{ balance: … }` (older versions). */
export const swapBalances: z.ZodType<SwapBalance[]> = list(swapRow, data => {
  const balance = field(data, 'balance')
  const rows = typeof balance === 'object' ? balance : data
  return rows === null || Array.isArray(rows) ? rows : [rows]
})

/** `{ balances: […] }`. */
export const spotBalances: z.ZodType<SpotBalance[]> = list(
  row(z.object({ asset: z.string(), free: money, locked: money, displayName: z.string().exactOptional() })),
  data => (Array.isArray(data) || !('balances' in data) ? data : data.balances),
)

/** An array, or `{ result: […] }` (one source). */
export const accountBalances: z.ZodType<AccountBalance[]> = list(
  row(
    z.object({
      accountType: z.string().transform(type => (type === 'sopt' ? 'spot' : type)),
      usdtBalance: money,
    }),
  ),
  data => (Array.isArray(data) || !('result' in data) ? data : data.result),
)

/** An array; null means none. */
export const incomes: z.ZodType<Income[]> = list(
  row(
    z.object({
      symbol: wordOrNone,
      incomeType: z.string(),
      income: money,
      asset: wordOrNone,
      info: wordOrNone,
      time: epochMs,
      tranId: wordOrNone,
      tradeId: wordOrNone,
    }),
  ),
)

/** `{ serverTime }`, epoch milliseconds. */
export const serverTime: z.ZodType<number> = z.object({ serverTime: epochMs }).transform(data => data.serverTime)

/** `{ uid }`, a text or a number. */
export const uid: z.ZodType<string> = z
  .object({ uid: z.union([z.string().min(1).max(64), z.int().nonnegative()]) })
  .transform(data => String(data.uid))

/** Whatever it is: numbers that a double can't keep are strings. */
export const anything: z.ZodType<unknown> = z.unknown()
