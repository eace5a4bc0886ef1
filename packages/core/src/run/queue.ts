import { Heap } from '../lanes/heap.ts'
import { Lane } from '../lanes/lane.ts'
import type { Labels } from '../limits/limit.ts'
import type { ScheduleRequest } from '../request.ts'
import type { Call, Place } from './call.ts'
import { DropOrder, type Overflow } from './overflow.ts'

const NONE: readonly never[] = Object.freeze([])

/** The calls that wait: by lane, each in those of all its labels, and by deadline. */
export class Queue {
  /** How many calls wait. */
  size = 0
  /** How many of them wait under alternatives too. */
  withWays = 0
  readonly #fairBy: string
  readonly #entered: (lane: Lane) => void
  readonly #lanes = new Map<string, Lane>()
  /** Those that may be joined, by labels and what they ask for. */
  readonly #shared = new Map<string, Call>()
  readonly #deadlines = new Heap<Call>((a, b) => a.deadlineMs < b.deadlineMs)
  readonly #dropOrder: DropOrder | undefined

  /** @param entered is told of every new lane */
  constructor(fairBy: string, overflow: Overflow, entered: (lane: Lane) => void) {
    this.#fairBy = fairBy
    this.#dropOrder = overflow === 'reject' ? undefined : new DropOrder(overflow)
    this.#entered = entered
  }

  get isEmpty(): boolean {
    return this.#lanes.size === 0
  }

  get lanes(): Iterable<Lane> {
    return this.#lanes.values()
  }

  /** Every waiting call; those listed may be taken out meanwhile. */
  calls(): readonly Call[] {
    const calls: Call[] = []
    for (const lane of this.#lanes.values()) {
      for (let place = lane.first; place !== undefined; place = place.next) {
        if ((place as Place).call === place) calls.push(place as Call)
      }
    }
    return calls
  }

  append(call: Call): void {
    this.#enter(call)
    this.#laneOf(call, call)?.append(call)
    if (call.ways !== undefined) for (const way of call.ways) this.#laneOf(call, way)?.append(way)
  }

  prepend(call: Call): void {
    this.#enter(call)
    this.#laneOf(call, call)?.prepend(call)
    if (call.ways !== undefined) for (const way of call.ways) this.#laneOf(call, way)?.prepend(way)
  }

  take(call: Call): void {
    ;(call.lane as Lane).take(call)
    if (call.ways !== undefined) {
      this.withWays--
      for (const way of call.ways) way.lane?.take(way)
    }
    this.size--
    if (this.#deadlines.has(call)) this.#deadlines.remove(call)
    if (call.sharers !== undefined) this.#shared.delete(shareKey(call.request))
    this.#dropOrder?.take(call)
  }

  /** The waiting call that loses its place to `newcomer`, which waits too; itself when nobody else may be dropped. */
  dropFor(newcomer: Call): Call {
    return this.#dropOrder?.first ?? newcomer
  }

  /** The waiting call that a request may join. */
  sharedBy(request: ScheduleRequest): Call | undefined {
    return this.#shared.size === 0 ? undefined : this.#shared.get(shareKey(request))
  }

  /** The deadline of a call has changed, which may wait or not. */
  retime(call: Call): void {
    if (call.lane === undefined) return
    const isBound = call.deadlineMs !== Number.POSITIVE_INFINITY
    if (!this.#deadlines.has(call)) {
      if (isBound) this.#deadlines.push(call)
    } else if (isBound) this.#deadlines.update(call)
    else this.#deadlines.remove(call)
  }

  /** The lane is empty. */
  drop(lane: Lane): void {
    this.#lanes.delete(lane.key)
  }

  /** The first deadline; Infinity when nobody has one. */
  get deadlineAtMs(): number {
    return this.#deadlines.peek()?.deadlineMs ?? Number.POSITIVE_INFINITY
  }

  /** The waiting call with the first deadline, once that has come. */
  late(nowMs: number): Call | undefined {
    return this.deadlineAtMs <= nowMs ? this.#deadlines.peek() : undefined
  }

  #enter(call: Call): void {
    this.size++
    if (call.ways !== undefined) this.withWays++
    if (call.deadlineMs !== Number.POSITIVE_INFINITY) this.#deadlines.push(call)
    if (call.sharers !== undefined) this.#shared.set(shareKey(call.request), call)
    this.#dropOrder?.add(call)
  }

  /** Undefined: the call stands in that lane already, for two of its labels are the same. */
  #laneOf(call: Call, { passage }: Place): Lane | undefined {
    const { priority, ways, lane: own } = call
    const { labels } = passage
    const key = keyWith(priority, labels)
    let lane = this.#lanes.get(key)
    if (lane === undefined) {
      lane = new Lane(key, passage, priority, labels[this.#fairBy] ?? '')
      this.#lanes.set(key, lane)
      this.#entered(lane)
    }
    if (ways !== undefined) return lane === own || ways.some(way => way.lane === lane) ? undefined : lane
    // Others of the same labels may wait: each would keep a passage of its own until it goes.
    call.passage = lane.passage
    return lane
  }
}

/** The same for the same labels by value. One flat text: a key that is pieced together takes more bytes than it shows. */
function keyWith(first: string | number, labels: Labels): string {
  return JSON.stringify([first, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])
}

/** The same for calls of which one is enough. */
export function shareKey({ labels, alternatives = NONE, coalesce = '' }: ScheduleRequest): string {
  if (alternatives.length === 0) return keyWith(coalesce, labels)
  return [labels, ...alternatives]
    .map(each => keyWith(coalesce, each))
    .sort()
    .join('')
}
