import type { Rule } from '../scenario/scenario.ts'
import type { ArrivalLog } from '../world/log.ts'

/** Virtual time is a sum of floats. */
export const NOISE = 1e-6

/** What the server counted at one key, as far as it has to do with what comes next, and what that uses under the rule's kind. */
export class WindowTally {
  /** The limit's own name, also of its burst. */
  readonly name: string
  readonly counted: ArrivalLog[] = []
  readonly #kind: Rule['window']
  readonly #epochMs: number
  /** From when on which limit held: a level falls by it. */
  readonly #limits: { fromMs: number; limit: number }[]
  /** Of a window that began with a call. */
  #beganMs = Number.NEGATIVE_INFINITY

  constructor({ name, window, limit }: Rule, epochMs: number) {
    this.name = name.replace(/ burst$/, '')
    this.#kind = window
    this.#epochMs = epochMs
    this.#limits = [{ fromMs: Number.NEGATIVE_INFINITY, limit }]
  }

  changes(limit: number, fromMs: number): void {
    this.#limits.push({ fromMs, limit })
  }

  /** Before each arrival: what is over is over. Of windows the one before is kept, of a level all since it was empty. */
  forget(atMs: number, windowMs: number): void {
    if (this.#kind === 'anchored') this.#begin(windowMs)
    const isOver = (first: ArrivalLog | undefined) => {
      if (first === undefined) return false
      if (this.#kind === undefined) return first.atMs <= atMs - windowMs
      return first.atMs <= atMs - 3 * windowMs
    }
    if (this.#kind === 'decay') {
      if (this.used(this.counted, atMs, windowMs) === 0) this.counted.length = 0
    } else while (isOver(this.counted[0])) this.counted.shift()
  }

  used(of: readonly ArrivalLog[], atMs: number, windowMs: number): number {
    if (this.#kind === 'decay') return this.#level(of, atMs, windowMs)
    let fromMs = Number.NEGATIVE_INFINITY
    if (this.#kind === 'aligned')
      fromMs = Math.floor((this.#epochMs + atMs + NOISE) / windowMs) * windowMs - this.#epochMs - NOISE
    if (this.#kind === 'anchored') fromMs = atMs >= this.#beganMs + windowMs - NOISE ? atMs : this.#beganMs
    let used = 0
    for (const each of of) if (each.atMs >= fromMs) used += each.cost
    return used
  }

  /** The last arrival may have begun a window. */
  #begin(windowMs: number): void {
    const last = this.counted.at(-1)
    if (last !== undefined && last.cost > 0 && last.atMs >= this.#beganMs + windowMs - NOISE) this.#beganMs = last.atMs
  }

  #level(of: readonly ArrivalLog[], atMs: number, windowMs: number): number {
    let level = 0
    let lastMs = Number.NEGATIVE_INFINITY
    const fall = (toMs: number) => {
      for (const [at, { fromMs, limit }] of this.#limits.entries()) {
        const untilMs = Math.min(toMs, this.#limits[at + 1]?.fromMs ?? toMs)
        const forMs = untilMs - Math.max(lastMs, fromMs)
        if (forMs > 0) level = Math.max(0, level - (forMs * limit) / windowMs)
      }
      lastMs = toMs
    }
    for (const each of of) {
      fall(each.atMs)
      level += each.cost
    }
    fall(atMs)
    return level
  }
}
