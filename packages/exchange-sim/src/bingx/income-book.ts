import type { Account } from '../accounts.ts'
import type { Instant } from '../clock.ts'
import { money } from '../money.ts'
import { between, createRandom, type Random } from '../random.ts'
import type { Income } from './income.ts'

/** A row to keep; what is not given is made up. */
export type IncomeRow = Partial<Income> & { time: number }

/** Rows to make up from the seed. */
export interface IncomePlan {
  /** At most 200 000. */
  count: number
  /** So many rows share one millisecond. Default 1; `count` puts all into one. */
  perMs?: number
  /** First and last millisecond, epoch. Default: the six days before the start. */
  fromMs?: number
  toMs?: number
  /** So many rows are added, at the present millisecond, before each call is answered. Default 0. */
  addedPerCall?: number
}

export type Incomes = readonly IncomeRow[] | IncomePlan

/** The flow of funds of all UIDs. */
export interface IncomeBook {
  /** One UID's rows, oldest first. */
  read(uid: string, at: Instant): readonly Income[]
  /** Puts rows into their places; among rows of one millisecond the newest comes last. */
  add(uid: string, rows: readonly IncomeRow[]): void
  /** Whether a symbol exists. */
  knows(symbol: string): boolean
}

/** Per UID, added ones included. */
export const maxIncomeRows = 200_000

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const symbols: readonly string[] = ['BTC-USDT', 'ETH-USDT', 'LDO-USDT', 'SOL-USDT']

export function createIncomeBook(seed: number, accounts: readonly Account[], startEpochMs: number): IncomeBook {
  /** Made at a UID's first call, so that many accounts cost nothing at the start. */
  const flows = new Map<string, { rows: Income[]; random: Random; addedPerCall: number; made: number }>()
  const known = new Set(symbols)
  for (const { incomes } of accounts) if (isRows(incomes)) for (const { symbol } of incomes) noteSymbol(symbol)

  function noteSymbol(symbol: string | undefined): void {
    if (symbol !== undefined && symbol !== '') known.add(symbol)
  }

  function flowOf(uid: string) {
    let flow = flows.get(uid)
    if (flow === undefined) {
      flow = { rows: [], random: createRandom(seed, `rows ${uid}`), addedPerCall: 0, made: 0 }
      flows.set(uid, flow)
      const incomes = accounts.find(account => account.uid === uid && account.incomes !== undefined)?.incomes
      if (incomes === undefined) flow.rows = makeIncome(seed, uid, startEpochMs)
      else if (isRows(incomes)) insert(flow, incomes)
      else {
        flow.addedPerCall = incomes.addedPerCall ?? 0
        insert(flow, plannedRows(incomes, startEpochMs))
      }
    }
    return flow
  }

  function insert(flow: ReturnType<typeof flowOf>, rows: readonly IncomeRow[]): void {
    if (flow.rows.length + rows.length > maxIncomeRows) {
      throw new RangeError(`exchange.addIncome: at most ${maxIncomeRows} rows per UID`)
    }
    for (const row of rows) flow.rows.push(complete(flow, row))
    flow.rows.sort((left, right) => left.time - right.time)
  }

  function complete(flow: ReturnType<typeof flowOf>, { time, ...given }: IncomeRow): Income {
    noteSymbol(given.symbol)
    return {
      symbol: symbols[between(flow.random, 0, symbols.length - 1)] ?? 'BTC-USDT',
      incomeType: 'FUNDING_FEE',
      income: money(between(flow.random, -500_000, 500_000), 4),
      asset: 'USDT',
      info: 'Funding Fee',
      // Unique within the UID, whatever a test brings of its own.
      tranId: `18${between(flow.random, 100_000_000, 999_999_999)}${String(flow.made++).padStart(7, '0')}`,
      tradeId: '',
      ...given,
      time,
    }
  }

  return {
    read(uid, at) {
      const flow = flowOf(uid)
      const room = Math.min(flow.addedPerCall, maxIncomeRows - flow.rows.length)
      if (room > 0) insert(flow, Array(room).fill({ time: Math.floor(at.epochMs) }))
      return flow.rows
    },
    add(uid, rows) {
      insert(flowOf(uid), rows)
    },
    knows: symbol => known.has(symbol),
  }
}

function isRows(incomes: Incomes | undefined): incomes is readonly IncomeRow[] {
  return Array.isArray(incomes)
}

/** Groups of `perMs` rows, spread evenly over the time. */
function plannedRows(plan: IncomePlan, startEpochMs: number): IncomeRow[] {
  const { count, perMs = 1, toMs = Math.floor(startEpochMs), fromMs = toMs - 6 * dayMs } = plan
  const groups = Math.ceil(count / perMs)
  const stepMs = groups > 1 ? (toMs - fromMs) / (groups - 1) : 0
  return Array.from({ length: count }, (_, row) => ({ time: Math.floor(fromMs + Math.floor(row / perMs) * stepMs) }))
}

/**
 * The flow of funds of one UID up to the exchange's start, oldest first: per eight hours two funding fees at the same
 * millisecond (pages have to cope with equal times) and a realised profit with its fee, for thirteen days: more than
 * the seven that a call without times shows. One entry is four months old, beyond the three that are kept.
 */
function makeIncome(seed: number, uid: string, startEpochMs: number): Income[] {
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
