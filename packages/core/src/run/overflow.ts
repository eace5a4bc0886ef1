import { Heap } from '../lanes/heap.ts'
import type { Call } from './call.ts'

/** Who goes without a place when one call more than `maxQueued` would wait. */
export type Overflow = 'reject' | 'drop-oldest' | 'drop-lowest'

export const OVERFLOWS: readonly Overflow[] = ['reject', 'drop-oldest', 'drop-lowest']

interface Place {
  readonly call: Call
  readonly priority: number
  readonly order: number
  heapIndex: number
}

/** A call that goes again after a refusal waits since it was scheduled. */
function cameBefore(a: Place, b: Place): boolean {
  return a.call.queuedAtMs !== b.call.queuedAtMs ? a.call.queuedAtMs < b.call.queuedAtMs : a.order < b.order
}

const FIRST_TO_GO: Readonly<Record<Exclude<Overflow, 'reject'>, (a: Place, b: Place) => boolean>> = {
  'drop-oldest': cameBefore,
  // Of equals the newest: those before it have waited for their turn, and a newcomer of lower priority than all is the one.
  'drop-lowest': (a, b) => (a.priority !== b.priority ? a.priority < b.priority : cameBefore(b, a)),
}

/** The waiting calls in the order in which they lose their places. */
export class DropOrder {
  readonly #heap: Heap<Place>
  readonly #places = new Map<Call, Place>()
  #order = 0

  constructor(overflow: Exclude<Overflow, 'reject'>) {
    this.#heap = new Heap(FIRST_TO_GO[overflow])
  }

  /** The waiting call that goes first. */
  get first(): Call | undefined {
    return this.#heap.peek()?.call
  }

  add(call: Call): void {
    const place = { call, priority: call.request.priority ?? 0, order: this.#order++, heapIndex: -1 }
    this.#places.set(call, place)
    this.#heap.push(place)
  }

  take(call: Call): void {
    this.#heap.remove(this.#places.get(call) as Place)
    this.#places.delete(call)
  }
}
