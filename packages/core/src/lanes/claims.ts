import type { Gate } from '../ports/ledger.ts'
import type { GateKeeper } from './gate-keeper.ts'
import { goesBefore, type Lane } from './lane.ts'
import { type Room, roomOf } from './room.ts'

/** A claim leaves one token in so many idle: from this size on it may be made at the first bounce. */
const CHEAP_CLAIM_SIZE = 50
/** At smaller gates a lane is passed over so often before its claim idles their tokens. */
const BOUNCES_BEFORE_CLAIM = 3
/** An elder's claim holds for so many windows: a token is away for a window and its round trip, and it must not miss that. */
const ELDERS_WINDOWS = 2

/** What the claims need of the waiting rooms. */
export interface ClaimedRooms {
  /** Undefined where nobody waits for the gate or claims it. */
  knownRoomOf(gate: Gate): Room | undefined
  roomOf(gate: Gate): Room
  /** Who waits there may go at another time now. */
  retime(room: Room, nowMs: number): void
}

/**
 * Nobody is tossed from gate to gate for ever. A lane that one gate wakes and another refuses, again and again, claims what it
 * needs at all of them: until the others have theirs too, those tokens are kept from everybody younger. One claim a gate: the
 * oldest lane's.
 */
export class Claims {
  readonly #keeper: GateKeeper
  readonly #rooms: ClaimedRooms

  constructor(keeper: GateKeeper, rooms: ClaimedRooms) {
    this.#keeper = keeper
    this.#rooms = rooms
  }

  /** An older lane's claim on one of the lane's gates that leaves nothing for it. */
  before(lane: Lane, nowMs: number): { gate: Gate; readyAtMs: number } | undefined {
    for (const gate of lane.passage.gates) {
      const claim = this.#rooms.knownRoomOf(gate)?.claim
      if (claim === undefined || !this.#isBehind(lane, claim)) continue
      if (this.#keeper.costOf(gate, lane) === 0) continue
      const readyAtMs = this.#keeper.readyAtMs(gate, this.#needs(gate, lane, claim, nowMs), nowMs)
      if (readyAtMs > nowMs) return { gate, readyAtMs }
    }
    return undefined
  }

  /** When the room's gate could let the lane through, and leave what is claimed before it. */
  readyAtMs({ gate, claim }: Room, lane: Lane, nowMs: number): number {
    const isBehind = claim !== undefined && this.#isBehind(lane, claim)
    return this.#keeper.readyAtMs(gate, this.#needs(gate, lane, isBehind ? claim : undefined, nowMs), nowMs)
  }

  /** While an elder waits elsewhere for longer than its tokens here are worth, other old calls may have them. */
  areWasted(lane: Lane, gate: Gate, nowMs: number): boolean {
    const here = lane.elderOf?.gate
    if (here === undefined || here === gate) return false
    return gate.kind === 'hold' || this.#waitMs(lane, gate, nowMs) > ELDERS_WINDOWS * here.windowMs
  }

  /** Another gate has woken the lane, and this one refuses it. */
  bounced(lane: Lane, gate: Gate, nowMs: number): void {
    // Holds last: tokens kept meanwhile would be wasted.
    if (gate.kind === 'hold') {
      this.drop(lane, nowMs)
      return
    }
    lane.bounces++
    const shared = lane.cohort?.gates ?? []
    const cheap = shared.includes(gate) && shared.every(each => this.#keeper.sizeOf(each) >= CHEAP_CLAIM_SIZE)
    if (cheap || lane.bounces >= BOUNCES_BEFORE_CLAIM) this.make(lane, gate, nowMs)
  }

  /** @param gate the one that refuses the lane */
  make(lane: Lane, gate: Gate, nowMs: number): void {
    const waitMs = this.#waitMs(lane, gate, nowMs) / (lane.elderOf === undefined ? 1 : ELDERS_WINDOWS)
    // A claim from an earlier bounce may idle its tokens for longer than this time.
    this.drop(lane, nowMs, waitMs)
    for (const each of lane.passage.gates) {
      // Where an elder itself waits, those who come from other rooms would get past it.
      if (waitMs > each.windowMs && (lane.elderOf === undefined || each !== gate)) continue
      const room = this.#rooms.roomOf(each)
      if (room.claim === lane || (room.claim !== undefined && !goesBefore(lane, room.claim))) continue
      room.claim = lane
      lane.claims ??= []
      lane.claims.push(room)
      this.#rooms.retime(room, nowMs)
    }
  }

  /** Whom the lane's claims hold back has changed. */
  retime(lane: Lane, nowMs: number): void {
    for (const room of lane.claims ?? []) if (room.claim === lane) this.#rooms.retime(room, nowMs)
  }

  /** @param beyondMs only those on gates with a shorter window */
  drop(lane: Lane, nowMs: number, beyondMs = Number.POSITIVE_INFINITY): void {
    const { claims } = lane
    if (claims === undefined) return
    const kept = claims.filter(room => room.gate.windowMs >= beyondMs)
    lane.claims = kept.length === 0 ? undefined : kept
    for (const room of claims) {
      if (room.claim !== lane || room.gate.windowMs >= beyondMs) continue
      room.claim = undefined
      this.#makeAgain(room, lane, nowMs)
      this.#rooms.retime(room, nowMs)
    }
  }

  /** An older lane's claim took the place of that of the elder who waits here. */
  #makeAgain(room: Room, dropped: Lane, nowMs: number): void {
    const { elder } = room
    if (elder === undefined || elder === dropped) return
    const at = roomOf(elder)
    if (at !== undefined) this.make(elder, at.gate, nowMs)
  }

  /** What the other claims is kept from the lane. */
  #isBehind(lane: Lane, claim: Lane): boolean {
    return claim !== lane && goesBefore(claim, lane) && this.#keeper.areOne?.(claim, lane) !== true
  }

  /** Tokens that must be free for the lane to go: its own, and what it leaves, be that reserved or an older lane's claim. */
  #needs(gate: Gate, lane: Lane, claim: Lane | undefined, nowMs: number): number {
    const cost = this.#keeper.costOf(gate, lane)
    const reserved = cost === 0 ? 0 : this.#keeper.reservedOf(gate, lane, nowMs)
    return cost + Math.max(reserved, claim === undefined ? 0 : this.#needs(gate, claim, undefined, nowMs))
  }

  /**
   * For how long a gate that refuses the lane idles what the lane claims elsewhere. A claim on tokens is worth at most the
   * window that they would come back in; a cap's or budget's are back as soon as any call ends, so only another of these is worth waiting for.
   */
  #waitMs(lane: Lane, gate: Gate, nowMs: number): number {
    if (gate.kind !== 'bucket') return 0
    const waitMs = this.#keeper.readyAtMs(gate, this.#needs(gate, lane, undefined, nowMs), nowMs) - nowMs
    return waitMs === Number.POSITIVE_INFINITY ? gate.windowMs : waitMs
  }
}
