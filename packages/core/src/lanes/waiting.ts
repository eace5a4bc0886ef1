import type { Gate, Passage } from '../ports/ledger.ts'
import { Claims } from './claims.ts'
import { Elders } from './elders.ts'
import type { GateKeeper } from './gate-keeper.ts'
import { Heap } from './heap.ts'
import { goesBefore, type Lane } from './lane.ts'
import { Cohort, Room, roomOf } from './room.ts'

/**
 * Who goes next. Every lane that cannot go waits in the room of the gate that refuses it; a room wakes when its gate
 * has tokens for its first lane; among woken rooms the smallest turn goes first.
 */
export class Waiting {
  readonly #keeper: GateKeeper
  readonly #fairBy: string
  readonly #rooms = new Map<Gate, Room>()
  readonly #cohorts = new Map<string, Cohort>()
  readonly #timed = new Heap<Room>((a, b) => a.wakeAtMs < b.wakeAtMs)
  readonly #due = new Heap<Room>((a, b) => goesBefore(a.top as Lane, b.top as Lane))
  /** Rooms that may have become empty; kept until the judging is over, for a lane under judgement may come back. */
  readonly #untidy: Room[] = []
  readonly #elders: Elders
  readonly #claims: Claims
  #turns = 0

  constructor(keeper: GateKeeper, fairBy: string) {
    this.#keeper = keeper
    this.#fairBy = fairBy
    this.#claims = new Claims(keeper, {
      knownRoomOf: gate => this.#rooms.get(gate),
      roomOf: gate => this.#room(gate),
      retime: (room, nowMs) => this.#retime(room, nowMs),
    })
    this.#elders = new Elders({
      roomOf: gate => this.#rooms.get(gate),
      costOf: (gate, lane) => keeper.costOf(gate, lane),
      moved: (lane, nowMs) => this.#moved(lane, nowMs),
      chosen: (lane, gate, nowMs) => this.#claims.make(lane, gate, nowMs),
    })
  }

  get isEmpty(): boolean {
    return this.#rooms.size === 0
  }

  /** Infinity when only an answer can wake somebody. */
  get wakeAtMs(): number {
    return this.#due.size > 0 ? Number.NEGATIVE_INFINITY : (this.#timed.peek()?.wakeAtMs ?? Number.POSITIVE_INFINITY)
  }

  enter(lane: Lane): void {
    lane.turn = lane.rank = ++this.#turns
    const shared = lane.passage.gates.filter(gate => !gate.by.includes(this.#fairBy))
    if (shared.length === 0) return
    const key = shared.map(gate => gate.key).join('\n')
    let cohort = this.#cohorts.get(key)
    if (cohort === undefined) {
      cohort = new Cohort(key, shared)
      this.#cohorts.set(key, cohort)
      for (const gate of shared) this.#room(gate).cohorts++
    }
    cohort.members++
    lane.cohort = cohort
  }

  /** The lane has no more calls and is forgotten. */
  exit(lane: Lane, nowMs: number): void {
    this.leave(lane, nowMs)
    const { cohort } = lane
    if (cohort === undefined || --cohort.members > 0) return
    this.#cohorts.delete(cohort.key)
    for (const gate of cohort.gates) {
      const room = this.#room(gate)
      room.cohorts--
      this.#untidy.push(room)
    }
  }

  /** The gate at which others wait already, so that a lane which comes now must wait behind them, unjudged. */
  blockerOf(lane: Lane): Gate | undefined {
    const draws = (gate: Gate) => this.#keeper.costOf(gate, lane) > 0
    const room = lane.cohort?.room
    if (room !== undefined && draws(room.gate)) return room.gate
    return lane.passage.gates.find(gate => this.#isAwaited(gate, lane) && draws(gate))
  }

  /** Whether a call of this priority that comes now has to wait behind others. */
  isAwaited(passage: Passage, priority: number): boolean {
    return passage.gates.some(gate => {
      const room = this.#rooms.get(gate)
      return [room?.top, room?.claim].some(lane => lane !== undefined && lane.standing >= priority)
    })
  }

  /** An older lane's claim on one of the lane's gates that leaves nothing for it. */
  claimBefore(lane: Lane, nowMs: number): { gate: Gate; readyAtMs: number } | undefined {
    return this.#claims.before(lane, nowMs)
  }

  /** The lane waits for `gate`, with the turn it has. */
  place(lane: Lane, gate: Gate, nowMs: number): void {
    lane.age.set(lane, nowMs)
    if (this.#claims.areWasted(lane, gate, nowMs)) this.#elders.moveTo(this.#room(gate), lane, nowMs)
    if (lane.wokenBy !== undefined && lane.wokenBy !== gate) {
      lane.wokenBy = undefined
      this.#claims.bounced(lane, gate, nowMs)
    }
    if (lane.elderOf !== undefined) this.#claims.make(lane, gate, nowMs)
    const room = this.#room(gate)
    const { cohort } = lane
    if (cohort === undefined || !cohort.gates.includes(gate)) {
      lane.room = room
      room.add(lane)
      this.#retime(room, nowMs)
      return
    }
    cohort.add(lane)
    if (cohort.room === room) room.update(cohort)
    else {
      this.#leaveRoom(cohort, nowMs)
      cohort.room = room
      room.add(cohort)
    }
    this.#retime(room, nowMs)
  }

  /** The lane was admitted and has more calls: it waits on, behind all that wait already. */
  requeue(lane: Lane, gate: Gate, nowMs: number): void {
    lane.wokenBy = undefined
    this.place(lane, lane.cohort?.room?.gate ?? gate, nowMs)
  }

  /** The lane's head goes now, before any of lower priority. */
  overtakes(lane: Lane, nowMs: number): void {
    this.#elders.overtakes(lane, nowMs)
  }

  /** A call of the lane goes: its next one has a new turn, and so have all of its group at the gates they contend for. */
  admitted(lane: Lane, nowMs: number): void {
    lane.turn = lane.rank = ++this.#turns
    lane.bounces = 0
    this.#elders.dismiss(lane, nowMs)
    this.#claims.drop(lane, nowMs)
    for (const gate of lane.cohort?.gates ?? []) {
      const room = this.#rooms.get(gate)
      if (room === undefined) continue
      room.serve(lane.group, lane.turn)
      // Its first lane may be of this group: the one that comes before it now may need fewer tokens.
      this.#retime(room, nowMs)
    }
  }

  /** Takes the lane out, to be judged anew or forgotten. A lane under judgement is out already. */
  leave(lane: Lane, nowMs: number): void {
    this.#claims.drop(lane, nowMs)
    this.#elders.dismiss(lane, nowMs)
    const { cohort, room } = lane
    lane.room = undefined
    if (room !== undefined) {
      room.remove(lane)
      this.#retime(room, nowMs)
    } else if (cohort?.lanes.has(lane)) this.#takeFromCohort(cohort, lane, nowMs)
  }

  /** Something about the gate has changed: its room may wake earlier. */
  changed(gate: Gate, nowMs: number): void {
    const room = this.#rooms.get(gate)
    if (room !== undefined) this.#retime(room, nowMs)
  }

  /** The lane has another head. */
  changedFor(lane: Lane, nowMs: number): void {
    lane.age.set(lane, nowMs)
    this.#elders.headChanged(lane, nowMs)
    this.#moved(lane, nowMs)
  }

  /** The lane whose turn it is, taken out for judging; undefined when no gate has tokens for anybody waiting at it. */
  takeNext(nowMs: number): Lane | undefined {
    for (let room = this.#timed.peek(); room !== undefined && room.wakeAtMs <= nowMs; room = this.#timed.peek()) {
      this.#retime(room, nowMs)
    }
    for (let room = this.#due.peek(); room !== undefined; room = this.#due.peek()) {
      // Somebody else may have taken the tokens in the meantime.
      if (this.#readyAtMs(room, nowMs) > nowMs) {
        this.#retime(room, nowMs)
        continue
      }
      // Its first lane may have changed, and with it the room's place.
      if (this.#due.peek() !== room) continue
      const lane = room.top as Lane
      if (this.#isPassing(lane, room, nowMs)) continue
      const { cohort } = lane
      if (lane.room === undefined) this.#takeFromCohort(cohort as Cohort, lane, nowMs)
      else {
        lane.room = undefined
        room.remove(lane)
        if (room.gate.kind !== 'hold' && cohort?.room !== undefined) {
          // Its own gate is free again; at the shared ones others wait: it takes its turn among them, unjudged.
          this.#retime(room, nowMs)
          lane.age.set(lane, nowMs)
          cohort.add(lane)
          cohort.room.update(cohort)
          this.#retime(cohort.room, nowMs)
          continue
        }
        this.#retime(room, nowMs)
      }
      lane.wokenBy = room.gate
      return lane
    }
    return undefined
  }

  /** Forgets the rooms that nobody needs any more. Not while a lane is under judgement. */
  tidy(): void {
    for (let room = this.#untidy.pop(); room !== undefined; room = this.#untidy.pop()) {
      if (room.waiters.size === 0 && room.cohorts === 0 && room.claim === undefined) this.#rooms.delete(room.gate)
    }
  }

  /**
   * Whether somebody at another of its gates, who goes before it, can go now: what was learned of a route since that room's
   * time was set may have brought it forward.
   */
  #isPassing(lane: Lane, room: Room, nowMs: number): boolean {
    for (const gate of lane.passage.gates) {
      const other = gate === room.gate ? undefined : this.#rooms.get(gate)
      const first = other?.top
      if (other === undefined || first === undefined || other.wakeAtMs <= nowMs || !goesBefore(first, lane)) continue
      this.#retime(other, nowMs)
      if (other.wakeAtMs <= nowMs) return true
    }
    return false
  }

  #isAwaited(gate: Gate, by: Lane | undefined): boolean {
    const room = this.#rooms.get(gate)
    return room !== undefined && (room.waiters.size > 0 || (room.claim !== undefined && room.claim !== by))
  }

  #room(gate: Gate): Room {
    let room = this.#rooms.get(gate)
    if (room === undefined) {
      room = new Room(gate)
      this.#rooms.set(gate, room)
      this.#untidy.push(room)
    }
    return room
  }

  #readyAtMs(room: Room, nowMs: number): number {
    const lane = this.#firstOf(room, nowMs)
    if (lane === undefined) return Number.POSITIVE_INFINITY
    return this.#claims.readyAtMs(room, lane, nowMs)
  }

  #retime(room: Room, nowMs: number): void {
    const wakeAtMs = this.#readyAtMs(room, nowMs)
    if (room.waiters.size === 0) this.#untidy.push(room)
    const wasDue = this.#due.has(room)
    const wasTimed = this.#timed.has(room)
    room.wakeAtMs = wakeAtMs
    if (wakeAtMs <= nowMs) {
      if (wasTimed) this.#timed.remove(room)
      if (wasDue) this.#due.update(room)
      else this.#due.push(room)
      return
    }
    if (wasDue) this.#due.remove(room)
    if (wakeAtMs === Number.POSITIVE_INFINITY) {
      if (wasTimed) this.#timed.remove(room)
    } else if (wasTimed) this.#timed.update(room)
    else this.#timed.push(room)
  }

  /** The first lane by the ranks of now: those kept in the order may be of before their group was served. */
  #firstOf(room: Room, nowMs: number): Lane | undefined {
    for (let lane = room.top; lane !== undefined; lane = room.top) {
      if (!this.#rerank(lane, room, nowMs)) return lane
    }
    return undefined
  }

  /** Where its group was served since the lane got its turn, the lane's rank is that of its group. */
  #rerank(lane: Lane, room: Room, nowMs: number): boolean {
    if (lane.elderOf !== undefined) return false
    let rank = lane.turn
    for (const gate of lane.cohort?.gates ?? [])
      rank = Math.max(rank, this.#rooms.get(gate)?.served.get(lane.group) ?? 0)
    if (rank <= lane.rank) return false
    lane.rank = rank
    this.#sort(lane, room)
    // Whoever goes before it now is no longer kept from what it claims.
    this.#claims.retime(lane, nowMs)
    return true
  }

  /** The lane's place among those that wait has changed. */
  #moved(lane: Lane, nowMs: number): void {
    const room = roomOf(lane)
    if (room !== undefined) {
      this.#sort(lane, room)
      this.#retime(room, nowMs)
    }
    this.#claims.retime(lane, nowMs)
  }

  #sort(lane: Lane, room: Room): void {
    if (lane.room === undefined) {
      const cohort = lane.cohort as Cohort
      cohort.update(lane)
      room.update(cohort)
    } else room.update(lane)
    if (this.#due.has(room)) this.#due.update(room)
  }

  #takeFromCohort(cohort: Cohort, lane: Lane, nowMs: number): void {
    cohort.remove(lane)
    const room = cohort.room as Room
    if (cohort.lanes.size > 0) {
      room.update(cohort)
      this.#retime(room, nowMs)
    } else this.#leaveRoom(cohort, nowMs)
  }

  #leaveRoom(cohort: Cohort, nowMs: number): void {
    const { room } = cohort
    if (room === undefined) return
    cohort.room = undefined
    room.remove(cohort)
    this.#retime(room, nowMs)
  }
}
