import type { Ban } from './ban-book.ts'
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
  /** The connection breaks after so many bytes of the body, all of which the header had promised. */
  readonly cutAfterBytes?: number
  /** Absent when the call succeeded. Its `code` is there when the exchange counts it as an error of the caller's. */
  readonly error?: { readonly code?: string }
}

/** A call whose endpoint and caller are known: all that is needed to judge it, before it is looked at any closer. */
export interface IdentifiedCall {
  readonly exchange: ExchangeName
  /** BingX: method and path. CoinW: the command. */
  readonly endpoint: string
  /** Whether the endpoint wants a key. */
  readonly signed: boolean
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

/** Calls left in a window, and the milliseconds until the next one comes free. */
export interface Usage {
  readonly remaining: number
  readonly resetMs: number
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
  usageHeaders(usage: Usage, at: Instant): Record<string, string>
}

/** A JSON answer. The exchanges answer with HTTP 200 even where they refuse. */
export function jsonAnswer(body: object, error?: { readonly code?: string }, status = 200): Answer {
  const answer = { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
  return error === undefined ? answer : { ...answer, error }
}

/** The page of an edge server, which knows nothing of codes. */
export function pageAnswer(status: number, title: string): Answer {
  const body = `<html><head><title>${status} ${title}</title></head><body><h1>${status} ${title}</h1></body></html>`
  return { status, headers: { 'content-type': 'text/html' }, body, error: {} }
}
