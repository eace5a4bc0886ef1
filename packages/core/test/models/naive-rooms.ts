import type { House, LanePlan, Rooms, Tap } from './house.ts'

interface NaiveLane extends LanePlan {
  turn: number
  /** Where it waits by itself. */
  alone: string | undefined
  /** It waits with the others that draw on the same shared gates. */
  isInCohort: boolean
  wokenBy: string | undefined
  bounces: number
}

const THREE_BOUNCES = 3
const CHEAP_SIZE = 50

/** Who waits where, in one list that is searched from its beginning for every question. */
export class NaiveRooms implements Rooms {
  readonly #house: House
  #lanes: NaiveLane[] = []
  #turns = 0
  /** Where each cohort waits, by its gates. */
  readonly #cohortAt = new Map<string, string>()
  readonly #claims = new Map<string, NaiveLane>()
  /** The turn in which each group was served last, by gate and group, while anybody draws on the gate. */
  #served: { gate: string; group: string; turn: number }[] = []

  constructor(house: House) {
    this.#house = house
  }

  enter(id: number): void {
    const plan = this.#house.plans[id] as LanePlan
    this.#lanes.push({
      ...plan,
      turn: ++this.#turns,
      alone: undefined,
      isInCohort: false,
      wokenBy: undefined,
      bounces: 0,
    })
  }

  exit(id: number): void {
    const lane = this.#lane(id)
    this.#dropClaims(lane)
    this.#takeOut(lane)
    this.#lanes = this.#lanes.filter(other => other !== lane)
  }

  blockerOf(id: number): string | undefined {
    const lane = this.#lane(id)
    if (this.#house.costOf(id) === 0) return undefined
    const isAwaited = (gate: string) => this.#waitersAt(gate).length > 0 || (this.#claims.get(gate) ?? lane) !== lane
    return this.#cohortAt.get(this.#cohortOf(lane)) ?? lane.gates.find(isAwaited)
  }

  claimBefore(id: number): string | undefined {
    const lane = this.#lane(id)
    if (this.#house.costOf(id) === 0) return undefined
    return lane.gates.find(
      gate => this.#house.freeOf(gate) < this.#needsAt(gate, lane) && this.#claimBefore(gate, lane),
    )
  }

  place(id: number, gate: string): void {
    const lane = this.#lane(id)
    if (lane.wokenBy !== undefined && lane.wokenBy !== gate) this.#bounced(lane, gate)
    if (this.#sharedBy(lane).includes(gate)) {
      // All of a cohort wait for the same gate.
      lane.isInCohort = true
      this.#cohortAt.set(this.#cohortOf(lane), gate)
    } else lane.alone = gate
  }

  admitted(id: number): void {
    const lane = this.#lane(id)
    lane.turn = ++this.#turns
    lane.bounces = 0
    this.#dropClaims(lane)
    for (const gate of this.#sharedBy(lane)) this.#served.push({ gate, group: lane.group, turn: lane.turn })
  }

  requeue(id: number): boolean {
    const lane = this.#lane(id)
    const { wokenBy } = lane
    if (wokenBy === undefined) return false
    lane.wokenBy = undefined
    this.place(id, this.#cohortAt.get(this.#cohortOf(lane)) ?? wokenBy)
    return true
  }

  takeNext(): number | undefined {
    for (;;) {
      const [lane] = this.#gates()
        .filter(gate => this.#readyAtMs(gate) <= this.#house.nowMs)
        .map(gate => this.#firstAt(gate) as NaiveLane)
        .sort((a, b) => this.#compare(a, b))
      if (lane === undefined) return undefined
      const { alone } = lane
      const key = this.#cohortOf(lane)
      const gate = alone ?? (this.#cohortAt.get(key) as string)
      this.#takeOut(lane)
      if (alone !== undefined && this.#cohortAt.has(key)) {
        // Its own gate is free; at the shared ones others wait, and it waits among them.
        lane.isInCohort = true
        continue
      }
      lane.wokenBy = gate
      return lane.id
    }
  }

  changed(): void {}
  changedFor(): void {}

  /** What was served at a gate that nobody draws on any more is forgotten. */
  tidy(): void {
    this.#served = this.#served.filter(({ gate }) => this.#lanes.some(lane => lane.gates.includes(gate)))
  }

  wakeAtMs(): number {
    const wakeAtMs = Math.min(...this.#gates().map(gate => this.#readyAtMs(gate)))
    return wakeAtMs <= this.#house.nowMs ? Number.NEGATIVE_INFINITY : wakeAtMs
  }

  #lane(id: number): NaiveLane {
    return this.#lanes.find(lane => lane.id === id) as NaiveLane
  }

  #gates(): string[] {
    return [...this.#house.taps.keys()]
  }

  /** Those not kept by the label that turns go by. */
  #sharedBy({ gates }: NaiveLane): string[] {
    return gates.filter(gate => !(this.#house.taps.get(gate) as Tap).by.includes('uid'))
  }

  #cohortOf(lane: NaiveLane): string {
    return this.#sharedBy(lane).join()
  }

  #waitersAt(gate: string): NaiveLane[] {
    return this.#lanes.filter(
      lane => lane.alone === gate || (lane.isInCohort && this.#cohortAt.get(this.#cohortOf(lane)) === gate),
    )
  }

  #firstAt(gate: string): NaiveLane | undefined {
    return this.#waitersAt(gate).sort((a, b) => this.#compare(a, b))[0]
  }

  /** Its turn, or that of its group at a gate they share, whichever is later. */
  #rank(lane: NaiveLane): number {
    const shared = this.#sharedBy(lane)
    const served = this.#served.filter(({ gate, group }) => group === lane.group && shared.includes(gate))
    return Math.max(lane.turn, ...served.map(({ turn }) => turn))
  }

  #compare(a: NaiveLane, b: NaiveLane): number {
    return b.priority - a.priority || this.#rank(a) - this.#rank(b) || a.turn - b.turn
  }

  #claimBefore(gate: string, lane: NaiveLane): NaiveLane | undefined {
    const claim = this.#claims.get(gate)
    return claim !== undefined && claim !== lane && this.#compare(claim, lane) < 0 ? claim : undefined
  }

  /** Its own tokens, and those that an earlier lane claims. */
  #needsAt(gate: string, lane: NaiveLane): number {
    const claim = this.#claimBefore(gate, lane)
    return this.#house.costOf(lane.id) + (claim === undefined ? 0 : this.#house.costOf(claim.id))
  }

  #readyAtMs(gate: string): number {
    const first = this.#firstAt(gate)
    return first === undefined ? Number.POSITIVE_INFINITY : this.#house.readyAtMs(gate, this.#needsAt(gate, first))
  }

  #takeOut(lane: NaiveLane): void {
    const key = this.#cohortOf(lane)
    lane.alone = undefined
    lane.isInCohort = false
    if (!this.#lanes.some(other => other.isInCohort && this.#cohortOf(other) === key)) this.#cohortAt.delete(key)
  }

  #bounced(lane: NaiveLane, gate: string): void {
    lane.wokenBy = undefined
    lane.bounces++
    const shared = this.#sharedBy(lane)
    const isCheap =
      shared.includes(gate) && shared.every(each => (this.#house.taps.get(each) as Tap).size >= CHEAP_SIZE)
    if (!isCheap && lane.bounces < THREE_BOUNCES) return
    for (const each of lane.gates) {
      const claim = this.#claims.get(each)
      if (claim === undefined || this.#compare(lane, claim) < 0) this.#claims.set(each, lane)
    }
  }

  #dropClaims(lane: NaiveLane): void {
    for (const [gate, claim] of this.#claims) if (claim === lane) this.#claims.delete(gate)
  }
}
