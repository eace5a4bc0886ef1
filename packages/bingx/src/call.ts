import {
  type CallByName,
  type CallOptions,
  callByName,
  checkOptions,
  checkParams,
  describe,
  type Named,
  type Params,
  wholeNumber,
} from '@headgate/http'

import { readBare } from './endpoints/bare-answers.ts'
import type { EndpointName, PublicEndpointName } from './endpoints/documented.ts'
import { checkEndpointName, type Endpoint, findEndpoint } from './endpoints/endpoint.ts'
import { Undocumented } from './endpoints/undocumented.ts'
import { type Context, publicEndpoint, type Send, type signedEndpoints } from './requests.ts'
import { anything } from './responses.ts'

/** How one call of an account is to go. */
export interface AccountCallOptions extends CallOptions {
  /**
   * Only for an endpoint without documented limits: how many calls a second one account may make, from 1 to 1000. The
   * first call of the endpoint decides for the whole client. Default 1, the strictest that is documented.
   */
  limit?: { uid: number }
}

/** Those that change nothing. With `string & {}` an editor still offers the names. */
type Readable<Name extends string> = Extract<Name, `GET ${string}`> | (string & {})

/** Any endpoint of an account, or a public one. */
export type AccountCall = CallByName<
  EndpointName | (string & {}),
  Readable<EndpointName>,
  Pick<AccountCallOptions, 'limit'>
>

/** Any public endpoint. */
export type PublicCall = CallByName<PublicEndpointName | (string & {}), Readable<PublicEndpointName>, object>

/** Set by the client. */
const RESERVED = ['recvWindow', 'signature', 'timestamp']

const limitChecks = { uid: { ...wholeNumber(1, 1_000), required: true } } as const

/** The calls by name of one client. */
export class Calls {
  readonly #context: Context
  readonly #undocumented = new Undocumented()
  /** Made once per endpoint: the scheduler knows an endpoint's labels by their identity. */
  readonly #public = new Map<string, Send<unknown>>()

  constructor(context: Context) {
    this.#context = context
  }

  readonly public: PublicCall = callByName((name, params, options) => {
    checkEndpointName('bingx.call', name)
    const where = `bingx.call("${name}")`
    const endpoint = findEndpoint(name) ?? this.#undocumented.public(where, name)
    if (endpoint.uidLimit !== undefined) {
      throw new TypeError(`${where}: expected a public endpoint, got a signed one, which account.call is for`)
    }
    return this.#named(where, endpoint, params, options)
  })

  /** Of an account, whose keys stay in `signed`. */
  of(signed: ReturnType<typeof signedEndpoints>): AccountCall {
    const made = new Map<string, Send<unknown>>()
    return callByName((name, params, options) => {
      checkEndpointName('account.call', name)
      const where = `account.call("${name}")`
      const { uidLimit, rest } = takeLimit(where, options)
      const documented = findEndpoint(name)
      if (documented && uidLimit !== undefined) {
        throw new TypeError(`${where}: option "limit": expected none for an endpoint with documented limits, got one`)
      }
      // Market data goes unsigned and is counted by IP, whoever asks.
      if (documented && documented.uidLimit === undefined) return this.#named(where, documented, params, rest)
      const checked = checkParams(where, params, RESERVED)
      const endpoint = documented ?? this.#undocumented.signed(where, name, uidLimit)
      const send = made.get(name) ?? signed(endpoint, anything, readBare)
      made.set(name, send)
      return { where, send, params: checked, isRead: isRead(endpoint), options: rest }
    })
  }

  #named(where: string, endpoint: Endpoint, params: Params, options: object | undefined): Named {
    const send = this.#send(endpoint)
    return { where, send, params: checkParams(where, params), isRead: isRead(endpoint), options }
  }

  #send(endpoint: Endpoint): Send<unknown> {
    const send = this.#public.get(endpoint.name) ?? publicEndpoint(this.#context, endpoint, anything, readBare)
    this.#public.set(endpoint.name, send)
    return send
  }
}

const isRead = ({ method }: Endpoint) => method === 'GET'

function takeLimit(where: string, options: Pick<AccountCallOptions, 'limit'> | undefined) {
  // Anything else is refused where all options are checked.
  if (typeof options !== 'object' || options === null) return { rest: options }
  const { limit, ...rest } = options
  if (limit === undefined) return { rest }
  if (typeof limit !== 'object' || limit === null) {
    throw new TypeError(`${where}: option "limit": expected an object such as { uid: 5 }, got ${describe(limit)}`)
  }
  return { uidLimit: checkOptions(`${where}: option "limit"`, limit, limitChecks).uid, rest }
}
