/** A sorted queue of instants in one array of numbers: in at the back (or near it), out at the front. Grows as needed. */
export class TimeRing {
  #items: number[] = [0]
  #head = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  at(index: number): number {
    return this.#items[(this.#head + index) & (this.#items.length - 1)] as number
  }

  /** How many are not before `atMs`. */
  countFrom(atMs: number): number {
    let low = 0
    let high = this.#length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.at(middle) < atMs) low = middle + 1
      else high = middle
    }
    return this.#length - low
  }

  /** How many are `delayMs` ago. @param near about so many: a search that mostly goes a step or none */
  countBack(delayMs: number, nowMs: number, near: number): number {
    let count = near
    while (count < this.#length && this.at(count) + delayMs <= nowMs) count++
    while (count > 0 && this.at(count - 1) + delayMs > nowMs) count--
    return count
  }

  /** Keeps the order: instants come nearly sorted, so the search starts at the back. */
  insert(atMs: number): void {
    if (this.#length === this.#items.length) {
      this.#items = grown(this)
      this.#head = 0
    }
    const mask = this.#items.length - 1
    let i = this.#length
    while (i > 0) {
      const before = this.#items[(this.#head + i - 1) & mask] as number
      if (before <= atMs) break
      this.#items[(this.#head + i) & mask] = before
      i--
    }
    this.#items[(this.#head + i) & mask] = atMs
    this.#length++
  }

  /** @returns whether one such instant was there */
  remove(atMs: number): boolean {
    let i = this.#length - 1
    while (i >= 0 && this.at(i) > atMs) i--
    if (i < 0 || this.at(i) !== atMs) return false
    const mask = this.#items.length - 1
    for (; i < this.#length - 1; i++) this.#items[(this.#head + i) & mask] = this.at(i + 1)
    this.#length--
    return true
  }

  /** All of them. */
  postpone(byMs: number): void {
    const mask = this.#items.length - 1
    for (let i = 0; i < this.#length; i++) (this.#items[(this.#head + i) & mask] as number) += byMs
  }

  dropFirst(): void {
    this.#head = (this.#head + 1) & (this.#items.length - 1)
    this.#length--
  }
}

/** No method of it: private ones take eight bytes in every ring. Not pushed: an array that grows by itself keeps room for more. */
function grown(ring: TimeRing): number[] {
  const items = new Array<number>(2 * ring.length).fill(0)
  for (let i = 0; i < ring.length; i++) items[i] = ring.at(i)
  return items
}
