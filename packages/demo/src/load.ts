import { randomBytes } from 'node:crypto'
import type { Account } from '@headgate/exchange-sim'

export const BINGX_ENDPOINTS = ['swap balance', 'spot balance', 'all balances', 'income'] as const
export type BingxEndpoint = (typeof BINGX_ENDPOINTS)[number]

/** The documented path of each, and the group that its IP limit counts in. */
export const BINGX_PATHS: Readonly<Record<BingxEndpoint, { path: string; group: string }>> = {
  'swap balance': { path: '/openApi/swap/v3/user/balance', group: '3' },
  'spot balance': { path: '/openApi/spot/v1/account/balance', group: '3' },
  'all balances': { path: '/openApi/account/v1/allAccountBalance', group: '2' },
  income: { path: '/openApi/swap/v2/user/income', group: '2' },
}

export const BINGX_ACCOUNTS = 12
export const COINW_ACCOUNTS = 2

/** Accounts of an exchange that nobody has called before. */
export const ACCOUNTS: readonly Required<Omit<Account, 'incomes'>>[] = Array.from(
  { length: BINGX_ACCOUNTS + COINW_ACCOUNTS },
  (_, i) => ({
    uid: `${i + 1}`,
    exchange: i < BINGX_ACCOUNTS ? 'bingx' : 'coinw',
    apiKey: randomBytes(16).toString('hex'),
    secretKey: randomBytes(16).toString('hex'),
  }),
)

/** One endpoint of one account, called over and over. */
export interface Poller {
  readonly account: Required<Omit<Account, 'incomes'>>
  /** Undefined: CoinW's balances. */
  readonly endpoint: BingxEndpoint | undefined
}

export const POLLERS: readonly Poller[] = ACCOUNTS.flatMap((account): Poller[] =>
  account.exchange === 'coinw'
    ? [{ account, endpoint: undefined }]
    : BINGX_ENDPOINTS.map(endpoint => ({ account, endpoint })),
)

/** Who sends the calls. */
export interface Contender {
  readonly name: string
  /** How long each call that has started had waited for it, milliseconds. */
  readonly waitsMs: readonly number[]
  /** One call, at the moment at which the contender sees fit. Rejects when it was refused or stopped. */
  call(poller: Poller, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Every poller calls again as soon as it has its answer, until `signal` aborts. */
export async function poll(contender: Contender, signal: AbortSignal): Promise<void> {
  await Promise.all(
    POLLERS.map(async poller => {
      while (!signal.aborted) await contender.call(poller, signal).catch(ignoreRefusals)
    }),
  )
}

/** The exchange counts them itself; what is no refusal is a fault of this program. */
function ignoreRefusals(error: unknown): void {
  if (error instanceof TypeError || error instanceof ReferenceError) {
    if (error.message !== 'fetch failed') throw error
  }
}

/**
 * The most calls that an exchange that begins empty lets through in `forMs`: every limit lets its number through in each
 * of its windows, the last one begun counted whole.
 */
export function quota(forMs: number): number {
  const at = (limit: number, windowMs: number) => limit * Math.ceil(forMs / windowMs)
  const perEndpoint = Math.min(BINGX_ACCOUNTS * at(5, 1_000), at(300, 10_000))
  const perGroup = Math.min(2 * perEndpoint, at(2_000, 10_000))
  return 2 * perGroup + COINW_ACCOUNTS * at(3, 1_000)
}
