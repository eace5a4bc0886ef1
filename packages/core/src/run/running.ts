import type { Attempt } from './attempt.ts'

/** The attempts under way, in the order in which they started: as all share one time-out, the first is due first. */
export class Running {
  size = 0
  first: Attempt | undefined
  #last: Attempt | undefined

  add(attempt: Attempt): void {
    attempt.previous = this.#last
    if (this.#last === undefined) this.first = attempt
    else this.#last.next = attempt
    this.#last = attempt
    this.size++
  }

  take(attempt: Attempt): void {
    if (attempt.previous === undefined) this.first = attempt.next
    else attempt.previous.next = attempt.next
    if (attempt.next === undefined) this.#last = attempt.previous
    else attempt.next.previous = attempt.previous
    attempt.previous = attempt.next = undefined
    this.size--
  }
}
