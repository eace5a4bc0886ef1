import type { ColdStart } from '../ports/ledger.ts'

/** Tokens that a bucket does not have yet because nobody knows what went before it. Gone once all have come. */
export class ColdTokens {
  readonly tokens: number
  readonly #fromMs: number
  /** 0: all come at once. */
  readonly #stepMs: number

  private constructor(tokens: number, fromMs: number, stepMs: number) {
    this.tokens = tokens
    this.#fromMs = fromMs
    this.#stepMs = stepMs
  }

  static of(how: Exclude<ColdStart, 'full'>, tokens: number, windowMs: number, bornAtMs: number, lostCallMs: number) {
    return how === 'spent'
      ? ColdTokens.allAt(tokens, bornAtMs + windowMs + lostCallMs)
      : new ColdTokens(tokens, bornAtMs, paceMs(tokens, windowMs))
  }

  static allAt(tokens: number, atMs: number): ColdTokens {
    return new ColdTokens(tokens, atMs, 0)
  }

  /** As if the bucket had begun with so many. */
  withTokens(tokens: number, windowMs: number): ColdTokens {
    return new ColdTokens(tokens, this.#fromMs, this.#stepMs > 0 ? paceMs(tokens, windowMs) : 0)
  }

  /** How many are still to come. */
  away(nowMs: number): number {
    if (nowMs < this.#fromMs) return this.tokens
    const back = this.#stepMs === 0 ? this.tokens : Math.floor((nowMs - this.#fromMs) / this.#stepMs + 1e-9)
    return Math.max(0, this.tokens - back)
  }

  /** When the token that is `index` from the first comes. */
  backMs(index: number): number {
    return this.#fromMs + (index + 1) * this.#stepMs
  }
}

function paceMs(tokens: number, windowMs: number): number {
  return Math.min((2 * windowMs) / tokens, windowMs)
}
