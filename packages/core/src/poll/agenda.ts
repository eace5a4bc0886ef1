import { Heap } from '../lanes/heap.ts'

/** Something that has to happen at an instant. */
export interface Timed {
  atMs: number
  heapIndex: number
  due(nowMs: number): void
}

/** What is to come, the next first: all pollers of a scheduler share its one timer. */
export class Agenda {
  readonly #items = new Heap<Timed>((a, b) => a.atMs < b.atMs)

  /** Infinity when nothing is to come. */
  get wakeAtMs(): number {
    return this.#items.peek()?.atMs ?? Number.POSITIVE_INFINITY
  }

  set(item: Timed, atMs: number): void {
    item.atMs = atMs
    if (this.#items.has(item)) this.#items.update(item)
    else this.#items.push(item)
  }

  drop(item: Timed): void {
    if (this.#items.has(item)) this.#items.remove(item)
  }

  run(nowMs: number): void {
    for (let item = this.#items.peek(); item !== undefined && item.atMs <= nowMs; item = this.#items.peek()) {
      this.#items.remove(item)
      item.due(nowMs)
    }
  }
}
