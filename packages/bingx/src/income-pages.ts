import { type CallOptions, checkCallOptions, checkOptions, text, wholeNumber } from '@headgate/http'
import { bingxError } from './errors.ts'
import { walk } from './income-walk.ts'
import type { Income } from './responses.ts'

/** Which movements to walk through. */
export interface IncomeRange {
  /** Epoch milliseconds, included. Default: 7 days before the end. BingX keeps 3 months. */
  startTime?: number
  /** Epoch milliseconds, included. Default: now. */
  endTime?: number
  /** With a hyphen: `BTC-USDT`. */
  symbol?: string
  /** `FUNDING_FEE` and so on: see {@link Income}. Default: all. */
  incomeType?: string
}

const DAY_MS = 86_400_000
const DEFAULT_RANGE_MS = 7 * DAY_MS

/** "Only keep the last 3 months data" (endpoint page, 2024-09): the longest three. */
const KEPT_MS = 92 * DAY_MS

/** Clocks differ, and nobody knows at which hour BingX drops what is old. */
const LENIENCE_MS = DAY_MS

/** The largest that the endpoint page allows (2024-09). */
const PAGE_ROWS = 1_000

const time = wholeNumber(0, Number.MAX_SAFE_INTEGER)
const rangeChecks = { startTime: time, endTime: time, symbol: text, incomeType: text }

export interface IncomePagesSetup {
  readonly uid: string
  readonly endpoint: string
  readonly nowMs: () => number
  fetch(
    query: { symbol?: string; incomeType?: string; startTime: number; endTime: number; limit: number },
    options: CallOptions,
  ): Promise<Income[]>
}

/** @throws {TypeError} at once for a range that can't be walked through. */
export function incomePages(
  where: string,
  { uid, endpoint, nowMs, fetch }: IncomePagesSetup,
  range: IncomeRange | undefined,
  given: CallOptions | undefined,
): AsyncIterable<Income[]> {
  const options = checkCallOptions(where, given)
  const { startTime, endTime, ...filter } = checkOptions<IncomeRange>(where, range, rangeChecks, 'parameter')
  const now = nowMs()
  const untilMs = endTime ?? now
  const fromMs = startTime ?? Math.max(0, untilMs - DEFAULT_RANGE_MS)
  const earliestMs = now - KEPT_MS - LENIENCE_MS
  const latestMs = now + LENIENCE_MS
  if (fromMs < earliestMs) {
    throw new TypeError(`${where}: parameter "startTime": expected a time in the last 3 months, got ${fromMs}`)
  }
  if (untilMs > latestMs)
    throw new TypeError(`${where}: parameter "endTime": expected no later than now, got ${untilMs}`)
  if (untilMs < fromMs) {
    throw new TypeError(`${where}: parameter "endTime": expected no earlier than the start, ${fromMs}, got ${untilMs}`)
  }
  return walk(
    {
      limit: PAGE_ROWS,
      fetch: (startTime, endTime, limit) => fetch({ ...filter, startTime, endTime, limit }, options),
      signal: options.signal,
      error: (kind, msg) => bingxError({ code: 'PAGES', msg, kind, endpoint, uid }),
    },
    fromMs,
    untilMs,
  )
}
