import type { Incomes } from './bingx/income-book.ts'
import type { ExchangeName } from './dialect.ts'

/** One API key and whose it is. Several keys may belong to one UID; they share its limits and its balances. */
export interface Account {
  uid: string
  apiKey: string
  secretKey: string
  /** Where the key is valid. Default: on both exchanges. */
  exchange?: ExchangeName
  /**
   * BingX's flow of funds of this UID: rows, or how many to make up. Default: thirteen days with funding fees at equal
   * milliseconds. Of several keys of one UID the first that says so decides.
   */
  incomes?: Incomes
}

/** Finds the account of an API key; an absent key has none. */
export type FindAccount = (apiKey: string | undefined) => Account | undefined

export function createFindAccount(accounts: readonly Account[], exchange: ExchangeName): FindAccount {
  const byKey = new Map<string, Account>()
  accounts.forEach((account, index) => {
    if ((account.exchange ?? exchange) !== exchange) return
    // The key itself stays out of the message: messages end up in logs.
    if (byKey.has(account.apiKey)) {
      throw new TypeError(
        `startExchange: accounts[${index}].apiKey must be new on ${exchange}, but got an earlier one's`,
      )
    }
    byKey.set(account.apiKey, { ...account })
  })
  return apiKey => (apiKey === undefined ? undefined : byKey.get(apiKey))
}
