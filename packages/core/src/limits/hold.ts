import { backoffMs } from '../backoff/backoff.ts'
import type { Gate } from '../ports/ledger.ts'
import type { Random } from '../ports/random.ts'
import type { Labels } from './limit.ts'

/** Servers lift a ban at a tick of their own: the first call goes this much after the time they named. */
const MARGIN_MS = 1_000
/** No hold is longer, whatever asks for it. */
export const LONGEST_MS = 86_400_000
/** Between probes that got no answer. */
const PROBE_BACKOFF = { baseMs: 2_000, capMs: 60_000 } as const

/**
 * A gate over all requests that carry some label values: closed until a time, then open for one probe, whose answer opens
 * it for two calls in flight, then four, and so on until nothing is held back any more.
 */
export class Hold implements Gate {
  readonly kind = 'hold'
  readonly windowMs = 0
  readonly key: string
  readonly labels: Labels
  reason: string
  /** Calls let through that have not ended. */
  inFlight = 0
  /** Answers of calls let through before it closed again say nothing. */
  generation = 0
  #untilMs = Number.NEGATIVE_INFINITY
  #cap = 1
  #open = false
  #failedProbes = 0

  constructor(key: string, labels: Labels, reason: string) {
    this.key = key
    this.labels = labels
    this.reason = reason
  }

  get name(): string {
    return this.reason
  }

  get by(): readonly string[] {
    return Object.keys(this.labels)
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** How many calls it lets be in flight; 0 while closed. */
  capAt(nowMs: number): number {
    return nowMs < this.#untilMs ? 0 : this.#cap
  }

  isProbing(): boolean {
    return this.#cap === 1
  }

  /** A hold only grows: a shorter one than is in force changes nothing. */
  close(forMs: number, reason: string, nowMs: number): void {
    const untilMs = nowMs + Math.min(Math.max(forMs, 0), LONGEST_MS) + MARGIN_MS
    if (untilMs > this.#untilMs) {
      this.#untilMs = untilMs
      this.reason = reason
    }
    this.generation++
    this.#cap = 1
    this.#failedProbes = 0
  }

  get untilMs(): number {
    return this.#untilMs
  }

  /** One that was remembered: closed until then, and opened by a probe. */
  restore(untilMs: number, nowMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, Math.min(untilMs, nowMs + LONGEST_MS + MARGIN_MS))
  }

  release(): void {
    this.#open = true
  }

  readyAtMs(nowMs: number): number {
    if (this.#open) return nowMs
    if (nowMs < this.#untilMs) return this.#untilMs
    return this.inFlight < this.#cap ? nowMs : Number.POSITIVE_INFINITY
  }

  /** The server answered a call that was let through, and did not refuse it. */
  answered(rampTo: number): void {
    this.#failedProbes = 0
    // One more for every answer doubles what is in flight every round trip.
    this.#cap++
    if (this.#cap >= rampTo) this.#open = true
  }

  /** A call that was let through brought no news: if it was the probe, the next one goes after a backoff. */
  failed(nowMs: number, random: Random): void {
    if (this.#cap > 1) return
    this.#untilMs = Math.max(
      this.#untilMs,
      nowMs + PROBE_BACKOFF.baseMs / 2 + backoffMs(this.#failedProbes, PROBE_BACKOFF, random()),
    )
    this.#failedProbes++
  }

  isForgettable(nowMs: number, afterMs: number): boolean {
    return this.#open || (this.inFlight === 0 && nowMs > this.#untilMs + afterMs)
  }
}
