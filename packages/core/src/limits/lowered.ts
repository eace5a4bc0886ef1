import type { Usage } from '../request.ts'
import type { Reduction } from './reduction.ts'
import { HeaderNews, type Told } from './usage.ts'

/**
 * What keeps a bucket from its whole limit for a while: refusals that halved it, a halving that was asked for, headers that tell
 * of a lower limit or of tokens that others took. Most buckets never have one.
 */
export class Lowered {
  reduction: Reduction | undefined
  /** Until then no more than half of the limit may be used. */
  halvedUntilMs = Number.NEGATIVE_INFINITY
  /** Answers are kept for so much longer once headers are read: they speak of a window before now. */
  keepMs = 0
  #news: HeaderNews | undefined

  /** Of `tokens` per window those that may be used. */
  capacity(tokens: number, nowMs: number): number {
    // What headers tell may be more than is documented, but a server that halves says nothing of it there.
    let capacity = this.#ceiling(tokens, nowMs)
    if (nowMs < this.halvedUntilMs) capacity = Math.min(capacity, Math.max(1, Math.floor(tokens / 2)))
    if (this.reduction === undefined) return capacity
    const reduced = this.reduction.tokens(tokens, nowMs)
    if (reduced >= tokens) this.reduction = undefined
    return Math.min(capacity, reduced)
  }

  /** When more of them may be, if nothing more is heard; Infinity: nothing is known of that. */
  moreAtMs(tokens: number, nowMs: number): number {
    return Math.min(
      this.reduction?.nextMs(tokens, nowMs) ?? Number.POSITIVE_INFINITY,
      nowMs < this.halvedUntilMs ? this.halvedUntilMs : Number.POSITIVE_INFINITY,
      this.#news?.ceilingEndsMs(tokens, nowMs) ?? Number.POSITIVE_INFINITY,
    )
  }

  /** What others took at `atMs`, beyond what a halving leaves them already: both speak of the same others. */
  foreign(tokens: number, atMs: number, nowMs: number): number {
    const foreign = this.#news?.foreign(atMs) ?? 0
    return foreign === 0 ? 0 : Math.max(0, foreign - (this.#ceiling(tokens, nowMs) - this.capacity(tokens, nowMs)))
  }

  /** When fewer of those are away, if nothing more is told; Infinity: headers never told of any. */
  fewerForeignMs(atMs: number): number {
    return this.#news?.fewerForeignMs(atMs) ?? Number.POSITIVE_INFINITY
  }

  /**
   * Headers told of the bucket.
   * @returns whether they said something new
   */
  read(seen: Usage, bucket: Told, nowMs: number): boolean {
    this.#news ??= new HeaderNews()
    return this.#news.read(seen, bucket, nowMs)
  }

  /** A token of our own that was away after an answer then is no longer kept. */
  forget(answeredAtMs: number): void {
    this.#news?.forget(answeredAtMs)
  }

  /** Tokens per window by the latest headers, or as documented. */
  #ceiling(tokens: number, nowMs: number): number {
    return this.#news === undefined ? tokens : this.#news.ceiling(tokens, nowMs)
  }
}
