import type { Rule } from '../scenario/scenario.ts'

/** Virtual time is a sum of floats: its noise is far below this, and every real lateness far above. */
const NOISE = 1e-6

/** How a server counts at one key. The rule is given each time: its limit may have changed. */
export interface Counter {
  /** Whether so many tokens more are over the limit. */
  isOver(rule: Rule, cost: number, atMs: number): boolean
  count(rule: Rule, cost: number, atMs: number): void
  /** From now on it is another. */
  changes(before: Rule, atMs: number): void
}

/** @param epochMs the server's time of day at the beginning */
export function counterOf({ window }: Rule, epochMs: number): Counter {
  if (window === undefined) return new Sliding()
  return window === 'decay' ? new Decaying() : new Windows(window === 'aligned' ? epochMs : undefined)
}

/** Of what was counted each counts for a window. */
export class Sliding implements Counter {
  readonly #counted: { atMs: number; cost: number }[] = []

  isOver(rule: Rule, cost: number, atMs: number): boolean {
    return this.used(rule, atMs) + cost > rule.limit
  }

  count(_rule: Rule, cost: number, atMs: number): void {
    this.#counted.push({ atMs, cost })
  }

  changes(): void {}

  used({ windowMs }: Rule, atMs: number): number {
    while ((this.#counted[0]?.atMs ?? Number.POSITIVE_INFINITY) <= atMs - windowMs) this.#counted.shift()
    let used = 0
    for (const { cost } of this.#counted) used += cost
    return used
  }

  /** When the next token comes free. */
  resetAtMs({ windowMs }: Rule, atMs: number): number {
    return (this.#counted[0]?.atMs ?? atMs - windowMs) + windowMs
  }
}

/** Windows that begin at multiples of their length on the server's clock, or with the first call after the last one ended. */
class Windows implements Counter {
  readonly #epochMs: number | undefined
  #fromMs = Number.NEGATIVE_INFINITY
  #used = 0

  constructor(epochMs: number | undefined) {
    this.#epochMs = epochMs
  }

  isOver(rule: Rule, cost: number, atMs: number): boolean {
    return cost > 0 && (this.#isOld(rule, atMs) ? 0 : this.#used) + cost > rule.limit
  }

  count(rule: Rule, cost: number, atMs: number): void {
    if (cost === 0) return
    if (this.#isOld(rule, atMs)) {
      this.#fromMs = this.#beginOf(rule, atMs)
      this.#used = 0
    }
    this.#used += cost
  }

  changes(): void {}

  #isOld({ windowMs }: Rule, atMs: number): boolean {
    return atMs >= this.#fromMs + windowMs - NOISE
  }

  #beginOf({ windowMs }: Rule, atMs: number): number {
    if (this.#epochMs === undefined) return atMs
    return Math.floor((this.#epochMs + atMs + NOISE) / windowMs) * windowMs - this.#epochMs
  }
}

/** A level that falls by the limit in a window, and never rises over it. */
class Decaying implements Counter {
  #level = 0
  #atMs = 0

  isOver(rule: Rule, cost: number, atMs: number): boolean {
    this.changes(rule, atMs)
    return this.#level + cost > rule.limit + NOISE
  }

  count(_rule: Rule, cost: number): void {
    this.#level += cost
  }

  changes({ limit, windowMs }: Rule, atMs: number): void {
    this.#level = Math.max(0, this.#level - ((atMs - this.#atMs) * limit) / windowMs)
    this.#atMs = atMs
  }
}
