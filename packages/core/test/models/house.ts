/** A gate with its tokens: those here, and the instants at which others come. */
export interface Tap {
  readonly name: string
  readonly by: readonly string[]
  readonly size: number
  free: number
  coming: number[]
}

export interface LanePlan {
  readonly id: number
  readonly priority: number
  readonly group: string
  readonly gates: readonly string[]
}

/** The waiting rooms, as the loop that serves them sees them. Lanes and gates go by their names. */
export interface Rooms {
  enter(lane: number): void
  exit(lane: number): void
  blockerOf(lane: number): string | undefined
  claimBefore(lane: number): string | undefined
  place(lane: number, gate: string): void
  admitted(lane: number): void
  /** After an admission, if a room woke it; false if none did. */
  requeue(lane: number): boolean
  takeNext(): number | undefined
  changed(gate: string): void
  changedFor(lane: number): void
  tidy(): void
  wakeAtMs(): number
}

/** A small scheduler around waiting rooms: taps for a ledger, and the loop as in `scheduler.ts`. */
export class House {
  nowMs = 0
  readonly plans: readonly LanePlan[]
  readonly taps: Map<string, Tap>
  /** The costs of the calls that wait, by lane. */
  readonly calls: number[][]
  readonly rooms: Rooms
  #fresh: number[] = []

  constructor(plans: readonly LanePlan[], taps: readonly Tap[], makeRooms: (house: House) => Rooms) {
    this.plans = plans
    this.taps = new Map(taps.map(tap => [tap.name, { ...tap, coming: [...tap.coming] }]))
    this.calls = plans.map(() => [])
    this.rooms = makeRooms(this)
  }

  costOf(lane: number): number {
    return this.calls[lane]?.[0] ?? 0
  }

  freeOf(gate: string): number {
    const { free, coming } = this.taps.get(gate) as Tap
    return free + coming.filter(atMs => atMs <= this.nowMs).length
  }

  readyAtMs(gate: string, tokens: number): number {
    const missing = tokens - this.freeOf(gate)
    if (missing <= 0) return this.nowMs
    const later = (this.taps.get(gate) as Tap).coming.filter(atMs => atMs > this.nowMs).sort((a, b) => a - b)
    return later[missing - 1] ?? Number.POSITIVE_INFINITY
  }

  add(lane: number, cost: number, where: 'at the end' | 'at the head'): void {
    const calls = this.calls[lane] as number[]
    if (calls.length === 0) this.rooms.enter(lane)
    if (where === 'at the end') calls.push(cost)
    else calls.unshift(cost)
    if (calls.length === 1) {
      const blocker = this.rooms.blockerOf(lane)
      if (blocker === undefined) this.#fresh.push(lane)
      else this.rooms.place(lane, blocker)
    } else if (where === 'at the head') this.rooms.changedFor(lane)
  }

  takeBack(lane: number, index: number): void {
    const calls = this.calls[lane] as number[]
    calls.splice(index, 1)
    if (calls.length === 0) this.rooms.exit(lane)
    else if (index === 0) this.rooms.changedFor(lane)
  }

  give(gate: string, tokens: number, inMs: number): void {
    const tap = this.taps.get(gate) as Tap
    if (inMs === 0) tap.free += tokens
    else tap.coming.push(...Array<number>(tokens).fill(this.nowMs + inMs))
    this.rooms.changed(gate)
  }

  /** @returns the lanes whose calls went, in order. */
  serve(): number[] {
    const went: number[] = []
    for (;;) {
      const lane = this.rooms.takeNext() ?? this.#fresh.shift()
      if (lane === undefined) break
      const gate = this.rooms.claimBefore(lane) ?? this.#refusing(lane)
      if (gate === undefined) {
        went.push(lane)
        this.#go(lane)
      } else this.rooms.place(lane, gate)
    }
    this.rooms.tidy()
    return went
  }

  /** The gate that refuses for longest. */
  #refusing(lane: number): string | undefined {
    let worst: string | undefined
    let worstMs = this.nowMs
    for (const gate of (this.plans[lane] as LanePlan).gates) {
      const readyAtMs = this.readyAtMs(gate, this.costOf(lane))
      if (readyAtMs > worstMs) [worst, worstMs] = [gate, readyAtMs]
    }
    return worst
  }

  #go(lane: number): void {
    for (const gate of (this.plans[lane] as LanePlan).gates) {
      const tap = this.taps.get(gate) as Tap
      tap.free = this.freeOf(gate) - this.costOf(lane)
      tap.coming = tap.coming.filter(atMs => atMs > this.nowMs)
    }
    this.calls[lane]?.shift()
    this.rooms.admitted(lane)
    if (this.calls[lane]?.length === 0) this.rooms.exit(lane)
    else if (!this.rooms.requeue(lane)) this.#fresh.push(lane)
  }
}
