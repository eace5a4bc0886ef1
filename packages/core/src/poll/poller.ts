import type { Passage } from '../ports/ledger.ts'
import type { ScheduleRequest, Task } from '../request.ts'
import type { Timed } from './agenda.ts'
import { Mailbox } from './mailbox.ts'
import type { Pace } from './pace.ts'
import type { PollOptions, Reading } from './reading.ts'
import type { Tick } from './tick.ts'

/**
 * One poll: one call or, where failed ones go again, several. Each goes through `schedule`, which is the scheduler's own;
 * the first is the one that was given its place among the pollers. To be given up when the signal aborts.
 */
export type PollCall<T> = (
  schedule: <U>(request: ScheduleRequest, task: Task<U>) => Promise<U>,
  signal: AbortSignal,
) => Promise<T>

/** By what a poller goes. */
export interface Leave {
  readonly passage: Passage
  readonly paces: ReadonlyMap<Pace, number>
}

/** What the iterator of a poller asks of those who run it. */
export interface PollerHost {
  begin(poller: Poller): void
  /** Nothing of it is left behind. */
  end(poller: Poller, reason: unknown): void
  stale(poller: Poller, nowMs: number): void
}

/** A share of an interval by which a poller may be put off, so that it falls between the others. */
const DRIFT_SHARE = 0.1
/** The first reading is put off no longer. */
const LONGEST_START_MS = 1_000
/** The golden ratio's fraction: however many pollers there are, their places in the interval are nearly even. */
const GOLDEN = 0.6180339887498949

/** One iteration of a poll: when it is due, what it waits for, and what its consumer gets. */
export class Poller {
  readonly request: ScheduleRequest
  readonly call: PollCall<unknown>
  /** One for its labels, and one for each of its alternatives. */
  readonly passages: readonly Passage[]
  readonly weight: number
  readonly priority: number
  readonly everyMs: number
  /** Pollers of one such key poll the same thing. */
  readonly shareKey: string | undefined
  /** Among equals the one served longest ago goes first. */
  order = 0
  /** The next start, or its release where that is kept for it. */
  readonly next: Timed
  readonly stale: Timed
  /** When it wanted to start. */
  dueAtMs = 0
  tick: Tick | undefined

  // Where it waits for its place: in one room at a time.
  room: Pace | undefined
  heapIndex = -1
  tag = 0
  readonly tags = new WeakMap<Pace, number>()
  /** The paces it goes by, with what it costs at each, for each of its passages; and all of them together. */
  paces: readonly ReadonlyMap<Pace, number>[] = []
  allPaces: ReadonlyMap<Pace, number> = new Map()

  began = false
  ended = false
  readonly #host: PollerHost
  readonly #options: PollOptions
  readonly #mailbox: Mailbox<Reading<unknown>>
  /** Still to be put off by so much. */
  #offsetMs = 0
  #goodAtMs = 0
  #takenAtMs: number | undefined
  #stopListening: (() => void)[] = []

  constructor(
    host: PollerHost,
    passages: readonly Passage[],
    request: ScheduleRequest,
    call: PollCall<unknown>,
    options: PollOptions,
    shareKey: string | undefined,
    due: (poller: Poller, nowMs: number) => void,
  ) {
    this.request = request
    this.call = call
    this.passages = passages
    this.weight = options.weight ?? 1
    this.priority = request.priority ?? 0
    this.everyMs = options.everyMs
    this.shareKey = shareKey
    this.#host = host
    this.#options = options
    this.next = { atMs: 0, heapIndex: -1, due: atMs => due(this, atMs) }
    this.stale = { atMs: 0, heapIndex: -1, due: atMs => host.stale(this, atMs) }
    this.#mailbox = new Mailbox(reading => this.#taken(reading))
  }

  get maxAgeMs(): number | undefined {
    return this.#options.maxAgeMs
  }

  iterator(): AsyncIterator<Reading<unknown>, undefined> {
    return {
      next: () => {
        if (!this.began) this.#begin()
        return this.#mailbox.take()
      },
      return: () => {
        this.end()
        return Promise.resolve({ done: true, value: undefined })
      },
      throw: error => {
        this.end()
        return Promise.reject(error)
      },
    }
  }

  /** @param index how many others there are */
  firstStart(index: number, nowMs: number): number {
    this.#goodAtMs = nowMs
    this.#offsetMs = ((index * GOLDEN) % 1) * this.everyMs
    return nowMs + this.#putOff(LONGEST_START_MS)
  }

  nextStart(startedAtMs: number): number {
    return startedAtMs + this.everyMs + this.#putOff(this.everyMs)
  }

  read(value: unknown, waitedMs: number, nowMs: number): void {
    this.#goodAtMs = nowMs
    this.#mailbox.put({ ok: true, value, readAtMs: nowMs, waitedMs, sincePreviousMs: 0 })
  }

  failed(error: unknown, waitedMs: number, heldUntilMs: number | undefined, nowMs: number): void {
    if (this.#options.onError === 'throw') this.end(undefined, { error })
    else this.bad(error, waitedMs, heldUntilMs, nowMs)
  }

  bad(error: unknown, waitedMs: number, heldUntilMs: number | undefined, nowMs: number): void {
    const held = heldUntilMs === undefined ? {} : { heldUntilMs }
    this.#mailbox.put({ ok: false, error, ...held, readAtMs: nowMs, waitedMs, sincePreviousMs: 0 })
  }

  /** Since the last good reading, or since it began. */
  ageMs(nowMs: number): number {
    return nowMs - this.#goodAtMs
  }

  /** A good reading that nobody has taken says more than that there is no newer one. */
  get hasGoodNews(): boolean {
    return this.#mailbox.newest?.ok === true
  }

  end(reason?: unknown, failure?: { readonly error: unknown }): void {
    if (this.ended) return
    this.ended = true
    for (const stop of this.#stopListening) stop()
    this.#mailbox.close(failure)
    this.#host.end(this, reason)
  }

  #begin(): void {
    this.began = true
    if (this.ended) return
    for (const signal of [this.request.signal, this.#options.signal]) {
      if (signal === undefined) continue
      if (signal.aborted) {
        this.end()
        return
      }
      const listener = () => this.end(signal.reason)
      signal.addEventListener('abort', listener, { once: true })
      this.#stopListening.push(() => signal.removeEventListener('abort', listener))
    }
    this.#host.begin(this)
  }

  #putOff(mostMs: number): number {
    const byMs = Math.min(this.#offsetMs, DRIFT_SHARE * this.everyMs, mostMs)
    this.#offsetMs -= byMs
    return byMs
  }

  #taken(reading: Reading<unknown>): Reading<unknown> {
    const sincePreviousMs = reading.readAtMs - (this.#takenAtMs ?? reading.readAtMs)
    this.#takenAtMs = reading.readAtMs
    return { ...reading, sincePreviousMs }
  }
}
