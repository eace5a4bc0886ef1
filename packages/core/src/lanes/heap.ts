/** What an indexed heap keeps in its items: where they stand, −1 when they are in none. */
export interface HeapItem {
  heapIndex: number
}

/** A binary heap whose items know their place, so that any of them can be moved or taken out in O(log n). */
export class Heap<T extends HeapItem> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  has(item: T): boolean {
    return this.#items[item.heapIndex] === item
  }

  push(item: T): void {
    this.#items.push(item)
    this.#up(item, this.#items.length - 1)
  }

  /** The item's rank has changed. */
  update(item: T): void {
    this.#up(item, item.heapIndex)
    this.#down(item, item.heapIndex)
  }

  remove(item: T): void {
    const index = item.heapIndex
    const last = this.#items.pop() as T
    item.heapIndex = -1
    if (last === item) return
    this.#items[index] = last
    last.heapIndex = index
    this.update(last)
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }

  #up(item: T, from: number): void {
    let i = from
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = this.#items[parent] as T
      if (!this.#before(item, above)) break
      this.#set(above, i)
      i = parent
    }
    this.#set(item, i)
  }

  #down(item: T, from: number): void {
    let i = from
    for (;;) {
      let child = 2 * i + 1
      if (child >= this.#items.length) break
      const right = this.#items[child + 1]
      if (right !== undefined && this.#before(right, this.#items[child] as T)) child++
      const below = this.#items[child] as T
      if (!this.#before(below, item)) break
      this.#set(below, i)
      i = child
    }
    this.#set(item, i)
  }

  #set(item: T, index: number): void {
    this.#items[index] = item
    item.heapIndex = index
  }
}
