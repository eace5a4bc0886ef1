import type { Labels } from '../limits/limit.ts'

/** No call that carries these labels goes before `untilMs`. */
export interface KeptHold {
  readonly labels: Labels
  readonly reason: string
  readonly untilMs: number
}

/** A limit halved by a refusal that named no time, and on its way back. */
export interface KeptReduction {
  /** The limit's name. */
  readonly limit: string
  /** The values of the limit's `by` labels. */
  readonly labels: Labels
  /** Tokens per window at `sinceMs`, with fractions. */
  readonly tokens: number
  readonly sinceMs: number
  /** A twentieth of the limit comes back in each such time, milliseconds. */
  readonly quietMs: number
  /** It speaks of the limit's burst. */
  readonly burst?: true
}

/** Every limit counted by these labels is halved until `untilMs`. */
export interface KeptHalving {
  readonly labels: Labels
  readonly reason: string
  readonly untilMs: number
}

/** What a ledger knows that must outlive the process. Instants are monotonic in the ledger, epoch milliseconds in a memory. */
export interface Lasting {
  readonly holds: readonly KeptHold[]
  readonly reductions: readonly KeptReduction[]
  readonly halvings: readonly KeptHalving[]
}

/** When something happened, under a name: epoch milliseconds, ascending. */
export interface KeptHistory {
  readonly name: string
  /** Older instants are forgotten. Milliseconds. */
  readonly forMs: number
  readonly times: readonly number[]
}

/** All that is kept, as plain data. Holds nothing secret. Instants are epoch milliseconds: monotonic time dies with its process. */
export interface Kept extends Lasting {
  /** The wall clock at the time of saving: shows on loading whether the clock was set back. */
  readonly savedAtMs: number
  readonly histories: readonly KeptHistory[]
}

/** One scheduler's use of a memory. */
export interface MemorySession {
  /** What the last process kept. Absent when nothing is known. */
  readonly kept?: Kept
  /** In words, when something was there that could not be read. */
  readonly warning?: string
  /** Replaces what is kept. Durable when it returns. Throws when it could not; the scheduler goes on and tells its observer. */
  save(kept: Kept): void
}

/** Where holds, halvings and histories outlive the process. A scheduler opens its memory once, and saves only news. */
export interface Memory {
  open(): MemorySession
}
