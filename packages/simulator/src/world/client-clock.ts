import type { Clock, Timer } from '@headgate/core'
import type { VirtualClock } from '@headgate/core/testing'
import { draw } from '../draw.ts'
import { faultsOf, type Scenario } from '../scenario/scenario.ts'

interface Segment {
  readonly fromMs: number
  /** The client's monotonic clock at `fromMs`. */
  readonly clientMs: number
  /** How fast it goes; 0 while it sleeps. */
  readonly rate: number
}

/** The client's machine: its clocks, and when it is awake. All times are the server's true ones unless a name says client. */
export class Machine {
  readonly #segments: Segment[]
  readonly #sleeps: { fromMs: number; toMs: number }[]
  readonly #timers: readonly { atMs: number; forMs: number; earlyMs: number; lateMs: number; tickMs: number }[]
  readonly #steps: readonly { atMs: number; byMs: number }[]
  readonly #scenario: Scenario
  readonly #clock: VirtualClock
  #timerCount = 0
  #at = Number.NaN
  #client = 0
  #segment = 0

  constructor(scenario: Scenario, clock: VirtualClock) {
    this.#scenario = scenario
    this.#clock = clock
    this.#timers = faultsOf(scenario, 'timers')
    this.#steps = faultsOf(scenario, 'wall-step')
    this.#sleeps = []
    for (const { atMs, forMs } of faultsOf(scenario, 'suspend').sort((a, b) => a.atMs - b.atMs)) {
      const last = this.#sleeps.at(-1)
      if (last !== undefined && atMs <= last.toMs) last.toMs = Math.max(last.toMs, atMs + forMs)
      else this.#sleeps.push({ fromMs: atMs, toMs: atMs + forMs })
    }
    this.#segments = this.#lay()
  }

  /** When the client learns of something that comes to its machine at `atMs`. */
  awakeAt(atMs: number): number {
    for (const { fromMs, toMs } of this.#sleeps) if (atMs >= fromMs && atMs < toMs) return toMs
    return atMs
  }

  clientMs(atMs: number): number {
    if (atMs === this.#at) return this.#client
    let i = this.#segment
    while (i + 1 < this.#segments.length && (this.#segments[i + 1] as Segment).fromMs <= atMs) i++
    while (i > 0 && (this.#segments[i] as Segment).fromMs > atMs) i--
    const segment = this.#segments[i] as Segment
    this.#segment = i
    this.#at = atMs
    this.#client = segment.clientMs + (atMs - segment.fromMs) * segment.rate
    return this.#client
  }

  /** The true instant at which the client's clock shows it. */
  trueMs(clientMs: number): number {
    let i = this.#segments.length - 1
    while (i > 0 && (this.#segments[i] as Segment).clientMs > clientMs) i--
    const { fromMs, clientMs: since, rate } = this.#segments[i] as Segment
    return rate === 0 ? fromMs : fromMs + (clientMs - since) / rate
  }

  /** The client's time of day. */
  epochMs(): number {
    let epochMs = this.#clock.epochMs()
    for (const { atMs, byMs } of this.#steps) if (atMs <= this.#clock.nowMs()) epochMs += byMs
    return epochMs
  }

  /** A clock for one life of the client; `isDead` stops its timers. */
  clockOf(isDead: () => boolean): Clock {
    const clock = this.#clock
    return {
      nowMs: () => this.clientMs(clock.nowMs()),
      epochMs: () => this.epochMs(),
      setTimer: (callback, delayMs): Timer => {
        const nowMs = clock.nowMs()
        const dueMs = this.#firesAt(nowMs, this.trueMs(this.clientMs(nowMs) + Math.max(0, delayMs)))
        return clock.setTimer(() => {
          if (!isDead()) callback()
        }, dueMs - nowMs)
      },
    }
  }

  #firesAt(nowMs: number, dueMs: number): number {
    let atMs = dueMs
    for (const { atMs: fromMs, forMs, earlyMs, lateMs, tickMs } of this.#timers) {
      if (nowMs < fromMs || nowMs >= fromMs + forMs) continue
      const luck = draw(this.#scenario.seed, 0x71e5, this.#timerCount++)
      if (luck < 0.3) atMs -= earlyMs * (luck / 0.3)
      else if (luck > 0.6) atMs += lateMs * ((luck - 0.6) / 0.4) ** 3
      if (tickMs > 0) atMs = Math.ceil(atMs / tickMs) * tickMs
      break
    }
    return this.awakeAt(Math.max(nowMs, atMs))
  }

  #lay(): Segment[] {
    const changes: { atMs: number; ppm?: number; asleep?: boolean }[] = faultsOf(this.#scenario, 'drift').map(
      ({ atMs, ppm }) => ({ atMs, ppm }),
    )
    for (const { atMs, forMs, counted } of faultsOf(this.#scenario, 'suspend')) {
      if (counted) continue
      changes.push({ atMs, asleep: true }, { atMs: atMs + forMs, asleep: false })
    }
    changes.sort((a, b) => a.atMs - b.atMs)
    const segments: Segment[] = [{ fromMs: 0, clientMs: 0, rate: 1 }]
    let pace = 1
    let asleep = 0
    for (const { atMs, ppm, asleep: sleeps } of changes) {
      const last = segments.at(-1) as Segment
      if (ppm !== undefined) pace = 1 + ppm * 1e-6
      if (sleeps !== undefined) asleep += sleeps ? 1 : -1
      const clientMs = last.clientMs + (atMs - last.fromMs) * last.rate
      segments.push({ fromMs: atMs, clientMs, rate: asleep > 0 ? 0 : pace })
    }
    return segments
  }
}
