/** One command: all of one kind share a path, so that the command is what a limit is keyed by. */
export interface Command {
  /** `uid`: private and signed. `ip`: public. */
  readonly by: 'uid' | 'ip'
  readonly limit: number
  readonly windowMs: number
  /** It changes nothing, so it may be sent again when nobody knows whether it was done. */
  readonly read: boolean
}

const read = <By extends Command['by']>(by: By, limit: number, windowMs: number) =>
  ({ by, limit, windowMs, read: true }) as const
const write = (limit: number, windowMs: number) => ({ by: 'uid', limit, windowMs, read: false }) as const

/**
 * CoinW's spot commands, each with the "Frequency limit" of its own page (coinw.com/api-doc, undated, read 2026-11).
 */
export const COMMANDS = {
  returnBalances: read('uid', 3, 1_000),
  returnCompleteBalances: read('uid', 5, 2_000),
  doTrade: write(30, 2_000),
  cancelOrder: write(30, 2_000),
  cancelAllOrder: write(30, 2_000),
  returnOpenOrders: read('uid', 30, 2_000),
  returnOrderTrades: read('uid', 30, 2_000),
  returnOrderStatus: read('uid', 30, 2_000),
  returnUTradeHistory: read('uid', 5, 2_000),
  getUserTrades: read('uid', 10, 2_000),
  returnDepositsWithdrawals: read('uid', 3, 1_000),
  returnDepositAddresses: read('uid', 3, 1_000),
  doWithdraw: write(3, 1_000),
  cancelWithdraw: write(3, 1_000),
  spotWealthTransfer: write(1, 1_000),
  returnTicker: read('ip', 80, 1_000),
  returnCurrencies: read('ip', 80, 1_000),
  returnSymbol: read('ip', 80, 1_000),
  return24hVolume: read('ip', 80, 1_000),
  returnOrderBook: read('ip', 10, 1_000),
  returnTradeHistory: read('ip', 10, 1_000),
  returnChartData: read('ip', 10, 1_000),
} as const satisfies Readonly<Record<string, Command>>

export type CommandName = keyof typeof COMMANDS

/** Those that need no key. */
export type PublicCommandName = {
  [Name in CommandName]: (typeof COMMANDS)[Name]['by'] extends 'ip' ? Name : never
}[CommandName]

/** Those that change nothing. */
export type ReadCommandName = {
  [Name in CommandName]: (typeof COMMANDS)[Name]['read'] extends true ? Name : never
}[CommandName]

export type PrivateCommandName = Exclude<CommandName, PublicCommandName>

export const isPublic = (command: CommandName): command is PublicCommandName => COMMANDS[command].by === 'ip'
