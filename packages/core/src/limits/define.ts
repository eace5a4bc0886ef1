import { checkKeys, checkNames, checkWhole, wrongOption } from '../options.ts'
import type { InFlightLimit, Labels, Limit, TokenBucketLimit } from './limit.ts'

export interface TokenBucketOptions {
  /** For `setLimit`, costs by name, errors and snapshots. */
  name: string
  /** Tokens per window: a whole number above 0, or a function that gives one for the labels. */
  limit: number | ((labels: Labels) => number)
  /** Length of the window, milliseconds, above 0. */
  windowMs: number
  /** The limit applies to requests that carry all of these labels, once per set of their values. */
  by: readonly string[]
  /** And for which this holds. */
  where?: (labels: Labels) => boolean
  /** Tokens a call takes, whole, from 0. Wins over the request's `cost`. Default 1. */
  cost?: (labels: Labels) => number
  /** For servers that allow less at once: at most so many admissions in `burst·windowMs/limit`. Default: the whole limit. */
  burst?: number
  /** How the server counts. An exact sliding window, the default and so far the only one, is safe under the others. */
  window?: 'sliding'
}

/**
 * At most `limit` tokens in any window of `windowMs`, as counted at the server.
 * @throws {TypeError} names the option, what was expected and what came
 */
export function tokenBucket(options: TokenBucketOptions): TokenBucketLimit {
  const where = 'tokenBucket'
  checkKeys(where, options, ['name', 'limit', 'windowMs', 'by', 'where', 'cost', 'burst', 'window'])
  const { name, limit, windowMs, by, burst, window = 'sliding' } = options
  checkName(where, name)
  if (typeof limit !== 'function') checkWhole(where, 'limit', limit, 1)
  if (!(Number.isFinite(windowMs) && windowMs > 0))
    throw wrongOption(where, 'windowMs', 'a finite number above 0', windowMs)
  checkNames(where, 'by', by)
  for (const option of ['where', 'cost'] as const) {
    if (options[option] !== undefined && typeof options[option] !== 'function')
      throw wrongOption(where, option, 'a function of the labels', options[option])
  }
  if (burst !== undefined) checkWhole(where, 'burst', burst, 1)
  if (window !== 'sliding') throw wrongOption(where, 'window', '"sliding"', window)
  return Object.freeze({
    kind: 'token-bucket',
    name,
    limit,
    windowMs,
    by: Object.freeze([...by]),
    ...(options.where !== undefined && { where: options.where }),
    ...(options.cost !== undefined && { cost: options.cost }),
    ...(burst !== undefined && { burst }),
  } as const)
}

export interface InFlightOptions {
  name: string
  /** Calls that may be sent and not settled: a whole number above 0, or a function that gives one for the labels. */
  limit: number | ((labels: Labels) => number)
  /** The cap applies to requests that carry all of these labels, once per set of their values. */
  by: readonly string[]
}

/**
 * At most `limit` calls of this scheduler that have been sent and not settled.
 * @throws {TypeError} names the option, what was expected and what came
 */
export function inFlight(options: InFlightOptions): InFlightLimit {
  const where = 'inFlight'
  checkKeys(where, options, ['name', 'limit', 'by'])
  checkName(where, options.name)
  if (typeof options.limit !== 'function') checkWhole(where, 'limit', options.limit, 1)
  checkNames(where, 'by', options.by)
  return Object.freeze({
    kind: 'in-flight',
    name: options.name,
    limit: options.limit,
    by: Object.freeze([...options.by]),
  } as const)
}

/**
 * Makes a limit anew: one that was changed by hand, `{ ...limit, windowMs: 500 }`, is checked as if it had been made so.
 * @throws {TypeError} names the option, what was expected and what came
 */
export function checkedLimit({ kind, ...options }: Limit): Limit {
  return kind === 'token-bucket' ? tokenBucket(options as TokenBucketOptions) : inFlight(options as InFlightOptions)
}

function checkName(where: string, name: unknown): void {
  if (typeof name !== 'string' || name === '') throw wrongOption(where, 'name', 'a text that is not empty', name)
}
