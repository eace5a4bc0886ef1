export type {
  CallOptions,
  CallPollOptions,
  Credentials,
  EgressAddress,
  EndpointPollOptions,
  ErrorKind,
  Fetch,
  Params,
  Pollable,
} from '@headgate/http'
export type { AllBalancesQuery, BingxAccount, IncomeCall, IncomeQuery } from './account.ts'
export type { AccountCall, AccountCallOptions, PublicCall } from './call.ts'
export { type Bingx, type BingxOptions, createBingx } from './create-bingx.ts'
export type { EndpointName, PublicEndpointName } from './endpoints/documented.ts'
export { BingxError } from './errors.ts'
export type { IncomeRange } from './income-pages.ts'
export { bingxLimits } from './limits.ts'
export type { AccountBalance, Income, SpotBalance, SwapBalance } from './responses.ts'
export { buildQuery, signBingx } from './signing.ts'
