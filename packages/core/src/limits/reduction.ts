import type { KeptReduction } from '../ports/memory.ts'

/** Recovery after a refusal that named no time: a twentieth of the limit per quiet time. */
const STEP_SHARE = 1 / 20
/** A quiet time is at least this long and doubles, when refused again, up to the longest. */
const SHORTEST_QUIET_MS = 1_000
const LONGEST_QUIET_MS = 60_000

export type ReductionState = Pick<KeptReduction, 'tokens' | 'sinceMs' | 'quietMs'>

/** From then on nothing is left of it, whatever the limit. */
export function recoveredAtMs({ sinceMs, quietMs }: ReductionState): number {
  return sinceMs + quietMs / STEP_SHARE
}

/** A limit halved by refusals that named no time (the server and we disagree), and on its way back. */
export class Reduction {
  #limit: number
  #sinceMs: number
  #quietMs: number

  constructor(limit: number, windowMs: number, nowMs: number) {
    this.#limit = Math.max(1, limit / 2)
    this.#sinceMs = nowMs
    this.#quietMs = Math.min(LONGEST_QUIET_MS, Math.max(SHORTEST_QUIET_MS, windowMs))
  }

  /** One that was remembered goes on from where it was. */
  static from({ tokens, sinceMs, quietMs }: ReductionState): Reduction {
    const reduction = new Reduction(1, 1, sinceMs)
    reduction.#limit = Math.max(1, tokens)
    reduction.#quietMs = Math.min(LONGEST_QUIET_MS, Math.max(SHORTEST_QUIET_MS, quietMs))
    return reduction
  }

  get state(): ReductionState {
    return { tokens: this.#limit, sinceMs: this.#sinceMs, quietMs: this.#quietMs }
  }

  /** Calls sent before it were under way when the limit was halved: their refusals are no news. */
  get sinceMs(): number {
    return this.#sinceMs
  }

  halve(full: number, nowMs: number): void {
    this.#limit = Math.max(1, this.#exact(full, nowMs) / 2)
    this.#sinceMs = nowMs
    this.#quietMs = Math.min(LONGEST_QUIET_MS, this.#quietMs * 2)
  }

  /** Whole tokens in force now, from 1 to `full`. */
  tokens(full: number, nowMs: number): number {
    return Math.floor(this.#exact(full, nowMs) + 1e-9)
  }

  /** The instant of the next whole token. */
  nextMs(full: number, nowMs: number): number {
    const missing = this.tokens(full, nowMs) + 1 - this.#limit
    return this.#sinceMs + Math.ceil(missing / (full * STEP_SHARE) - 1e-9) * this.#quietMs
  }

  #exact(full: number, nowMs: number): number {
    // Sums of fractions fall short of the instant of the next step, and at that instant it must have come.
    const steps = Math.max(0, Math.floor((nowMs - this.#sinceMs) / this.#quietMs + 1e-6))
    return Math.min(full, this.#limit + steps * full * STEP_SHARE)
  }
}
