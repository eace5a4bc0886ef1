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
export type { CoinwAccount } from './account.ts'
export type { AccountCall, PublicCall } from './call.ts'
export type { CommandName, PublicCommandName } from './commands.ts'
export { type Coinw, type CoinwOptions, createCoinw } from './create-coinw.ts'
export { CoinwError } from './errors.ts'
export { coinwLimits } from './limits.ts'
export type { Balances } from './responses.ts'
export { signCoinw } from './signing.ts'
