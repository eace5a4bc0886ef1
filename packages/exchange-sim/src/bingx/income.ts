import { money } from '../money.ts'
import { type Parameters, parameterOf } from '../query.ts'
import { between, createRandom } from '../random.ts'
import { type Problem, wholeNumber } from './auth.ts'

export interface Income {
  symbol: string
  incomeType: string
  income: string
  asset: string
  info: string
  time: number
  tranId: string
  tradeId: string
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const symbols: readonly string[] = ['BTC-USDT', 'ETH-USDT', 'LDO-USDT', 'SOL-USDT']

/**
 * The flow of funds of one UID up to the exchange's start, oldest first: per eight hours two funding fees at the same
 * millisecond (pages have to cope with equal times) and a realised profit with its fee, for thirteen days: more than
 * the seven that a call without times shows. One entry is four months old, beyond the three that are kept.
 */
export function makeIncome(seed: number, uid: string, startEpochMs: number): Income[] {
  const random = createRandom(seed, `income ${uid}`)
  const entries: Income[] = []

  function add(incomeType: string, info: string, symbol: string, time: number): void {
    const traded = incomeType === 'REALIZED_PNL' || incomeType === 'TRADING_FEE'
    const units = incomeType === 'TRADING_FEE' ? -between(random, 1, 20_000) : between(random, -500_000, 500_000)
    entries.push({
      symbol,
      incomeType,
      income: money(units, 4),
      asset: 'USDT',
      info,
      time,
      tranId: `17${between(random, 100_000_000, 999_999_999)}${String(entries.length).padStart(4, '0')}`,
      tradeId: traded ? `19${between(random, 100_000_000, 999_999_999)}` : '',
    })
  }

  const lastFunding = Math.floor(startEpochMs / (8 * hourMs)) * 8 * hourMs
  add('TRANSFER', 'Transfer', '', lastFunding - 120 * dayMs)
  for (let period = 39; period >= 1; period--) {
    const time = lastFunding - period * 8 * hourMs
    add('FUNDING_FEE', 'Funding Fee', 'BTC-USDT', time)
    add('FUNDING_FEE', 'Funding Fee', 'LDO-USDT', time)
    const symbol = symbols[between(random, 0, symbols.length - 1)] ?? 'BTC-USDT'
    const closed = time + between(random, 1, 8 * hourMs - 1)
    add('REALIZED_PNL', 'Sell to Close', symbol, closed)
    add('TRADING_FEE', 'Position closing fee', symbol, closed)
  }
  return entries
}

/** The entries that a call asks for, or what is wrong with its parameters. */
export function selectIncome(
  entries: readonly Income[],
  parameters: Parameters,
  epochMs: number,
  order: 'newest-first' | 'oldest-first',
): readonly Income[] | Problem {
  const symbol = parameterOf(parameters, 'symbol')
  if (symbol !== undefined && !symbols.includes(symbol)) {
    return {
      code: 109400,
      msg: `${symbol},symbol not exist, please verify it in api: /openApi/swap/v2/quote/contracts`,
    }
  }
  const limit = numberOf(parameters, 'limit') ?? 100
  const startTime = numberOf(parameters, 'startTime')
  const endTime = numberOf(parameters, 'endTime')
  // A limit over 1000 is refused rather than cut down, so that nobody takes a full page for a last one.
  if (Number.isNaN(limit) || limit < 1 || limit > 1000) return invalid('limit')
  if (Number.isNaN(startTime)) return invalid('startTime')
  if (Number.isNaN(endTime)) return invalid('endTime')
  if (startTime !== undefined && endTime !== undefined && startTime > endTime) return invalid('startTime')

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
