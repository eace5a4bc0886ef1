import type { Lane } from '../lanes/lane.ts'
import { Waiting } from '../lanes/waiting.ts'
import type { Gate, LedgerSession, Passage } from '../ports/ledger.ts'
import type { Call, Place } from './call.ts'
import type { Queue } from './queue.ts'
import { Ways } from './ways.ts'

/** Whose head is judged next: lanes that nobody waits before come at once, all others when their rooms wake. */
export class Turns {
  readonly #ledger: LedgerSession
  readonly #queue: Queue
  readonly #waiting: Waiting
  readonly #ways: Ways
  /** Lanes whose head is judged next, whatever their turn: nobody waits before them at any of their gates. */
  #fresh: Lane[] = []

  /** @param queue must tell {@link Turns.enter} of its new lanes */
  constructor(ledger: LedgerSession, queue: Queue, fairBy: string) {
    this.#ledger = ledger
    this.#queue = queue
    this.#ways = new Ways(ledger)
    this.#waiting = new Waiting(
      {
        readyAtMs: (gate, tokens, atMs) => ledger.readyAtMs(gate, tokens, atMs),
        // A lane whose last call was just taken back needs nothing.
        costOf: (gate, lane) => (lane.first === undefined ? 0 : ledger.costOf(gate, lane.first as Place)),
        reservedOf: (gate, lane, atMs) =>
          lane.first === undefined ? 0 : ledger.reservedOf(gate, lane.first as Place, atMs),
        sizeOf: gate => ledger.sizeOf(gate),
        areOne: ({ first: a }, { first: b }) =>
          queue.withWays > 0 && a !== undefined && b !== undefined && (a as Place).call === (b as Place).call,
      },
      fairBy,
    )
  }

  /** Nobody waits for any gate. */
  get isEmpty(): boolean {
    return this.#waiting.isEmpty
  }

  /** A lane is to be judged before anything changes. */
  get isDue(): boolean {
    return this.#fresh.length > 0
  }

  /** When a gate has tokens for somebody who waits at it; Infinity when only an answer can wake one. */
  get wakeAtMs(): number {
    return this.#waiting.wakeAtMs
  }

  /** Whether a call of this priority that comes now has to wait behind others. */
  isAwaited(passage: Passage, priority: number): boolean {
    return this.#waiting.isAwaited(passage, priority)
  }

  /** Something about the gate has changed. */
  changed(gate: Gate, nowMs: number): void {
    this.#waiting.changed(gate, nowMs)
  }

  // Who comes

  /** The lane is new. */
  enter(lane: Lane): void {
    this.#ledger.retain(lane.passage)
    this.#waiting.enter(lane)
  }

  /** The call has come to the end of its lanes. */
  came(call: Call, nowMs: number): void {
    if (call.ways === undefined) {
      this.#settle(call.lane as Lane, nowMs)
      return
    }
    // Behind others of its lanes it need not be looked at.
    if (call.places.every(({ lane }) => lane === undefined || lane.size > 1)) return
    for (const { lane } of this.#ways.inOrder(call, nowMs)) if (lane !== undefined) this.#settle(lane, nowMs)
  }

  /** The call, refused by its server, has come to the head of its lanes. */
  cameBack(call: Call, nowMs: number): void {
    for (const { lane } of call.ways === undefined ? [call] : this.#ways.inOrder(call, nowMs)) {
      if (lane === undefined) continue
      if (lane.size === 1) this.#settle(lane, nowMs)
      else this.#waiting.changedFor(lane, nowMs)
    }
  }

  // Who is judged

  /** At most so many lanes, taken out for judging. */
  next(most: number, nowMs: number): Lane[] {
    const lanes: Lane[] = []
    let putOff: Lane[] | undefined
    while (lanes.length < most) {
      const lane = this.#waiting.takeNext(nowMs) ?? this.#fresh.shift()
      if (lane === undefined) break
      if (most > 1 && isJudgedElsewhere(lane)) {
        putOff ??= []
        putOff.push(lane)
        continue
      }
      const claim = this.#waiting.claimBefore(lane, nowMs)
      if (claim !== undefined) this.#waiting.place(lane, claim.gate, nowMs)
      else {
        lane.judging = true
        lanes.push(lane)
      }
    }
    if (putOff !== undefined) this.#fresh.push(...putOff)
    return lanes
  }

  /** The gate refuses the lane's head: it waits there. */
  refused(lane: Lane, gate: Gate, nowMs: number): void {
    this.#waiting.place(lane, gate, nowMs)
  }

  /** The lane's head, which is at this place, goes. */
  admitted(lane: Lane, place: Place, nowMs: number): void {
    const { call } = place
    this.#waiting.overtakes(lane, nowMs)
    const others = call.ways && stood(call.places.filter(other => other !== place))
    this.#queue.take(call)
    this.#waiting.admitted(lane, nowMs)
    if (lane.size === 0) this.#forget(lane, nowMs)
    else if (lane.wokenBy === undefined) this.#fresh.push(lane)
    else this.#waiting.requeue(lane, lane.wokenBy, nowMs)
    if (others !== undefined) this.#left(others, nowMs)
  }

  /** What was judged is in the lane no more: the next one is judged, if there is one. */
  judgedInVain(lane: Lane, nowMs: number): void {
    if (lane.size === 0) this.#forget(lane, nowMs)
    else this.#fresh.push(lane)
  }

  /** Forgets what nobody needs any more. Not while a lane is under judgement. */
  tidy(): void {
    this.#waiting.tidy()
  }

  // Who leaves

  /** The call leaves all its lanes without being admitted. */
  leave(call: Call, nowMs: number): void {
    const places = stood(call.places)
    this.#queue.take(call)
    this.#left(places, nowMs)
  }

  /** A lane that has just got its only call waits behind others, or is judged. */
  #settle(lane: Lane, nowMs: number): void {
    // One under judgement is looked at again when its decision is in.
    if (lane.size > 1 || lane.judging) return
    const blocker = this.#waiting.blockerOf(lane)
    if (blocker === undefined) this.#fresh.push(lane)
    else this.#waiting.place(lane, blocker, nowMs)
  }

  #left(places: readonly Stood[], nowMs: number): void {
    for (const { lane, wasHead } of places) {
      if (lane === undefined) continue
      if (lane.size === 0) {
        // One under judgement is forgotten when its decision is in.
        if (!lane.judging) this.#forget(lane, nowMs)
      } else if (wasHead) this.#waiting.changedFor(lane, nowMs)
    }
  }

  #forget(lane: Lane, nowMs: number): void {
    this.#queue.drop(lane)
    this.#waiting.exit(lane, nowMs)
    this.#ledger.release(lane.passage)
    this.#fresh = this.#fresh.filter(other => other !== lane)
  }
}

/** Where a call has stood that is in no lane any more. */
interface Stood {
  readonly lane: Lane | undefined
  readonly wasHead: boolean
}

function stood(places: readonly Place[]): readonly Stood[] {
  return places.map(place => ({ lane: place.lane, wasHead: place.lane?.first === place }))
}

/** Its head is about to be judged by other labels: it must not get two tickets. */
function isJudgedElsewhere(lane: Lane): boolean {
  const { call } = lane.first as Place
  return call.ways !== undefined && call.places.some(place => place.lane?.judging && place.lane.first === place)
}
