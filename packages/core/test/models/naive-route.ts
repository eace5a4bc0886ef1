interface Sample {
  readonly roundTripMs: number
  readonly isWarm: boolean
  readonly atMs: number
}

const SLOT_MS = 600_000

/** One way to a server, by the letter of the design: every round trip is kept, and the floor worked out anew each time. */
export class NaiveRoute {
  readonly name: string
  readonly samples: Sample[] = []
  inFlight = 0
  /** By how much what it told was too early for requests by other routes, at the most. */
  mostLagMs = 0
  /** Refusals since the last sample that were sooner than any. */
  doubts: { ofSample: number; many: number } | undefined
  lastAnswerAtMs = Number.NEGATIVE_INFINITY
  lastGivenUpAtMs = Number.NEGATIVE_INFINITY
  /** Since when nothing was heard of calls that were given up. */
  silentSinceMs = Number.POSITIVE_INFINITY

  constructor(name: string) {
    this.name = name
  }

  /** The sixteen smallest warm round trips of the last six ten-minute slots decide, once there are forty. */
  floorMs(nowMs: number): number {
    const warm = this.#recent(nowMs).filter(sample => sample.isWarm)
    const trips = warm.map(sample => sample.roundTripMs).sort((a, b) => a - b)
    if (trips.length < 40) return 0
    const least = this.#leastMs(nowMs)
    const sixteenth = trips[15] as number
    return Math.max(0, Math.min(0.9 * least, least - 2 * (sixteenth - least)))
  }

  /** Three refusals in a row sooner than any answer: the route is not what it was. */
  doubt(roundTripMs: number, nowMs: number): void {
    if (this.ceilingMs(nowMs) === 0 || roundTripMs >= this.#leastMs(nowMs)) return
    const { length } = this.samples
    this.doubts =
      this.doubts?.ofSample === length
        ? { ofSample: length, many: this.doubts.many + 1 }
        : { ofSample: length, many: 1 }
    if (this.doubts.many < 3) return
    this.samples.length = 0
    this.doubts = undefined
  }

  ceilingMs(nowMs: number): number {
    return this.#recent(nowMs).some(sample => sample.isWarm) ? 0.9 * this.#leastMs(nowMs) : 0
  }

  #leastMs(nowMs: number): number {
    return Math.min(...this.#recent(nowMs).map(sample => sample.roundTripMs))
  }

  #recent(nowMs: number): Sample[] {
    return this.samples.filter(({ atMs }) => Math.floor(atMs / SLOT_MS) > Math.floor(nowMs / SLOT_MS) - 6)
  }
}
