import type { Labels } from '../limits/limit.ts'
import type { Passage } from '../ports/ledger.ts'

/** Two generations of so many wait to be seen again. */
const GENERATION = 2_048

/**
 * What labels objects lead to, remembered by their identity: for as long as they live from the second time on, for a while
 * after the first. An entry of a WeakMap costs more than all the rest of a call, and of labels made anew for every call none
 * would ever be used.
 */
export class Passages {
  readonly #known = new WeakMap<Labels, Passage>()
  #seenOnce = new Map<Labels, Passage>()
  #seenBefore = new Map<Labels, Passage>()

  get(labels: Labels): Passage | undefined {
    const known = this.#known.get(labels)
    if (known !== undefined) return known
    const seen = this.#seenOnce.get(labels) ?? this.#seenBefore.get(labels)
    if (seen !== undefined) this.#known.set(labels, seen)
    return seen
  }

  add(labels: Labels, passage: Passage): void {
    if (this.#seenOnce.size === GENERATION) {
      this.#seenBefore = this.#seenOnce
      this.#seenOnce = new Map()
    }
    this.#seenOnce.set(labels, passage)
  }
}
