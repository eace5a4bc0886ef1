import type { Admission, Labels, Limit, Refusal, Usage } from '@headgate/core'

/** A response as any HTTP client has it. Nothing of it is trusted: readers never throw over it. */
export interface SeenResponse {
  status: number
  /** `Headers`, or a plain object; names in any case. */
  headers: { get(name: string): string | null } | Readonly<Record<string, unknown>>
  /** As parsed, or as text. */
  body?: unknown
}

/** The call that was answered. */
export interface SeenCall {
  /** What the request said of itself: news speak only of limits that apply to it. */
  labels: Labels
  /** The client's wall clock, epoch milliseconds. The `Date` header, where there is one, is believed rather. */
  nowMs: number
  /** The limits in force. Default: those of this package for the exchange. */
  limits?: readonly Limit[]
}

/** What a response tells the admission of its call. */
export interface News {
  /** How much of which limit is used. */
  usage?: readonly Usage[]
  /** The server refused the call. */
  refused?: Refusal
  /** The server's own clock, in milliseconds, at the counting or later. */
  serverTimeMs?: number
}

/** Says it all to the admission, the counting first. */
export function tell(admission: Admission, { usage = [], refused, serverTimeMs }: News): void {
  admission.counted(serverTimeMs === undefined ? {} : { serverTimeMs })
  for (const seen of usage) admission.usage(seen)
  if (refused !== undefined) admission.refused(refused)
}
