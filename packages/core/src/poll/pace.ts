import { Heap } from '../lanes/heap.ts'
import type { Gate } from '../ports/ledger.ts'
import type { Agenda, Timed } from './agenda.ts'
import type { Poller } from './poller.ts'
import type { Tick } from './tick.ts'

/** Never faster than this share of `windowMs / limit`: a bunch in an exact window would stay a bunch for ever. */
const FASTEST = 0.9
/** Hosts' timers come up to so much late; who has waited for one too long may follow sooner. */
const LATE_MS = 2
/**
 * So many places are kept for those who wait elsewhere, for each other limit that they draw on; for a cap, one. With fewer,
 * of three limits and unequal weights some poller was 30 % and more off its share; all that are kept may leave together.
 */
const MOST_KEPT = 2
/** A ledger elsewhere answers within so long: calls for that time may be with it. */
const LEDGER_MS = 50

/** What a pace needs to know of its gate. */
export interface PacedGate {
  /** Between two tokens, when they come back evenly; 0 of a cap or a hold. */
  spacingMs(): number
  /** Tokens per window; Infinity of a hold. */
  size(): number
}

/**
 * The pace at which pollers leave one gate, and who goes next there. Shares are kept in virtual time: each call moves its
 * poller on by cost / weight, and the one that is furthest behind goes first.
 */
export class Pace implements Timed {
  readonly kind: Gate['kind']
  readonly key: string
  readonly ready = new Heap<Poller>(goesFirst)
  /** Pollers that draw on the gate. */
  members = 0
  /** Their turn has come here, and is kept for them while they wait for another gate's. */
  readonly kept = new Set<Poller>()
  /** Released, not started: they stand at the gate, or on the way to it. */
  readonly scouts = new Set<Tick>()
  atMs = Number.POSITIVE_INFINITY
  heapIndex = -1
  readonly #gate: PacedGate
  readonly #start: (poller: Poller, nowMs: number, turnAt: Pace) => void
  readonly #agenda: Agenda
  readonly #answersLater: () => boolean
  #nextAtMs = Number.NEGATIVE_INFINITY
  #virtual = 0

  constructor(
    kind: Gate['kind'],
    key: string,
    gate: PacedGate,
    agenda: Agenda,
    answersLater: () => boolean,
    start: (poller: Poller, nowMs: number, turnAt: Pace) => void,
  ) {
    this.kind = kind
    this.key = key
    this.#gate = gate
    this.#agenda = agenda
    this.#answersLater = answersLater
    this.#start = start
  }

  /** For how long those will be leaving who wait here. */
  get queueMs(): number {
    return this.ready.size * this.#gate.spacingMs()
  }

  /** One after the other; caps and holds let go whoever comes. */
  get isPaced(): boolean {
    return this.#gate.spacingMs() > 0
  }

  /** About how long until its turn: of those who wait here, who has just been served sees all go first. */
  waitOf(poller: Poller, nowMs: number): number {
    const ahead = ((this.tagOf(poller) - this.#virtual) * poller.weight) / this.#costOf(poller)
    return Math.max(0, this.#nextAtMs - nowMs) + Math.min(1, Math.max(0, ahead)) * this.queueMs
  }

  /** When the next poller may leave. */
  get nextAtMs(): number {
    return this.#nextAtMs
  }

  /** Whether its turn can be kept for a poller that has to wait for another gate's. */
  canKeepFor(poller: Poller): boolean {
    if (!this.isPaced) return false
    let most = 0
    for (const pace of poller.allPaces.keys()) if (pace !== this) most += pace.isPaced ? MOST_KEPT : 1
    return this.kept.size < most
  }

  /** The gate, not the pace, is what holds pollers back: one stands there already, of this priority or more. */
  isFull(priority: number): boolean {
    const spacingMs = this.#gate.spacingMs()
    const most = this.#answersLater() ? Math.max(2, Math.ceil(LEDGER_MS / Math.max(spacingMs, 1))) : 1
    let standing = 0
    for (const tick of this.scouts) {
      if (tick.standsElsewhere(this)) this.scouts.delete(tick)
      else if (tick.priority >= priority && ++standing >= most) return true
    }
    return false
  }

  /** Somebody who waits here goes before the poller. */
  hasBefore(poller: Poller): boolean {
    const first = this.ready.peek()
    return first !== undefined && goesFirst(first, { ...rankOf(poller), tag: this.#rankTag(poller) })
  }

  /** Where the poller stands in the order of shares. One that was away loses what it missed, but for one call. */
  tagOf(poller: Poller): number {
    const tag = poller.tags.get(this)
    return tag === undefined ? this.#virtual : Math.max(tag, this.#virtual - this.#costOf(poller) / poller.weight)
  }

  enter(poller: Poller, nowMs: number): void {
    poller.room = this
    poller.tag = this.#rankTag(poller)
    this.ready.push(poller)
    this.retime(nowMs)
  }

  leave(poller: Poller): void {
    poller.room = undefined
    this.ready.remove(poller)
    if (this.ready.size === 0) this.#agenda.drop(this)
  }

  /** The poller has had its share. */
  charge(poller: Poller, cost: number): void {
    const tag = this.tagOf(poller)
    this.#virtual = Math.max(this.#virtual, tag)
    poller.tags.set(this, tag + cost / poller.weight)
  }

  /**
   * A call leaves at `atMs`.
   * @param free tokens that the gate has now, Infinity if nobody knows
   */
  take(cost: number, free: number, atMs: number): void {
    const spacingMs = this.#gate.spacingMs() * cost
    if (spacingMs === 0) return
    // While tokens are left over nothing is lost by an even pace, and the bunch in which they came is gone after one
    // window. With next to none left the gate sets the pace: then what was late is made up for.
    const isScarce = free <= Math.sqrt(this.#gate.size())
    this.#nextAtMs = Math.max(
      Math.max(this.#nextAtMs, atMs - this.#lateMs(cost)) + spacingMs * (isScarce ? FASTEST : 1),
      atMs + this.#leastMs(cost),
    )
  }

  /** A call that had to wait at the gate has left it only now. */
  started(cost: number, nowMs: number): void {
    if (this.#answersLater()) return
    this.#nextAtMs = Math.max(this.#nextAtMs, nowMs + this.#leastMs(cost))
  }

  due(nowMs: number): void {
    for (let first = this.ready.peek(); first !== undefined; first = this.ready.peek()) {
      if (this.#nextAtMs > nowMs || this.isFull(first.priority)) break
      this.leave(first)
      this.#start(first, nowMs, this)
    }
    this.retime(nowMs)
  }

  /** Who waits for somebody's start is not woken by time. */
  retime(nowMs: number): void {
    const first = this.ready.peek()
    if (first === undefined || this.isFull(first.priority)) this.#agenda.drop(this)
    else this.#agenda.set(this, Math.max(this.#nextAtMs, nowMs))
  }

  /** At a hold, one. */
  #costOf(poller: Poller): number {
    return poller.allPaces.get(this) ?? 1
  }

  /** By the end of its next call: of those who were away, who is to have more goes sooner. */
  #rankTag(poller: Poller): number {
    return this.tagOf(poller) + this.#costOf(poller) / poller.weight
  }

  /** What was late by so much does not shift what comes after it. */
  #lateMs(cost: number): number {
    return Math.max((1 - FASTEST) * this.#gate.spacingMs() * cost, LATE_MS)
  }

  #leastMs(cost: number): number {
    const spacingMs = this.#gate.spacingMs() * cost
    return spacingMs === 0 ? 0 : Math.max(0, Math.min(FASTEST * spacingMs, spacingMs - LATE_MS))
  }
}

interface Rank {
  readonly priority: number
  readonly tag: number
  readonly order: number
}

const rankOf = ({ priority, tag, order }: Rank): Rank => ({ priority, tag, order })

/** Higher priority first, then the one furthest behind its share, then the one served longest ago. */
function goesFirst(a: Rank, b: Rank): boolean {
  if (a.priority !== b.priority) return a.priority > b.priority
  return a.tag !== b.tag ? a.tag < b.tag : a.order < b.order
}
