import type { Reading } from '@headgate/core'
import type { CallOptions } from './call-options.ts'
import type { Params } from './params.ts'
import type { EndpointPollOptions } from './poll.ts'
import type { Send } from './sender.ts'

/** An endpoint: called, it sends one call; `poll` sends one again and again. */
export interface Pollable<Args extends readonly unknown[], Options, T> {
  (...args: Args): Promise<T>
  /**
   * The newest readings, as `scheduler.poll` gives them. Pollers of the same thing share requests.
   * @throws {TypeError} at once, naming the option, what was expected and what came.
   */
  poll(options: Options): AsyncIterable<Reading<T>>
}

/** @param where who is called, the first word of every error: `account.swap.balance`. */
export function pollable<T>(where: string, send: Send<T>): Pollable<[options?: CallOptions], EndpointPollOptions, T> {
  return Object.freeze(
    Object.assign((options?: CallOptions) => send(where, {}, options), {
      poll: (options: EndpointPollOptions) => send.poll(where, {}, options),
    }),
  )
}

/**
 * An endpoint with parameters, which its `poll` takes as `query` among the options.
 * @param read checks them.
 */
export function pollableQuery<Query, T>(
  where: string,
  send: Send<T>,
  read: (where: string, query: Query | undefined) => Params,
): Pollable<[query?: Query, options?: CallOptions], EndpointPollOptions & { query?: Query }, T> {
  return Object.assign(async (query?: Query, options?: CallOptions) => send(where, read(where, query), options), {
    poll(given: EndpointPollOptions & { query?: Query }) {
      // What is no object is refused with the other options.
      const { query, ...options } = { ...given }
      return send.poll(where, read(`${where}.poll`, query), options)
    },
  })
}
