/** Samples are kept in ten-minute slots, six of them: a route that became slower is believed after an hour. */
const SLOT_MS = 600_000
const SLOTS = 6
/** How many of the smallest round trips decide. */
const SMALLEST = 16
/** Before so many answers the smallest ones say nothing of the least possible one. */
const ENOUGH = 40
/** So many refusals in a row that came sooner than any answer are no freaks of the network. */
const DOUBTS = 3

interface Slot {
  index: number
  count: number
  /** Over cold connections. */
  shortestCold: number
  /** Ascending, at most {@link SMALLEST}. */
  readonly smallest: number[]
}

/**
 * The least time that an answer and the next request together need on one route.
 *
 * With m1 … m16 the 16 smallest round trips of the last hour, the floor is `max(0, min(0.9·m1, m1 − 2·(m16 − m1)))`: the
 * smallest seen is above the smallest possible by about as much as the smallest ones lie apart.
 */
export class Floor {
  readonly #slots: Slot[] = []
  #floorMs = 0
  #m1 = Number.POSITIVE_INFINITY
  #judgedSlot = -1
  #stale = false
  #doubts = 0

  /**
   * One round trip of a call that the server counted. Opening a connection only adds to it: over a cold one it tells how
   * long round trips are at most, and nothing of how long they are.
   */
  learn(roundTripMs: number, isWarm: boolean, nowMs: number): void {
    this.#doubts = 0
    if (isWarm) {
      this.add(roundTripMs, nowMs)
      return
    }
    const slot = this.#slotAt(nowMs)
    if (roundTripMs >= slot.shortestCold) return
    slot.shortestCold = roundTripMs
    this.#stale = true
  }

  /** One round trip of a call that went over an open connection and that the server counted. */
  add(roundTripMs: number, nowMs: number): void {
    const slot = this.#slotAt(nowMs)
    slot.count++
    // Only the count that first suffices, or a new small one, changes the floor.
    if (slot.count <= ENOUGH) this.#stale = true
    const { smallest } = slot
    if (smallest.length === SMALLEST) {
      if (roundTripMs >= (smallest[SMALLEST - 1] as number)) return
      smallest.pop()
    }
    let i = smallest.length
    while (i > 0 && (smallest[i - 1] as number) > roundTripMs) i--
    smallest.splice(i, 0, roundTripMs)
    this.#stale = true
  }

  /**
   * One round trip of a call that the server refused. It is no sample: an edge server may have answered. But when several
   * in a row were shorter than any sample, the route may have become faster, and the floor be why: all is learned anew.
   */
  doubt(roundTripMs: number, nowMs: number): void {
    this.#judge(nowMs)
    if (roundTripMs >= this.#m1 || this.#m1 === Number.POSITIVE_INFINITY) return
    if (++this.#doubts < DOUBTS) return
    this.#doubts = 0
    this.#slots.length = 0
    this.#stale = true
  }

  /** The floor now, milliseconds. 0 until 40 answers of the last hour are in. */
  floorMs(nowMs: number): number {
    this.#judge(nowMs)
    return this.#floorMs
  }

  /** No floor of this route is ever above this: nine tenths of the smallest round trip, 0 as long as none is known. */
  ceilingMs(nowMs: number): number {
    this.#judge(nowMs)
    return this.#m1 === Number.POSITIVE_INFINITY ? 0 : 0.9 * this.#m1
  }

  #slotAt(nowMs: number): Slot {
    const index = Math.floor(nowMs / SLOT_MS)
    let slot = this.#slots[index % SLOTS]
    if (slot === undefined || slot.index !== index) {
      slot = { index, count: 0, shortestCold: Number.POSITIVE_INFINITY, smallest: [] }
      this.#slots[index % SLOTS] = slot
      this.#stale = true
    }
    return slot
  }

  #judge(nowMs: number): void {
    const index = Math.floor(nowMs / SLOT_MS)
    if (!this.#stale && index === this.#judgedSlot) return
    this.#stale = false
    this.#judgedSlot = index
    let count = 0
    let shortestCold = Number.POSITIVE_INFINITY
    const smallest: number[] = []
    for (const slot of this.#slots) {
      if (slot === undefined || slot.index <= index - SLOTS) continue
      count += slot.count
      shortestCold = Math.min(shortestCold, slot.shortestCold)
      smallest.push(...slot.smallest)
    }
    smallest.sort((a, b) => a - b)
    const m16 = smallest[SMALLEST - 1]
    this.#m1 = smallest.length === 0 ? Number.POSITIVE_INFINITY : Math.min(shortestCold, smallest[0] as number)
    const m1 = this.#m1
    this.#floorMs = m16 === undefined || count < ENOUGH ? 0 : Math.max(0, Math.min(0.9 * m1, m1 - 2 * (m16 - m1)))
  }
}
