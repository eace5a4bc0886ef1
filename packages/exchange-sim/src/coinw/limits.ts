import type { AppliedLimit } from '../limit-book.ts'

/** A CoinW spot command and its own limit. */
export interface Command {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
  /** Private commands are counted by UID, public ones by IP. */
  readonly by: 'uid' | 'ip'
}

/** Endpoint pages of CoinW, read 2026 (facts/coinw.md); returnBalances also seed 004: "3 requests/s per user ID". */
const table: readonly (readonly [limit: number, windowMs: number, by: 'uid' | 'ip', names: readonly string[]])[] = [
  [3, 1000, 'uid', ['returnBalances']],
  [5, 2000, 'uid', ['returnCompleteBalances', 'returnUTradeHistory']],
  [30, 2000, 'uid', ['doTrade', 'cancelOrder', 'cancelAllOrder']],
  [30, 2000, 'uid', ['returnOpenOrders', 'returnOrderTrades', 'returnOrderStatus']],
  [10, 2000, 'uid', ['getUserTrades']],
  [3, 1000, 'uid', ['returnDepositsWithdrawals', 'returnDepositAddresses', 'doWithdraw', 'cancelWithdraw']],
  [1, 1000, 'uid', ['spotWealthTransfer']],
  [80, 1000, 'ip', ['returnTicker', 'returnCurrencies', 'returnSymbol', 'return24hVolume']],
  [10, 1000, 'ip', ['returnOrderBook', 'returnTradeHistory', 'returnChartData']],
]

/** All spot REST calls together: CoinW's "Precautions" page, read 2026. They hold beside the command's own limit. */
const perSecondAndIp = 100
const perSecondAndUid = 300

const commands: ReadonlyMap<string, Command> = new Map(
  table.flatMap(([limit, windowMs, by, names]) => names.map(name => [name, { name, limit, windowMs, by }])),
)

export function findCommand(name: string): Command | undefined {
  return commands.get(name)
}

/** All limits that a call is under at once. The escalation ladder halves the command's for a while: see ladder.ts. */
export function limitsOf(command: Command, uid: string | undefined, ip: string): readonly AppliedLimit[] {
  const { name, limit, windowMs, by } = command
  const exchange = 'coinw'
  const whole = { exchange, name: 'ip', key: ip, limit: perSecondAndIp, windowMs: 1000 } as const
  const owner = by === 'ip' ? ip : uid
  // A private call with an unknown key has no UID: only the address can be held to account.
  if (owner === undefined) return [whole]
  const own = { exchange, name: commandLimit, key: `${owner} ${name}`, limit, windowMs } as const
  if (by === 'ip' || uid === undefined) return [own, whole]
  return [own, whole, { exchange, name: 'uid', key: uid, limit: perSecondAndUid, windowMs: 1000 }]
}

/** The limit of the command itself, the one that a warning halves. */
export const commandLimit = 'command'
