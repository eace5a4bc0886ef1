import type { Usage } from '../request.ts'

/** A ceiling told by headers is good for so many windows: who hears no more of it goes by the documents again. */
const CEILING_WINDOWS = 2
/** Reset times come rounded, by up to a second at coarse servers; a window's own length more is another scope's. */
const ROUNDED_MS = 1_000

/** What a bucket is asked while a server's headers are read. */
export interface Told {
  /** Documented tokens per window. */
  readonly tokens: number
  readonly windowMs: number
  /** The headers may tell of a higher limit than is documented. */
  readonly mayRaise: boolean
  /** When the call whose answer it is was sent. */
  readonly sentAtMs: number
  /** The most tokens of our own calls that can be in the window that the answer speaks of. */
  readonly ours: number
  /** From when on: our own before are not in it. */
  readonly sinceMs: number
}

/**
 * The server's limit, and what is left of it, by headers that tell them in one way or another.
 * @param documented the limit, where they don't tell it
 */
export function readUsage(seen: Usage, documented: number): { whole: number; remaining: number | undefined } {
  const { used } = seen
  const max = seen.max ?? (used === undefined || seen.remaining === undefined ? undefined : used + seen.remaining)
  const remaining = seen.remaining ?? (used === undefined ? undefined : (max ?? documented) - used)
  // More remains than is documented: then the limit is higher by that, and by the call that told.
  const least = remaining !== undefined && remaining > documented ? remaining + 1 : documented
  return { whole: max ?? least, remaining }
}

/** What headers tell of a bucket: a ceiling, and tokens that somebody else took on the same key. */
export class HeaderNews {
  #sentAtMs = Number.NEGATIVE_INFINITY
  #foreign = 0
  /** When the server's window ends, or its next token comes back: headers call both by one name. */
  #resetAtMs = Number.NEGATIVE_INFINITY
  /** When none of the tokens that were told of can be away any more. */
  #overAtMs = Number.NEGATIVE_INFINITY
  #ceiling = Number.NaN
  #ceilingUntilMs = Number.NEGATIVE_INFINITY
  #forgottenMs = Number.NEGATIVE_INFINITY

  /** A token of our own that was away after an answer then is no longer kept. */
  forget(answeredAtMs: number): void {
    this.#forgottenMs = answeredAtMs
  }

  /**
   * Tokens away because others took them. After the reset one call more may go: its answer tells whether all of them are
   * back, or one.
   */
  foreign(nowMs: number): number {
    if (nowMs >= this.#overAtMs) return 0
    return nowMs < this.#resetAtMs ? this.#foreign : Math.max(0, this.#foreign - 1)
  }

  /** When fewer of them are away, if nothing more is told; Infinity: none is. */
  fewerForeignMs(nowMs: number): number {
    if (this.foreign(nowMs) === 0) return Number.POSITIVE_INFINITY
    return nowMs < this.#resetAtMs ? this.#resetAtMs : this.#overAtMs
  }

  /** Tokens per window by the latest headers, or as documented. */
  ceiling(documented: number, nowMs: number): number {
    return nowMs < this.#ceilingUntilMs ? this.#ceiling : documented
  }

  /** When the ceiling that was told is no longer good; Infinity: none was told, or it is as high as documented. */
  ceilingEndsMs(documented: number, nowMs: number): number {
    return nowMs < this.#ceilingUntilMs && this.#ceiling < documented ? this.#ceilingUntilMs : Number.POSITIVE_INFINITY
  }

  /**
   * @returns whether it said something new of this bucket: no older answer, and numbers that can be this limit's
   */
  read(seen: Usage, bucket: Told, nowMs: number): boolean {
    const { tokens, windowMs, mayRaise, sentAtMs, ours, sinceMs } = bucket
    if (sentAtMs < this.#sentAtMs || seen.resetMs > windowMs + ROUNDED_MS) return false
    const { whole, remaining } = readUsage(seen, tokens)
    if (remaining !== undefined && remaining > tokens && !mayRaise) return false
    const ceiling = mayRaise ? whole : Math.min(tokens, whole)
    this.#sentAtMs = sentAtMs
    if (ceiling !== tokens) {
      // Never 0: nothing would go any more, and nothing be heard.
      this.#ceiling = Math.max(1, Math.floor(ceiling))
      this.#ceilingUntilMs = nowMs + CEILING_WINDOWS * windowMs
    } else this.#ceilingUntilMs = Number.NEGATIVE_INFINITY
    // After a longer trip than any before, own calls in that window may be forgotten: they would pass for others'.
    if (remaining !== undefined && this.#forgottenMs < sinceMs) {
      this.#foreign = Math.max(0, Math.min(ceiling, Math.floor(ceiling - Math.max(0, remaining) - ours)))
      this.#resetAtMs = nowMs + Math.min(seen.resetMs, windowMs)
      this.#overAtMs = nowMs + windowMs
    }
    return true
  }
}
