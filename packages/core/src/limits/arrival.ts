import { DRIFT } from './guard.ts'

/** Clocks drift apart: only the last two minutes count, in six slots. */
const SLOT_MS = 20_000
const SLOTS = 6
/** As with round trips: the smallest of them decide, once enough answers are in. */
const SMALLEST = 16
const ENOUGH = 40
/** Times in answers are whole milliseconds, rounded down. */
export const ROUNDED_MS = 1

interface Slot {
  index: number
  count: number
  /** Of the round trips. */
  shortestMs: number
  /** Leads, ascending, at most {@link SMALLEST}. */
  readonly smallest: number[]
}

/**
 * Both of the same answers. The way there is in the lead, and no longer than its round trip: the server's clock is ahead of
 * ours by `leadMs − shortestMs` at the least.
 */
interface Least {
  /** What to add to the instant of sending for the earliest arrival on the server's clock. */
  readonly leadMs: number
  /** The shortest round trip. */
  readonly shortestMs: number
}

/**
 * When, on the server's clock, a request sent now can arrive at the earliest. Learned from answers that carry the server's
 * time: `serverTime − sentAt` is the way there plus the offset of the clocks, and that sum is all that is needed.
 */
export class Arrival {
  readonly #slots: Slot[] = []
  /** When the latest {@link SMALLEST} answers were in; the oldest of them stands at `#count % SMALLEST`. */
  readonly #latest: number[] = []
  #count = 0
  /** The offset lay between these when it was last seen. */
  #offsetFromMs = Number.NEGATIVE_INFINITY
  #offsetToMs = Number.POSITIVE_INFINITY
  #seenAtMs = 0

  /**
   * @param serverTimeMs the server's clock when it counted the call, or later, epoch milliseconds
   * @param isWarm whether the call went over an open connection: a handshake is no part of the way that others take
   */
  add(serverTimeMs: number, sentAtMs: number, receivedAtMs: number, isWarm: boolean): void {
    this.#checkOffset(serverTimeMs - receivedAtMs, serverTimeMs + ROUNDED_MS - sentAtMs, receivedAtMs)
    if (!isWarm) return
    const index = Math.floor(receivedAtMs / SLOT_MS)
    let slot = this.#slots[index % SLOTS]
    if (slot === undefined || slot.index !== index) {
      slot = { index, count: 0, shortestMs: Number.POSITIVE_INFINITY, smallest: [] }
      this.#slots[index % SLOTS] = slot
    }
    slot.count++
    slot.shortestMs = Math.min(slot.shortestMs, receivedAtMs - sentAtMs)
    this.#latest[this.#count++ % SMALLEST] = receivedAtMs
    const leadMs = serverTimeMs - sentAtMs
    const { smallest } = slot
    if (smallest.length === SMALLEST) {
      if (leadMs >= (smallest[SMALLEST - 1] as number)) return
      smallest.pop()
    }
    let i = smallest.length
    while (i > 0 && (smallest[i - 1] as number) > leadMs) i--
    smallest.splice(i, 0, leadMs)
  }

  /** What the answers of the last two minutes say of the way there; undefined until known. */
  least(nowMs: number): Least | undefined {
    const index = Math.floor(nowMs / SLOT_MS)
    let count = 0
    let shortestMs = Number.POSITIVE_INFINITY
    const smallest: number[] = []
    for (const slot of this.#slots) {
      if (slot === undefined || slot.index <= index - SLOTS) continue
      count += slot.count
      shortestMs = Math.min(shortestMs, slot.shortestMs)
      smallest.push(...slot.smallest)
    }
    if (count < ENOUGH) return undefined
    smallest.sort((a, b) => a - b)
    const first = smallest[0] as number
    // Clocks that drift apart show in the smallest of them only while there are new ones.
    const driftMs = (nowMs - (this.#latest[this.#count % SMALLEST] as number)) * DRIFT
    const spreadMs = (smallest[SMALLEST - 1] as number) - first
    return { leadMs: first - driftMs - 2 * spreadMs, shortestMs }
  }

  /** The server's answer narrows the offset down. One that contradicts it means that a clock was set: all is learned anew. */
  #checkOffset(fromMs: number, toMs: number, nowMs: number): void {
    const driftMs = (nowMs - this.#seenAtMs) * DRIFT
    this.#seenAtMs = nowMs
    this.#offsetFromMs -= driftMs
    this.#offsetToMs += driftMs
    if (fromMs > this.#offsetToMs || toMs < this.#offsetFromMs) {
      this.#slots.length = 0
      this.#offsetFromMs = fromMs
      this.#offsetToMs = toMs
      return
    }
    this.#offsetFromMs = Math.max(this.#offsetFromMs, fromMs)
    this.#offsetToMs = Math.min(this.#offsetToMs, toMs)
  }
}
