/** A part of a bucket that calls below a priority never take. */
export interface Reserve {
  /** Of the limit, above 0 and below 1; rounded up, but one token is always left for all. */
  readonly share: number
  /** Calls of at least this priority may use it. */
  readonly priority: number
}

const ROUNDING = 1e-9

/** Tokens of `size` that a call of this priority must leave. */
export function reservedOf(reserve: readonly Reserve[], priority: number, size: number): number {
  let share = 0
  for (const part of reserve) if (priority < part.priority) share = Math.max(share, part.share)
  return Math.min(Math.ceil(share * size - ROUNDING), Math.max(0, size - 1))
}
