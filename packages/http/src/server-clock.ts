import type { Clock } from '@headgate/core'
import { sleep } from './sleep.ts'

/** Asked at most so often in one go; the answer with the smallest round trip bounds the error. */
const SAMPLES = 3
/** Half a round trip: known this well the clock need not be asked again. Signatures may be a second off. */
const GOOD_MS = 50
/** Of use, after which the clock is asked anew. */
const REFRESH_MS = 10 * 60_000
/** When the two clocks of the host part by more, one of them was set, or the host slept. */
const JUMP_MS = 1_000
/** After a vain attempt, calls go on for so long before the next. */
const RETRY_MS = 30_000
/** An answer whose time is off by more makes us ask; one that is off by less is some other machine of the server's. */
const SUSPECT_MS = 1_000
/** Two clocks of common quality drift apart by less than this share (crystals: up to 100 ppm each). */
const DRIFT = 200e-6
/** Times in answers are whole milliseconds, rounded down. */
const ROUNDED_MS = 1
/**
 * A clock that ticks in tens or hundreds of milliseconds, or in seconds, tells times that lie before the counting. Of one
 * that ticks in milliseconds this leaves out a tenth, which costs next to nothing.
 */
const TICK_MS = 10

/** A time of this century in milliseconds. Anything else is some other unit, or no time. */
export function isEpochMs(value: number): boolean {
  return value > 1e12 && value < 4e12
}

/** What an answer said of the server's time. */
export interface TimeSample {
  /** Epoch milliseconds on the server's clock, at some moment between the two that follow. */
  readonly serverTimeMs: number
  /** On the host's monotonic clock. */
  readonly sentAtMs: number
  readonly receivedAtMs: number
  /** The answer of the endpoint that is there to tell the time: it is believed whatever was believed before. */
  readonly asked: boolean
  /** The time that the request itself carried, if any: a server that only repeats it tells nothing. */
  readonly carriedMs?: number
}

export interface ServerClockSetup {
  readonly clock: Clock
  /** Asks the server once; the answer comes in by {@link ServerClock.heard}. Must end. */
  readonly ask: () => Promise<unknown>
  /** Nobody waits longer than this after it was asked, milliseconds. */
  readonly waitMs: number
  /** The server did not tell its time. */
  readonly failed: (error: unknown) => void
}

/**
 * The server's clock, kept as its distance from the host's monotonic clock: a wall clock that is hours off, or is set
 * while we run, changes nothing. Every answer with a time bounds the distance from both sides: the server's time was
 * told after sending and before receiving.
 */
export class ServerClock {
  readonly #setup: ServerClockSetup
  /** Server epoch minus monotonic time lies between these. */
  #fromMs = Number.NEGATIVE_INFINITY
  #toMs = Number.POSITIVE_INFINITY
  #boundAtMs = 0
  /** When the server last answered to being asked. */
  #syncedAtMs = Number.NEGATIVE_INFINITY
  #failedAtMs = Number.NEGATIVE_INFINITY
  /** The host's wall clock minus its monotonic one, at that time. */
  #gapMs = 0
  #suspect = false
  #flight: Promise<void> | undefined
  #flightSinceMs = 0
  /** The next answer to being asked replaces what is known. */
  #afresh = false

  constructor(setup: ServerClockSetup) {
    this.#setup = setup
  }

  /** Whether anything is known of it. */
  get isKnown(): boolean {
    return this.#fromMs !== Number.NEGATIVE_INFINITY
  }

  /** The server's time now, epoch milliseconds; the host's as long as nothing better is known. */
  epochMs(): number {
    const { clock } = this.#setup
    return this.isKnown ? Math.floor(clock.nowMs() + (this.#fromMs + this.#toMs) / 2) : clock.epochMs()
  }

  /** How far {@link epochMs} may be off, milliseconds; 0 as long as nothing is known. */
  errorMs(): number {
    return this.isKnown ? (this.#toMs - this.#fromMs) / 2 + this.#driftMs() : 0
  }

  /**
   * For a call that is to be signed: nothing when the time is known, else a promise that resolves when it is, or can't be
   * had soon. Asks again after ten minutes of use, with nobody waiting, and after the host slept or its clock was set.
   * @param patienceMs the call can't wait longer.
   */
  ready(patienceMs: number): Promise<void> | undefined {
    const { clock } = this.#setup
    const nowMs = clock.nowMs()
    const isUnsure = this.#syncedAtMs === Number.NEGATIVE_INFINITY || this.#jumped()
    if (!isUnsure && !this.#suspect && nowMs < this.#syncedAtMs + REFRESH_MS) return undefined
    const hasFailed = this.#failedAtMs > this.#syncedAtMs
    if (this.#flight === undefined && hasFailed && nowMs < this.#failedAtMs + RETRY_MS) return undefined
    const flight = this.#sync()
    // A server that did not tell its time once is not waited for again.
    return isUnsure && !hasFailed ? this.#waitFor(flight, patienceMs) : undefined
  }

  /**
   * The server found the time wrong with which a call was signed at `sentAtMs`.
   * @param said what its answer says of the time: believed when the server doesn't answer to being asked.
   */
  async resync(sentAtMs: number, said: TimeSample | undefined): Promise<void> {
    if (this.#syncedAtMs > sentAtMs) return
    await this.#sync()
    if (this.#syncedAtMs > sentAtMs || said === undefined || !isEpochMs(said.serverTimeMs)) return
    const fromMs = said.serverTimeMs - said.receivedAtMs
    const toMs = said.serverTimeMs + ROUNDED_MS - said.sentAtMs
    const driftMs = this.#driftMs()
    // Long under way, a call is refused by the best of clocks: its answer contradicts nothing, and knows it less well.
    if (this.isKnown && fromMs <= this.#toMs + driftMs && toMs >= this.#fromMs - driftMs) return
    this.#bound(fromMs, toMs)
  }

  /**
   * Takes in what an answer said.
   * @returns whether the gate may be told: the time is one of counting or later, in milliseconds, as far as can be seen.
   */
  heard({ serverTimeMs, sentAtMs, receivedAtMs, asked, carriedMs }: TimeSample): boolean {
    if (!isEpochMs(serverTimeMs) || serverTimeMs === carriedMs) return false
    const fromMs = serverTimeMs - receivedAtMs
    const toMs = serverTimeMs + ROUNDED_MS - sentAtMs
    if (asked) this.#synced()
    if (!this.isKnown || (asked && this.#afresh)) {
      this.#afresh = false
      this.#bound(fromMs, toMs)
      return false
    }
    const driftMs = this.#driftMs()
    const lowMs = this.#fromMs - driftMs
    const highMs = this.#toMs + driftMs
    const awayMs = Math.max(fromMs - highMs, lowMs - toMs)
    if (awayMs > 0) {
      if (asked) this.#bound(fromMs, toMs)
      else if (awayMs > SUSPECT_MS) this.#suspect = true
      return false
    }
    this.#bound(Math.max(lowMs, fromMs), Math.min(highMs, toMs))
    return serverTimeMs % TICK_MS !== 0
  }

  #sync(): Promise<void> {
    if (this.#flight === undefined) {
      this.#flightSinceMs = this.#setup.clock.nowMs()
      this.#flight = this.#askSome().finally(() => {
        this.#flight = undefined
      })
    }
    return this.#flight
  }

  async #askSome(): Promise<void> {
    this.#afresh = true
    const startedAtMs = this.#setup.clock.nowMs()
    let failure: unknown
    for (let asked = 0; asked < SAMPLES; asked++) {
      try {
        await this.#setup.ask()
        if (this.errorMs() <= GOOD_MS) break
      } catch (error) {
        failure = error
        // Whoever waits for it has waited long enough.
        break
      }
    }
    this.#afresh = false
    this.#suspect = false
    if (this.#syncedAtMs >= startedAtMs) return
    // Told once, not at every further attempt.
    const isFirst = this.#failedAtMs <= this.#syncedAtMs
    this.#failedAtMs = this.#setup.clock.nowMs()
    if (isFirst) this.#setup.failed(failure)
  }

  async #waitFor(flight: Promise<void>, patienceMs: number): Promise<void> {
    const { clock, waitMs } = this.#setup
    const patience = new AbortController()
    const leftMs = Math.max(0, this.#flightSinceMs + waitMs - clock.nowMs())
    await Promise.race([flight, sleep(clock, Math.min(leftMs, patienceMs), patience.signal)])
    patience.abort()
  }

  #synced(): void {
    this.#syncedAtMs = this.#setup.clock.nowMs()
    this.#gapMs = this.#gap()
  }

  #bound(fromMs: number, toMs: number): void {
    this.#fromMs = fromMs
    this.#toMs = toMs
    this.#boundAtMs = this.#setup.clock.nowMs()
  }

  #driftMs(): number {
    return (this.#setup.clock.nowMs() - this.#boundAtMs) * DRIFT
  }

  #gap(): number {
    const { clock } = this.#setup
    return clock.epochMs() - clock.nowMs()
  }

  #jumped(): boolean {
    return Math.abs(this.#gap() - this.#gapMs) > JUMP_MS
  }
}
