import type { VirtualClock } from '@headgate/core/testing'
import { faultsOf, type Scenario } from '../scenario/scenario.ts'

/**
 * What the server takes for the time of day: it is set, and goes too fast or too slow. Its windows and bans run on true
 * time; the time of day is in what it says, and in what it thinks of a caller's timestamp.
 */
export class ServerClock {
  readonly #clock: VirtualClock
  readonly #changes: readonly { readonly atMs: number; readonly byMs: number; readonly ppm: number }[]

  constructor(scenario: Scenario, clock: VirtualClock) {
    this.#clock = clock
    this.#changes = faultsOf(scenario, 'server-clock').sort((a, b) => a.atMs - b.atMs)
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  epochMs(): number {
    const nowMs = this.#clock.nowMs()
    let wrongMs = 0
    let sinceMs = 0
    let pace = 0
    for (const { atMs, byMs, ppm } of this.#changes) {
      if (atMs > nowMs) break
      wrongMs += (atMs - sinceMs) * pace + byMs
      sinceMs = atMs
      pace = ppm * 1e-6
    }
    return Math.floor(this.#clock.epochMs() + wrongMs + (nowMs - sinceMs) * pace)
  }
}
