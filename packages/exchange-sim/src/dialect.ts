import type { Ban } from './bans.ts'
import type { Instant } from './clock.ts'
import type { AppliedLimit } from './limit-book.ts'

export type ExchangeName = 'bingx' | 'coinw'

/** A request as the network delivered it. */
export interface ReceivedCall {
  readonly method: string
  readonly path: string
  /** What stands behind the question mark, not decoded. */
  readonly query: string
  /** The address it came from, or the virtual one that it named. */
  readonly ip: string
  /** A request header by its lower-case name. */
  header(name: string): string | undefined
}

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Absent when the call succeeded. Its `code` is there when the exchange counts it as an error of the caller's. */
  readonly error?: { readonly code?: string }
}

/** A call whose endpoint and caller are known: all that is needed to judge it, before it is looked at any closer. */
export interface IdentifiedCall {
  readonly exchange: ExchangeName
  /** BingX: method and path. CoinW: the command. */
  readonly endpoint: string
  /** Absent on public calls and where the key is unknown. */
  readonly uid: string | undefined
  readonly ip: string
  /** Never empty: each endpoint is under one limit at least. */
  readonly limits: readonly AppliedLimit[]
  /** The limit whose usage the answer's headers tell. */
  readonly told?: AppliedLimit
  /** Checks the signature and the parameters, and answers. Called only once the limits have let the call in. */
  answer(at: Instant): Answer
}

/** How one exchange reads calls and words its answers. The order of the checks is not its business: see desk.ts. */
export interface Dialect {
  /** `undefined`: no such endpoint. */
  identify(call: ReceivedCall): IdentifiedCall | undefined
  /** The name under which an endpoint is counted, from what a test wrote; `undefined`: no such endpoint. */
  endpointName(text: string): string | undefined
  noSuchEndpoint(at: Instant): Answer
  refused(call: IdentifiedCall, at: Instant): Answer
  banned(call: IdentifiedCall, ban: Ban, at: Instant): Answer
  failed(code: string | number, msg: string, at: Instant): Answer
  usageHeaders(usage: { remaining: number; resetMs: number }): Record<string, string>
}

/** A JSON answer. The exchanges answer with HTTP 200 even where they refuse. */
export function jsonAnswer(body: object, error?: { readonly code?: string }): Answer {
  const answer = { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return error === undefined ? answer : { ...answer, error }
}
