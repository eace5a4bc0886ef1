import { type Parameters, parameterOf } from '../query.ts'
import { type Problem, wholeNumber } from './auth.ts'

/** One row of the flow of funds, in the answer's own fields (seed 003). */
export interface Income {
  symbol: string
  incomeType: string
  /** Decimal string. */
  income: string
  asset: string
  info: string
  /** Epoch milliseconds. */
  time: number
  tranId: string
  tradeId: string
}

const dayMs = 86_400_000

/** The entries that a call asks for, or what is wrong with its parameters. */
export function selectIncome(
  entries: readonly Income[],
  parameters: Parameters,
  epochMs: number,
  order: 'newest-first' | 'oldest-first',
): readonly Income[] | Problem {
  const limit = numberOf(parameters, 'limit') ?? 100
  const startTime = numberOf(parameters, 'startTime')
  const endTime = numberOf(parameters, 'endTime')
  // A limit over 1000 is refused rather than cut down, so that nobody takes a full page for a last one.
  if (Number.isNaN(limit) || limit < 1 || limit > 1000) return invalid('limit')
  if (Number.isNaN(startTime)) return invalid('startTime')
  if (Number.isNaN(endTime)) return invalid('endTime')
  if (startTime !== undefined && endTime !== undefined && startTime > endTime) return invalid('startTime')

  const symbol = parameterOf(parameters, 'symbol')
  const incomeType = parameterOf(parameters, 'incomeType')
  // Seed 003: without both times the last seven days; three months are kept.
  const shownMs = startTime === undefined && endTime === undefined ? 7 * dayMs : 90 * dayMs
  const from = Math.max(startTime ?? 0, epochMs - shownMs)
  const chosen = entries.filter(
    entry =>
      entry.time >= from &&
      entry.time <= (endTime ?? epochMs) &&
      (symbol === undefined || entry.symbol === symbol) &&
      (incomeType === undefined || entry.incomeType === incomeType),
  )
  return (order === 'newest-first' ? chosen.toReversed() : chosen).slice(0, limit)
}

/** NaN where the parameter is there but no whole number. */
function numberOf(parameters: Parameters, name: string): number | undefined {
  const text = parameterOf(parameters, name)
  return text === undefined ? undefined : (wholeNumber(text) ?? Number.NaN)
}

function invalid(name: string): Problem {
  return { code: 109400, msg: `Invalid parameters, err:${name} is invalid` }
}
