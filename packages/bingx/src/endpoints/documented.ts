/** The number of a group of endpoints whose calls from one IP are counted together. A number, not a rate. */
export type Group = '1' | '2' | '3'

/** What an endpoint's own page says. */
export interface MarketLimits {
  /** "rate limitation by IP in group Number: N". */
  readonly group: Group
}

export interface AccountLimits extends MarketLimits {
  /** "rate limitation by UID: N/s": calls per second of one account. */
  readonly uidLimit: number
}

/** Needs no key, and is counted by IP alone. */
const MARKET: MarketLimits = { group: '1' }

/** Signed. */
const account = (uidLimit: number, group: Group): AccountLimits => ({ uidLimit, group })

/**
 * Every documented endpoint: 178, from three editions of the documentation, `BingX-API/docs-v3` (2025-10), its mirror
 * `rosssaunders/coincise` (2025-11) and `BingX-API/api-ai-skills` (2026-04). They are kept as data in
 * `test/facts/endpoints.csv`, and a test derives this table from them:
 * - where editions print different limits, the smallest
 * - where they print different groups, 1: of 500 / 10 s and 1000 / 60 s all together it is the strictest
 * - where none prints a group: 2 for signed endpoints, which has the same limits as 3; 1 for public ones
 * - where none prints a limit per UID: public
 *
 * The one exception is `GET /openApi/swap/v3/quote/klines`, public market data for which the mirror alone prints a
 * limit per UID. The group numbers that `api-ai-skills` prints as rates ("3/s per IP") are none.
 */
export const DOCUMENTED = {
  'GET /openApi/account/transfer/v1/subAccount/asset/transferHistory': account(5, '1'),
  'POST /openApi/account/transfer/v1/subAccount/transferAsset': account(5, '1'),
  'POST /openApi/account/transfer/v1/subAccount/transferAsset/supportCoins': account(5, '1'),
  'GET /openApi/account/v1/allAccountBalance': account(5, '2'),
  'GET /openApi/account/v1/apiKey/query': account(5, '2'),
  'POST /openApi/account/v1/innerTransfer/authorizeSubAccount': account(5, '2'),
  'GET /openApi/account/v1/uid': account(5, '2'),

  'GET /openApi/agent/v1/account/inviteAccountList': account(5, '1'),
  'GET /openApi/agent/v1/account/inviteRelationCheck': account(5, '1'),
  'GET /openApi/agent/v1/account/superiorCheck': account(2, '1'),
  'GET /openApi/agent/v1/asset/depositDetailList': account(5, '2'),
  'GET /openApi/agent/v1/asset/partnerData': account(5, '1'),
  'GET /openApi/agent/v1/commissionDataList/referralCode': account(2, '1'),
  'GET /openApi/agent/v1/reward/commissionDataList': account(5, '1'),
  'GET /openApi/agent/v1/reward/third/commissionDataList': account(5, '1'),
  'GET /openApi/agent/v2/reward/commissionDataList': account(20, '2'),

  'POST /openApi/api/asset/v1/transfer': account(2, '2'),
  'GET /openApi/api/asset/v1/transfer/supportCoins': account(2, '2'),
  'GET /openApi/api/v3/asset/transfer': account(10, '2'),
  'GET /openApi/api/v3/asset/transferRecord': account(2, '2'),
  'GET /openApi/api/v3/capital/deposit/hisrec': account(10, '2'),
  'GET /openApi/api/v3/capital/withdraw/history': account(10, '2'),

  'GET /openApi/content/v1/announcement': MARKET,

  'GET /openApi/contract/v1/allOrders': account(5, '2'),
  'GET /openApi/contract/v1/allPosition': account(5, '2'),
  'GET /openApi/contract/v1/balance': account(5, '2'),

  'GET /openApi/copyTrading/v1/PFutures/profitDetail': account(10, '2'),
  'GET /openApi/copyTrading/v1/PFutures/profitHistorySummarys': account(10, '2'),
  'POST /openApi/copyTrading/v1/PFutures/setCommission': account(10, '2'),
  'GET /openApi/copyTrading/v1/PFutures/traderDetail': account(10, '2'),
  'GET /openApi/copyTrading/v1/PFutures/tradingPairs': account(10, '2'),
  'GET /openApi/copyTrading/v1/spot/historyOrder': account(10, '2'),
  'GET /openApi/copyTrading/v1/spot/profitDetail': account(10, '2'),
  'GET /openApi/copyTrading/v1/spot/profitHistorySummarys': account(10, '2'),
  'POST /openApi/copyTrading/v1/spot/trader/sellOrder': account(10, '1'),
  'GET /openApi/copyTrading/v1/spot/traderDetail': account(10, '2'),
  'POST /openApi/copyTrading/v1/swap/trace/closeTrackOrder': account(10, '1'),
  'GET /openApi/copyTrading/v1/swap/trace/currentTrack': account(10, '1'),
  'POST /openApi/copyTrading/v1/swap/trace/setTPSL': account(10, '1'),

  'GET /openApi/cswap/v1/market/contracts': MARKET,
  'GET /openApi/cswap/v1/market/depth': MARKET,
  'GET /openApi/cswap/v1/market/klines': MARKET,
  'GET /openApi/cswap/v1/market/openInterest': MARKET,
  'GET /openApi/cswap/v1/market/premiumIndex': MARKET,
  'GET /openApi/cswap/v1/market/ticker': MARKET,
  'GET /openApi/cswap/v1/trade/allFillOrders': account(5, '2'),
  'POST /openApi/cswap/v1/trade/allOpenOrders': account(5, '2'),
  'DELETE /openApi/cswap/v1/trade/cancelOrder': account(5, '2'),
  'POST /openApi/cswap/v1/trade/closeAllPositions': account(5, '2'),
  'GET /openApi/cswap/v1/trade/forceOrders': account(5, '2'),
  'GET /openApi/cswap/v1/trade/leverage': account(5, '2'),
  'POST /openApi/cswap/v1/trade/leverage': account(5, '2'),
  'GET /openApi/cswap/v1/trade/marginType': account(5, '2'),
  'POST /openApi/cswap/v1/trade/marginType': account(5, '2'),
  'GET /openApi/cswap/v1/trade/openOrders': account(5, '2'),
  'POST /openApi/cswap/v1/trade/order': account(5, '2'),
  'GET /openApi/cswap/v1/trade/orderDetail': account(5, '2'),
  'GET /openApi/cswap/v1/trade/orderHistory': account(5, '2'),
  'POST /openApi/cswap/v1/trade/positionMargin': account(5, '2'),
  'GET /openApi/cswap/v1/user/balance': account(5, '2'),
  'GET /openApi/cswap/v1/user/commissionRate': account(5, '2'),
  'GET /openApi/cswap/v1/user/positions': account(5, '2'),

  'GET /openApi/fund/v1/account/balance': account(2, '2'),

  'GET /openApi/market/his/v1/kline': MARKET,
  'GET /openApi/market/his/v1/trade': MARKET,

  'GET /openApi/spot/v1/account/balance': account(5, '3'),
  'GET /openApi/spot/v1/common/symbols': MARKET,
  'GET /openApi/spot/v1/market/depth': MARKET,
  'GET /openApi/spot/v1/market/trades': MARKET,
  'POST /openApi/spot/v1/oco/cancel': account(2, '2'),
  'GET /openApi/spot/v1/oco/historyOrderList': account(5, '2'),
  'GET /openApi/spot/v1/oco/openOrderList': account(5, '2'),
  'POST /openApi/spot/v1/oco/order': account(2, '2'),
  'GET /openApi/spot/v1/oco/orderList': account(5, '2'),
  'GET /openApi/spot/v1/ticker/24hr': MARKET,
  'GET /openApi/spot/v1/ticker/bookTicker': MARKET,
  'GET /openApi/spot/v1/ticker/price': MARKET,
  'POST /openApi/spot/v1/trade/batchOrders': account(2, '3'),
  'POST /openApi/spot/v1/trade/cancel': account(5, '3'),
  'POST /openApi/spot/v1/trade/cancelAllAfter': account(2, '2'),
  'POST /openApi/spot/v1/trade/cancelOpenOrders': account(2, '3'),
  'POST /openApi/spot/v1/trade/cancelOrders': account(2, '3'),
  'GET /openApi/spot/v1/trade/historyOrders': account(10, '2'),
  'GET /openApi/spot/v1/trade/myTrades': account(5, '2'),
  'GET /openApi/spot/v1/trade/openOrders': account(10, '2'),
  'POST /openApi/spot/v1/trade/order': account(5, '3'),
  'POST /openApi/spot/v1/trade/order/cancelReplace': account(2, '3'),
  'GET /openApi/spot/v1/trade/query': account(10, '2'),
  'GET /openApi/spot/v1/user/commissionRate': account(2, '2'),
  'GET /openApi/spot/v2/market/depth': MARKET,
  'GET /openApi/spot/v2/market/kline': MARKET,
  'GET /openApi/spot/v2/ticker/price': MARKET,

  'GET /openApi/subAccount/v1/allAccountBalance': account(5, '2'),
  'POST /openApi/subAccount/v1/apiKey/create': account(5, '2'),
  'POST /openApi/subAccount/v1/apiKey/del': account(5, '2'),
  'POST /openApi/subAccount/v1/apiKey/edit': account(5, '2'),
  'GET /openApi/subAccount/v1/assets': account(5, '2'),
  'POST /openApi/subAccount/v1/create': account(1, '2'),
  'GET /openApi/subAccount/v1/list': account(1, '2'),
  'POST /openApi/subAccount/v1/updateStatus': account(1, '2'),

  'GET /openApi/swap/v1/maintMarginRatio': account(5, '2'),
  'GET /openApi/swap/v1/market/historicalTrades': MARKET,
  'GET /openApi/swap/v1/market/markPriceKlines': MARKET,
  'GET /openApi/swap/v1/positionMargin/history': account(5, '2'),
  'GET /openApi/swap/v1/positionSide/dual': account(2, '2'),
  'POST /openApi/swap/v1/positionSide/dual': account(2, '2'),
  'GET /openApi/swap/v1/ticker/price': MARKET,
  'POST /openApi/swap/v1/trade/amend': account(5, '2'),
  'GET /openApi/swap/v1/trade/assetMode': account(2, '2'),
  'POST /openApi/swap/v1/trade/assetMode': account(2, '2'),
  'POST /openApi/swap/v1/trade/autoAddMargin': account(2, '2'),
  'POST /openApi/swap/v1/trade/batchCancelReplace': account(2, '2'),
  'POST /openApi/swap/v1/trade/cancelReplace': account(5, '2'),
  'POST /openApi/swap/v1/trade/closePosition': account(5, '2'),
  'GET /openApi/swap/v1/trade/fullOrder': account(5, '2'),
  'POST /openApi/swap/v1/trade/getVst': account(1, '2'),
  'GET /openApi/swap/v1/trade/multiAssetsRules': MARKET,
  'GET /openApi/swap/v1/trade/positionHistory': account(5, '2'),
  'POST /openApi/swap/v1/trade/reverse': account(2, '2'),
  'GET /openApi/swap/v1/tradingRules': account(5, '1'),
  'POST /openApi/swap/v1/twap/cancelOrder': account(2, '2'),
  'GET /openApi/swap/v1/twap/historyOrders': account(2, '2'),
  'GET /openApi/swap/v1/twap/openOrders': account(2, '2'),
  'POST /openApi/swap/v1/twap/order': account(2, '2'),
  'GET /openApi/swap/v1/twap/orderDetail': account(2, '2'),
  'GET /openApi/swap/v1/user/marginAssets': account(2, '2'),
  'GET /openApi/swap/v2/quote/bookTicker': MARKET,
  'GET /openApi/swap/v2/quote/contracts': MARKET,
  'GET /openApi/swap/v2/quote/depth': MARKET,
  'GET /openApi/swap/v2/quote/fundingRate': MARKET,
  'GET /openApi/swap/v2/quote/openInterest': MARKET,
  'GET /openApi/swap/v2/quote/premiumIndex': MARKET,
  'GET /openApi/swap/v2/quote/ticker': MARKET,
  'GET /openApi/swap/v2/quote/trades': MARKET,
  'GET /openApi/swap/v2/server/time': MARKET,
  'GET /openApi/swap/v2/trade/allFillOrders': account(5, '2'),
  'DELETE /openApi/swap/v2/trade/allOpenOrders': account(5, '2'),
  'GET /openApi/swap/v2/trade/allOrders': account(5, '3'),
  'DELETE /openApi/swap/v2/trade/batchOrders': account(5, '3'),
  'POST /openApi/swap/v2/trade/batchOrders': account(5, '3'),
  'POST /openApi/swap/v2/trade/cancelAllAfter': account(1, '2'),
  'POST /openApi/swap/v2/trade/closeAllPositions': account(5, '2'),
  'GET /openApi/swap/v2/trade/fillHistory': account(5, '2'),
  'GET /openApi/swap/v2/trade/forceOrders': account(10, '2'),
  'POST /openApi/swap/v2/trade/getVst': account(5, '2'),
  'GET /openApi/swap/v2/trade/leverage': account(5, '2'),
  'POST /openApi/swap/v2/trade/leverage': account(5, '2'),
  'GET /openApi/swap/v2/trade/marginType': account(2, '2'),
  'POST /openApi/swap/v2/trade/marginType': account(2, '2'),
  'GET /openApi/swap/v2/trade/openOrder': account(5, '2'),
  'GET /openApi/swap/v2/trade/openOrders': account(5, '3'),
  'DELETE /openApi/swap/v2/trade/order': account(5, '3'),
  'GET /openApi/swap/v2/trade/order': account(5, '2'),
  'POST /openApi/swap/v2/trade/order': account(5, '3'),
  'POST /openApi/swap/v2/trade/order/test': account(5, '2'),
  'POST /openApi/swap/v2/trade/positionMargin': account(2, '2'),
  'GET /openApi/swap/v2/user/commissionRate': account(5, '2'),
  'GET /openApi/swap/v2/user/income': account(5, '2'),
  'GET /openApi/swap/v2/user/income/export': account(5, '2'),
  'GET /openApi/swap/v2/user/positions': account(5, '3'),
  'GET /openApi/swap/v3/quote/klines': MARKET,
  'GET /openApi/swap/v3/user/balance': account(5, '3'),

  'DELETE /openApi/user/auth/userDataStream': account(2, '2'),
  'POST /openApi/user/auth/userDataStream': account(2, '2'),
  'PUT /openApi/user/auth/userDataStream': account(2, '2'),

  'GET /openApi/v1/account/apiPermissions': account(2, '2'),

  'GET /openApi/wallets/v1/capital/config/getall': account(5, '2'),
  'GET /openApi/wallets/v1/capital/deposit/address': account(2, '2'),
  'POST /openApi/wallets/v1/capital/deposit/createSubAddress': account(5, '2'),
  'GET /openApi/wallets/v1/capital/deposit/querySubAddress': account(5, '2'),
  'GET /openApi/wallets/v1/capital/deposit/riskRecords': account(2, '2'),
  'GET /openApi/wallets/v1/capital/deposit/subHisrec': account(5, '2'),
  'POST /openApi/wallets/v1/capital/innerTransfer/apply': account(2, '2'),
  'GET /openApi/wallets/v1/capital/innerTransfer/records': account(10, '2'),
  'GET /openApi/wallets/v1/capital/subAccount/deposit/address': account(2, '2'),
  'GET /openApi/wallets/v1/capital/subAccount/innerTransfer/records': account(5, '2'),
  'POST /openApi/wallets/v1/capital/subAccountInnerTransfer/apply': account(5, '2'),
  'POST /openApi/wallets/v1/capital/withdraw/apply': account(2, '2'),
} as const satisfies Readonly<Record<string, MarketLimits | AccountLimits>>

/** `METHOD /path` of a documented endpoint. */
export type EndpointName = keyof typeof DOCUMENTED

/** Those that need no key. */
export type PublicEndpointName = {
  [Name in EndpointName]: (typeof DOCUMENTED)[Name] extends AccountLimits ? never : Name
}[EndpointName]

/** Undefined for an endpoint that is not documented. */
export function documentedLimits(name: string): MarketLimits | AccountLimits | undefined {
  return Object.hasOwn(DOCUMENTED, name) ? DOCUMENTED[name as EndpointName] : undefined
}

export const isSigned = (limits: MarketLimits): limits is AccountLimits => 'uidLimit' in limits
