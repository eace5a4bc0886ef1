import type { Clock, Timer } from '../ports/clock.ts'

export interface VirtualClockOptions {
  /** Where the monotonic clock begins. Default 0. */
  startMs?: number
  /** What the wall clock shows at the beginning. Default 2025-01-01T00:00:00Z. */
  epochMs?: number
}

/** A clock that stands still until it is told to go on. */
export interface VirtualClock extends Clock {
  /**
   * Goes on by `ms`. Timers fire at their instants, in the order in which they were set; all that are due at one instant
   * fire in one turn of the event loop, as on a real host, so that a missing check between two of them shows.
   * Between instants every pending promise reaction runs.
   */
  advance(ms: number): Promise<void>
  /** Goes on until no timer is left, or `limitMs` have passed. */
  runAll(limitMs?: number): Promise<void>
  /** Moves the wall clock alone, as an NTP step or a user would. */
  stepEpoch(byMs: number): void
  /** How many timers are set. */
  readonly pendingTimers: number
}

interface Entry {
  atMs: number
  order: number
  callback: (() => void) | undefined
}

const DEFAULT_EPOCH_MS = Date.UTC(2025, 0, 1)

declare const setImmediate: ((callback: () => void) => unknown) | undefined

/** One turn of the event loop: every promise reaction that is ready, and those that they make ready, has run after it. */
function turn(): Promise<void> {
  return new Promise(resolve => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}

/** A clock for tests: `nowMs` moves only by {@link VirtualClock.advance}. */
export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  let nowMs = options.startMs ?? 0
  let epochOffsetMs = (options.epochMs ?? DEFAULT_EPOCH_MS) - nowMs
  let order = 0
  let pending = 0
  const heap: Entry[] = []

  const before = (a: Entry, b: Entry) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)
  const push = (entry: Entry) => {
    let i = heap.push(entry) - 1
    while (i > 0) {
      const parent = (i - 1) >> 1
      const above = heap[parent] as Entry
      if (!before(entry, above)) break
      heap[i] = above
      i = parent
    }
    heap[i] = entry
  }
  const pop = () => {
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child++
      const below = heap[child] as Entry
      if (!before(below, last)) break
      heap[i] = below
      i = child
    }
    heap[i] = last
    return top
  }
  const dropCancelled = () => {
    while (heap[0] !== undefined && heap[0].callback === undefined) pop()
  }

  const goTo = async (untilMs: number, whileAny: boolean) => {
    await turn()
    for (;;) {
      dropCancelled()
      const next = heap[0]
      if (next === undefined || next.atMs > untilMs) break
      nowMs = Math.max(nowMs, next.atMs)
      const due: Entry[] = []
      for (let top = heap[0]; top !== undefined && top.atMs <= nowMs; top = heap[0]) due.push(pop() as Entry)
      for (const entry of due) {
        const callback = entry.callback
        if (callback === undefined) continue
        entry.callback = undefined
        pending--
        callback()
      }
      await turn()
    }
    if (!whileAny) nowMs = Math.max(nowMs, untilMs)
  }

  return {
    nowMs: () => nowMs,
    epochMs: () => Math.floor(nowMs + epochOffsetMs),
    setTimer(callback, delayMs): Timer {
      const entry: Entry = { atMs: nowMs + Math.max(0, delayMs), order: order++, callback }
      pending++
      push(entry)
      return {
        cancel() {
          if (entry.callback === undefined) return
          entry.callback = undefined
          pending--
        },
      }
    },
    advance: ms => goTo(nowMs + ms, false),
    runAll: (limitMs = Number.POSITIVE_INFINITY) => goTo(nowMs + limitMs, true),
    stepEpoch(byMs) {
      epochOffsetMs += byMs
    },
    get pendingTimers() {
      return pending
    },
  }
}
