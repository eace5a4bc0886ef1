import { expect, it } from 'vitest'
import * as policies from '../src/index.ts'

it('the public face has these names and no others', () => {
  expect(Object.keys(policies).sort()).toEqual([
    'binanceDepthWeight',
    'binanceLimits',
    'bybitLimits',
    'coinbaseLimits',
    'krakenLimits',
    'krakenLimitsOf',
    'krakenTradingCost',
    'kucoinLimits',
    'okxEndpoint',
    'okxEndpointOf',
    'okxLimits',
    'readBinance',
    'readBybit',
    'readCoinbase',
    'readKraken',
    'readKucoin',
    'readOkx',
    'tell',
  ])
})
