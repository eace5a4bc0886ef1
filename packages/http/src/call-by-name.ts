import type { Reading } from '@headgate/core'
import type { CallOptions } from './call-options.ts'
import type { Params } from './params.ts'
import type { EndpointPollOptions } from './poll.ts'
import type { Send } from './sender.ts'

/** How an endpoint that is called by its name is to be polled. */
export interface CallPollOptions extends EndpointPollOptions {
  /** Of every call. */
  params?: Params
}

/** What a name stands for. */
export interface Named {
  /** Who is called, the first word of every error: `account.call("returnBalances")`. */
  readonly where: string
  readonly send: Send<unknown>
  readonly params: Params
  /** It changes nothing, so that it may be asked again and again. */
  readonly isRead: boolean
  /** What is left of those given, and not checked. */
  readonly options: object | undefined
}

/** Any endpoint by its name: called, it sends one call; `poll` sends one again and again. */
export interface CallByName<Name extends string, Readable extends string, Own extends object> {
  (name: Name, params?: Params, options?: CallOptions & Own): Promise<unknown>
  /**
   * The newest readings, as `scheduler.poll` gives them. Pollers of the same endpoint and parameters share requests.
   * @throws {TypeError} at once, for what may change something, and naming the option, what was expected and what came.
   */
  poll(name: Readable, options: CallPollOptions & Own): AsyncIterable<Reading<unknown>>
}

/** @param find must throw a TypeError for a name or parameters that there can't be. */
export function callByName<Name extends string, Readable extends Name, Own extends object = object>(
  find: (name: Name, params: Params, options: Own | undefined) => Named,
): CallByName<Name, Readable, Own> {
  return Object.freeze(
    Object.assign(
      async (name: Name, given: Params = {}, own?: CallOptions & Own) => {
        const { where, send, params, options } = find(name, given, own)
        return send(where, params, options)
      },
      {
        poll(name: Readable, given: CallPollOptions & Own) {
          // What is no object is refused with the other options.
          const { params: query = {}, ...own } = { ...given }
          const { where, send, params, isRead, options } = find(name, query, own as Own)
          if (!isRead) throw new TypeError(`${where}.poll: expected what only reads, got what may change something`)
          return send.poll(where, params, options as EndpointPollOptions)
        },
      },
    ),
  )
}
