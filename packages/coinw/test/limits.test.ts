import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../src/commands.ts'
import { coinwLimits } from '../src/limits.ts'

type Labels = Record<string, string>

/** What applies to a call: "limit/window by labels". */
function limitsOf(labels: Labels): string[] {
  return coinwLimits.flatMap(limit => {
    const applies =
      limit.by.every(name => Object.hasOwn(labels, name)) && (!('where' in limit) || limit.where?.(labels) !== false)
    return applies && 'windowMs' in limit ? [`${String(limit.limit)}/${limit.windowMs} ${limit.by.join(' ')}`] : []
  })
}

const spot = { exchange: 'coinw', ip: 'a', group: 'spot' }

describe('coinwLimits', () => {
  it.each([
    ['returnBalances', '3/1000'],
    ['returnCompleteBalances', '5/2000'],
    ['doTrade', '30/2000'],
    ['cancelOrder', '30/2000'],
    ['cancelAllOrder', '30/2000'],
    ['returnOpenOrders', '30/2000'],
    ['returnOrderTrades', '30/2000'],
    ['returnOrderStatus', '30/2000'],
    ['returnUTradeHistory', '5/2000'],
    ['getUserTrades', '10/2000'],
    ['returnDepositsWithdrawals', '3/1000'],
    ['returnDepositAddresses', '3/1000'],
    ['doWithdraw', '3/1000'],
    ['cancelWithdraw', '3/1000'],
    ['spotWealthTransfer', '1/1000'],
  ])('%s: %s per user ID, beside the two of all commands', (endpoint, own) => {
    expect(limitsOf({ ...spot, uid: 'u', endpoint })).toEqual([
      `${own} exchange uid endpoint`,
      '100/1000 exchange ip',
      '300/1000 exchange uid',
    ])
  })

  it.each([
    ['returnTicker', '80/1000'],
    ['returnCurrencies', '80/1000'],
    ['returnSymbol', '80/1000'],
    ['return24hVolume', '80/1000'],
    ['returnOrderBook', '10/1000'],
    ['returnTradeHistory', '10/1000'],
    ['returnChartData', '10/1000'],
  ])('%s: %s per IP, beside the one of all commands', (endpoint, own) => {
    expect(limitsOf({ ...spot, endpoint })).toEqual([`${own} exchange ip endpoint`, '100/1000 exchange ip'])
  })

  it('has no other commands', () => {
    expect(Object.keys(COMMANDS)).toHaveLength(22)
  })

  it('calls of other exchanges on the same scheduler are under none', () => {
    expect(limitsOf({ ...spot, exchange: 'bingx', uid: 'u', endpoint: 'returnBalances' })).toEqual([])
  })

  it('has names of its own and can not be changed', () => {
    expect(new Set(coinwLimits.map(({ name }) => name)).size).toBe(coinwLimits.length)
    expect(Object.isFrozen(coinwLimits)).toBe(true)
  })
})
