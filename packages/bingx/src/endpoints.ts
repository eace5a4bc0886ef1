/** One endpoint: a method, a path, and the IP group under which its calls are counted together. */
export interface Endpoint {
  readonly method: 'GET'
  readonly path: string
  /** "rate limitation by IP in group Number: N": the number of a group, not a rate. */
  readonly group: '1' | '2' | '3'
}

/** Each group as printed on the endpoint's own page, 2025-11; serverTime counts as market data. */
export const ENDPOINTS = {
  serverTime: { method: 'GET', path: '/openApi/swap/v2/server/time', group: '1' },
  swapBalance: { method: 'GET', path: '/openApi/swap/v3/user/balance', group: '3' },
  swapIncome: { method: 'GET', path: '/openApi/swap/v2/user/income', group: '2' },
  spotBalance: { method: 'GET', path: '/openApi/spot/v1/account/balance', group: '3' },
  allBalances: { method: 'GET', path: '/openApi/account/v1/allAccountBalance', group: '2' },
} as const satisfies Readonly<Record<string, Endpoint>>
