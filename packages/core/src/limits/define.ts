import { checkKeys, checkNames, checkWhole, wrongOption } from '../options.ts'
import type { ErrorBudgetLimit, InFlightLimit, Labels, Limit, TokenBucketLimit } from './limit.ts'
import type { Reserve } from './reserve.ts'

const WINDOWS: readonly unknown[] = ['sliding', 'aligned', 'anchored', 'decay']

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
  /**
   * How the server counts; what is safe under `sliding`, the default, is safe under all.
   * - `aligned`: in windows that begin at the multiples of `windowMs` on the server's clock. Wins only where answers tell its
   *   time: `counted({ serverTimeMs })`.
   * - `anchored`: in windows that begin with the first call after the last one ended.
   * - `decay`: a counter of at most `limit` that decays by `limit` per `windowMs`, or a token bucket of `limit` tokens that
   *   refills so.
   */
  window?: 'sliding' | 'aligned' | 'anchored' | 'decay'
  /** Whether headers that tell of more than `limit` are believed, `raise`, or only such as tell of less. Default `lower`. */
  trustHeaders?: 'lower' | 'raise'
  /**
   * Tokens kept free for urgent calls: those of a priority below `priority` leave the last `share` of the limit, above 0 and
   * below 1, rounded up, but never all of it. Several such parts: each call leaves the largest of those above its priority. A
   * call that costs more than it may use rejects with NeverFitsError. `burst` has no reserve. Default: none.
   */
  reserve?: Reserve | readonly Reserve[]
}

/**
 * At most `limit` tokens in any window of `windowMs`, as counted at the server.
 * @throws {TypeError} names the option, what was expected and what came
 */
export function tokenBucket(options: TokenBucketOptions): TokenBucketLimit {
  const where = 'tokenBucket'
  checkKeys(where, options, [
    'name',
    'limit',
    'windowMs',
    'by',
    'where',
    'cost',
    'burst',
    'window',
    'trustHeaders',
    'reserve',
  ])
  const { name, limit, windowMs, by, burst, window = 'sliding', trustHeaders = 'lower', reserve } = options
  checkName(where, name)
  if (typeof limit !== 'function') checkWhole(where, 'limit', limit, 1)
  checkWindow(where, windowMs)
  checkNames(where, 'by', by)
  for (const option of ['where', 'cost'] as const) {
    if (options[option] !== undefined && typeof options[option] !== 'function')
      throw wrongOption(where, option, 'a function of the labels', options[option])
  }
  if (burst !== undefined) checkWhole(where, 'burst', burst, 1)
  if (!WINDOWS.includes(window))
    throw wrongOption(where, 'window', '"sliding", "aligned", "anchored" or "decay"', window)
  if (trustHeaders !== 'lower' && trustHeaders !== 'raise')
    throw wrongOption(where, 'trustHeaders', '"lower" or "raise"', trustHeaders)
  const reserves = reserve === undefined ? undefined : checkedReserve(where, reserve)
  return Object.freeze({
    kind: 'token-bucket',
    name,
    limit,
    windowMs,
    by: Object.freeze([...by]),
    ...(options.where !== undefined && { where: options.where }),
    ...(options.cost !== undefined && { cost: options.cost }),
    ...(burst !== undefined && { burst }),
    ...(window !== 'sliding' && { window }),
    ...(trustHeaders !== 'lower' && { trustHeaders }),
    ...(reserves !== undefined && { reserve: reserves }),
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

export interface ErrorBudgetOptions {
  /** For errors, events and snapshots. */
  name: string
  /** How many errors in a window make the server ban: a whole number above 1, or a function that gives one for the labels. */
  limit: number | ((labels: Labels) => number)
  /** Length of the window, milliseconds, above 0. */
  windowMs: number
  /** The budget applies to requests that carry all of these labels, once per set of their values. */
  by: readonly string[]
  /** And for which this holds. */
  where?: (labels: Labels) => boolean
  /** Once an error is in, calls stop at this share of `limit`, above 0 and at most 1; errors and calls in flight always stay below it. Default 0.5. */
  stopAt?: number
  /** Only these codes count. Default: all that `admission.failed` tells. */
  codes?: readonly string[]
  /** Whether the server counts each code by itself or all of them together. Default `apart`. */
  count?: 'apart' | 'together'
}

/**
 * Stops calls before a server's error-count rule bans them. Told of errors by `admission.failed(code)`. A spent budget fails
 * calls at once, those that wait too, with ErrorBudgetError, until its oldest errors are a window old.
 * @throws {TypeError} names the option, what was expected and what came
 */
export function errorBudget(options: ErrorBudgetOptions): ErrorBudgetLimit {
  const where = 'errorBudget'
  checkKeys(where, options, ['name', 'limit', 'windowMs', 'by', 'where', 'stopAt', 'codes', 'count'])
  const { name, limit, windowMs, by, stopAt = 0.5, codes, count = 'apart' } = options
  checkName(where, name)
  if (typeof limit !== 'function') checkWhole(where, 'limit', limit, 2)
  checkWindow(where, windowMs)
  checkNames(where, 'by', by)
  if (options.where !== undefined && typeof options.where !== 'function')
    throw wrongOption(where, 'where', 'a function of the labels', options.where)
  if (!(Number.isFinite(stopAt) && stopAt > 0 && stopAt <= 1))
    throw wrongOption(where, 'stopAt', 'a number above 0 and at most 1', stopAt)
  if (
    codes !== undefined &&
    !(Array.isArray(codes) && codes.length > 0 && codes.every(code => typeof code === 'string'))
  )
    throw wrongOption(where, 'codes', 'an array of texts, at least one', codes)
  if (count !== 'apart' && count !== 'together') throw wrongOption(where, 'count', '"apart" or "together"', count)
  return Object.freeze({
    kind: 'error-budget',
    name,
    limit,
    windowMs,
    by: Object.freeze([...by]),
    stopAt,
    count,
    ...(options.where !== undefined && { where: options.where }),
    ...(codes !== undefined && { codes: Object.freeze([...codes]) }),
  } as const)
}

/**
 * Makes a limit anew: one that was changed by hand, `{ ...limit, windowMs: 500 }`, is checked as if it had been made so.
 * @throws {TypeError} names the option, what was expected and what came
 */
export function checkedLimit({ kind, ...options }: Limit): Limit {
  if (kind === 'token-bucket') return tokenBucket(options as TokenBucketOptions)
  return kind === 'in-flight' ? inFlight(options as InFlightOptions) : errorBudget(options as ErrorBudgetOptions)
}

function checkedReserve(where: string, reserve: Reserve | readonly Reserve[]): readonly Reserve[] {
  const parts: readonly Reserve[] = Array.isArray(reserve) ? reserve : [reserve]
  if (parts.length === 0) throw wrongOption(where, 'reserve', 'a share and a priority, or an array of such', reserve)
  for (const part of parts) {
    checkKeys(`${where}: reserve`, part, ['share', 'priority'])
    const { share, priority } = part
    if (!(Number.isFinite(share) && share > 0 && share < 1))
      throw wrongOption(where, 'reserve.share', 'a number above 0 and below 1', share)
    if (!Number.isFinite(priority)) throw wrongOption(where, 'reserve.priority', 'a finite number', priority)
  }
  return Object.freeze(parts.map(part => Object.freeze({ ...part })))
}

function checkName(where: string, name: unknown): void {
  if (typeof name !== 'string' || name === '') throw wrongOption(where, 'name', 'a text that is not empty', name)
}

function checkWindow(where: string, windowMs: number): void {
  if (!(Number.isFinite(windowMs) && windowMs > 0))
    throw wrongOption(where, 'windowMs', 'a finite number above 0', windowMs)
}
