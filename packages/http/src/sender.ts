import type { Reading } from '@headgate/core'
import type { Call } from './call.ts'
import { type CallOptions, checkCallOptions } from './call-options.ts'
import type { Exchange } from './exchange.ts'
import type { Params } from './params.ts'
import { checkEndpointPollOptions, type EndpointPollOptions } from './poll.ts'

/** Sends one call of an endpoint, and reads its answer; or polls it. */
export interface Send<T> {
  /** @param where who was called, the first word of every error: `account.swap.balance`. */
  (where: string, params: Params, options: CallOptions | undefined): Promise<T>
  poll(where: string, params: Params, options: EndpointPollOptions): AsyncIterable<Reading<T>>
}

/** @param describe makes a call of an endpoint's parameters, or throws a TypeError that says what is wrong with them. */
export function sender<T>(exchange: Exchange, describe: (where: string, params: Params) => Call<T>): Send<T> {
  // Under one text of the caller's, calls with other parameters, or read in another way, are other calls.
  const shared = (where: string, params: Params, options: CallOptions): CallOptions =>
    options.coalesce === undefined
      ? options
      : { ...options, coalesce: JSON.stringify([options.coalesce, where, Object.entries(params).sort(byName)]) }
  return Object.assign(
    async (where: string, params: Params, given: CallOptions | undefined) => {
      const call = describe(where, params)
      return exchange.call(call, shared(where, params, checkCallOptions(where, given)))
    },
    {
      poll(where: string, params: Params, given: EndpointPollOptions) {
        const call = describe(`${where}.poll`, params)
        const { pace, options } = checkEndpointPollOptions(`${where}.poll`, given)
        return exchange.poll(call, pace, shared(where, params, options))
      },
    },
  )
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1)
