import type { Reserve } from './reserve.ts'

/** What a request says of itself, by name: `{ exchange: 'bingx', ip: 'a', uid: '7', endpoint: 'GET /x' }`. */
export type Labels = Readonly<Record<string, string>>

interface LimitBase {
  readonly name: string
  /** Tokens, calls in flight or errors, per set of label values. */
  readonly limit: number | ((labels: Labels) => number)
  /** The limit applies to requests that carry all of these labels, once per set of their values. */
  readonly by: readonly string[]
}

/** At most `limit` tokens in any window of `windowMs`. */
export interface TokenBucketLimit extends LimitBase {
  readonly kind: 'token-bucket'
  readonly windowMs: number
  readonly where?: (labels: Labels) => boolean
  readonly cost?: (labels: Labels) => number
  readonly burst?: number
  /** Absent: sliding. */
  readonly window?: 'aligned' | 'anchored' | 'decay'
  readonly trustHeaders?: 'lower' | 'raise'
  readonly reserve?: readonly Reserve[]
}

/** At most `limit` calls that have been sent and not settled. */
export interface InFlightLimit extends LimitBase {
  readonly kind: 'in-flight'
}

/** At most a share of `limit` errors in any window of `windowMs`: a server bans who makes more. */
export interface ErrorBudgetLimit extends LimitBase {
  readonly kind: 'error-budget'
  readonly windowMs: number
  readonly where?: (labels: Labels) => boolean
  readonly stopAt: number
  readonly codes?: readonly string[]
  readonly count: 'apart' | 'together'
}

/** A rule as data. Made by {@link tokenBucket}, {@link inFlight} and {@link errorBudget}. */
export type Limit = TokenBucketLimit | InFlightLimit | ErrorBudgetLimit
