import { money } from '../money.ts'
import { between, createRandom } from '../random.ts'

/** Field names and spellings as in the facts (2026): `realisedProfit`, `freezedMargin`. Per asset one row. */
export function swapBalance(seed: number, uid: string): object[] {
  const random = createRandom(seed, `swap ${uid}`)
  return ['USDT', 'USDC'].map(asset => {
    const balance = between(random, 0, 999_999_999)
    const unrealized = between(random, -20_000, 20_000)
    const used = between(random, 0, 50_000)
    return {
      userId: '116***295',
      asset,
      balance: money(balance, 4),
      equity: money(balance + unrealized, 4),
      unrealizedProfit: money(unrealized, 4),
      realisedProfit: money(between(random, -1_000_000, 1_000_000), 4),
      availableMargin: money(Math.max(0, balance + unrealized - used), 4),
      usedMargin: money(used, 4),
      freezedMargin: money(0, 4),
      shortUid: String(between(random, 10_000_000, 99_999_999)),
    }
  })
}

/** `displayName` is there since 2025-04. Many digits behind the point, as in the documentation's example. */
export function spotBalance(seed: number, uid: string): object {
  const random = createRandom(seed, `spot ${uid}`)
  const nineDigits = (): number => between(random, 100_000_000, 999_999_999)
  const balances = ['USDT', 'BTC', 'ETH'].map(asset => ({
    asset,
    displayName: asset,
    free: `${between(random, 0, 600_000)}.${nineDigits()}`,
    locked: `${between(random, 0, 300)}.${nineDigits()}${nineDigits()}`,
  }))
  return { balances }
}

/** `sopt` is the live spelling of spot; callers may say either. */
const accountTypes: readonly string[] = [
  'sopt',
  'stdFutures',
  'coinMPerp',
  'USDTMPerp',
  'copyTrading',
  'grid',
  'eran',
  'c2c',
]

/** `undefined`: no such account type. */
export function allBalances(seed: number, uid: string, accountType: string | undefined): object[] | undefined {
  const random = createRandom(seed, `all ${uid}`)
  const all = accountTypes.map(type => ({ accountType: type, usdtBalance: money(between(random, 0, 10_000_000), 2) }))
  if (accountType === undefined || accountType === '') return all
  const asked = all.filter(row => row.accountType === (accountType === 'spot' ? 'sopt' : accountType))
  return asked.length === 0 ? undefined : asked
}
