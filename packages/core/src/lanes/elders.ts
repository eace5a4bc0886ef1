import type { Gate } from '../ports/ledger.ts'
import { elderStanding, isOld, isOlder, isOvertaken } from './age.ts'
import type { Lane } from './lane.ts'
import type { Room } from './room.ts'

/** What the elders need of the waiting rooms. */
export interface Elderly {
  roomOf(gate: Gate): Room | undefined
  costOf(gate: Gate, lane: Lane): number
  /** The lane's standing is another: so is its place, if it waits. */
  moved(lane: Lane, nowMs: number): void
  /** The lane, which waits for the gate, goes before others now: what it needs is kept for it. */
  chosen(lane: Lane, gate: Gate, nowMs: number): void
}

/**
 * Nothing starves. Of the call that waits for longest at a gate the tokens are counted for which it is passed over: those of
 * higher priorities, and of who got past it at another gate. When they are enough and the call is old, its lane becomes the
 * gate's elder: until its call has gone it goes before everybody but older elders, at all its gates, and what it needs there
 * is kept for it. One at a time for each gate: a flood of old calls gets its part, not more.
 */
export class Elders {
  readonly #rooms: Elderly

  constructor(rooms: Elderly) {
    this.#rooms = rooms
  }

  /** The lane's head goes now. */
  overtakes(lane: Lane, nowMs: number): void {
    for (const gate of lane.passage.gates) {
      const room = this.#rooms.roomOf(gate)
      if (room === undefined) continue
      const cost = this.#rooms.costOf(gate, lane)
      if (cost === 0) continue
      const { oldest } = room
      if (oldest === undefined) continue
      const standing = elderStanding(oldest)
      // Whoever has a reserve here overtakes nobody from whom it is kept.
      if (lane.priority > standing) continue
      if (oldest.overtakenCall !== oldest.first) {
        oldest.overtakenCall = oldest.first
        oldest.overtaken = 0
      }
      // By all gates together: those behind several are tossed from one to the other.
      oldest.overtaken += this.#isInTurn(lane, oldest, room) ? cost / this.#turns(room, oldest) : cost
      // The lane's right, if it has it here, ends with this.
      const isTaken = room.elder !== undefined && room.elder !== lane
      if (isTaken || oldest.elderOf !== undefined || !isOld(oldest.age, gate, nowMs)) continue
      if (!isOvertaken(oldest.overtaken, this.#rooms.costOf(gate, oldest))) continue
      room.elder = oldest
      oldest.elderOf = room
      oldest.elderCall = oldest.first
      oldest.standing = standing
      // Among elders the older goes first, and what their groups were served does not count.
      oldest.rank = oldest.age.sinceMs
      this.#rooms.moved(oldest, nowMs)
      this.#rooms.chosen(oldest, gate, nowMs)
    }
  }

  /**
   * About how many go in their turns before it is the lane's: together they count as one that passed it over. More, and the
   * oldest of many accounts would go before its turn; nothing, and a call would wait for ever whose account's others take
   * all its turns.
   */
  #turns(room: Room, oldest: Lane): number {
    return Math.max(2, room.waiters.size + (oldest.cohort?.lanes.size ?? 0))
  }

  /** It is an equal of the waiting one whose turn came before; an elder's is before whoever came after it, at every gate. */
  #isInTurn(lane: Lane, oldest: Lane, room: Room): boolean {
    if (lane.elderOf !== undefined) return isOlder(lane.age, oldest.age)
    if (lane.priority !== oldest.priority) return false
    // What its group was served at other gates is no reason to pass it over here.
    const [rank, oldestRank] = [lane, oldest].map(each => Math.max(each.turn, room.served.get(each.group) ?? 0)) as [
      number,
      number,
    ]
    return rank !== oldestRank ? rank < oldestRank : lane.turn < oldest.turn
  }

  /** The lane waits as any other again. */
  dismiss(lane: Lane, nowMs: number): void {
    const room = lane.elderOf
    if (room === undefined) return
    if (room.elder === lane) room.elder = undefined
    lane.elderOf = lane.elderCall = undefined
    lane.standing = lane.priority
    lane.rank = lane.turn
    this.#rooms.moved(lane, nowMs)
  }

  /** It has to wait for long at another gate: its right is one of that gate now, if nobody has it there. */
  moveTo(room: Room, lane: Lane, nowMs: number): void {
    if (room.gate.kind === 'hold' || room.elder !== undefined) {
      this.dismiss(lane, nowMs)
      return
    }
    if (lane.elderOf?.elder === lane) lane.elderOf.elder = undefined
    lane.elderOf = room
    room.elder = lane
  }

  /** The right is the call's, not its lane's. */
  headChanged(lane: Lane, nowMs: number): void {
    if (lane.elderCall !== lane.first) this.dismiss(lane, nowMs)
  }
}
