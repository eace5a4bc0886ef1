import type { Lane, Queued } from '../lanes/lane.ts'
import type { Passage } from '../ports/ledger.ts'
import type { ScheduleRequest, Task } from '../request.ts'
import type { Sharers } from './sharers.ts'

/** How often a refused call goes again by default. */
const DEFAULT_RETRIES = 3

/** Of somebody inside who wants to know more of a call than its end. */
export interface Watch {
  /** The call, or the one it has joined. Set before it can start. */
  call: Call | undefined
  /** The labels of the call's that it means to go by: the first where several would let it. */
  readonly passage: Passage
  /** It was admitted, by this passage; more than once if it goes again after a refusal. Must not schedule. */
  started(nowMs: number, passage: Passage): void
}

/** A place that a call has in the lane of one of its alternatives, next to the one in its own lane. */
export class Way implements Queued {
  readonly call: Call
  readonly passage: Passage
  lane: Lane | undefined
  previous: Queued | undefined
  next: Queued | undefined

  constructor(call: Call, passage: Passage) {
    this.call = call
    this.passage = passage
  }

  get queuedAtMs(): number {
    return this.call.queuedAtMs
  }

  get cost(): ScheduleRequest['cost'] {
    return this.call.cost
  }

  get priority(): number {
    return this.call.priority
  }
}

/** What stands in a lane. */
export type Place = Call | Way

/** One accepted call, from `schedule` to the end of its promise. */
export class Call implements Queued {
  /** Of its lane, once it waits. */
  passage: Passage
  /** Of a shared call the first one's, at the highest priority of all. */
  request: ScheduleRequest
  readonly task: Task<unknown>
  readonly queuedAtMs: number
  /** Since when it waits this time: it waits anew after a refusal. */
  waitingSinceMs: number
  /** Refusals without a time, which use up retries. */
  refusals = 0
  /** Refusals with a time. */
  holds = 0
  settled = false
  watch: Watch | undefined
  /** Where it waits as well. Undefined of a call without alternatives. */
  ways: readonly Way[] | undefined
  /** Undefined of a call that nobody may join. */
  readonly sharers: Sharers | undefined

  lane: Lane | undefined
  previous: Queued | undefined
  next: Queued | undefined
  /** In the list of deadlines. */
  heapIndex = -1

  readonly #deadlineMs: number
  readonly #resolve: (value: unknown) => void
  #stopListening: (() => void) | undefined

  constructor(
    passage: Passage,
    request: ScheduleRequest,
    task: Task<unknown>,
    nowMs: number,
    resolve: (value: unknown) => void,
    sharers?: Sharers,
  ) {
    this.passage = passage
    this.request = request
    this.task = task
    this.queuedAtMs = this.waitingSinceMs = nowMs
    this.#deadlineMs = request.maxWaitMs === undefined ? Number.POSITIVE_INFINITY : nowMs + request.maxWaitMs
    this.#resolve = resolve
    this.sharers = sharers
  }

  /** What stands in its own lane is the call itself. */
  get call(): Call {
    return this
  }

  /** All of them: its own first. */
  get places(): readonly Place[] {
    return this.ways === undefined ? [this] : [this, ...this.ways]
  }

  /** By which it means to go, where several of its labels would let it. */
  get preferred(): Passage | undefined {
    return this.watch?.passage ?? this.sharers?.preferred
  }

  /** Must have started by then. */
  get deadlineMs(): number {
    return this.sharers === undefined ? this.#deadlineMs : this.sharers.deadlineMs
  }

  get cost(): ScheduleRequest['cost'] {
    return this.request.cost
  }

  get priority(): number {
    return this.request.priority ?? 0
  }

  get retries(): number {
    return this.request.retries ?? DEFAULT_RETRIES
  }

  /** While the call waits, its caller's abort takes it out. */
  listen(aborted: (call: Call) => void): void {
    const { signal } = this.request
    if (signal === undefined || this.#stopListening !== undefined) return
    const listener = () => aborted(this)
    signal.addEventListener('abort', listener, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', listener)
  }

  stopListening(): void {
    this.#stopListening?.()
    this.#stopListening = undefined
  }

  started(nowMs: number, passage: Passage): void {
    this.watch?.started(nowMs, passage)
    this.sharers?.started(nowMs, passage)
  }

  resolve(value: unknown): void {
    this.settled = true
    this.stopListening()
    this.#resolve(value)
  }

  reject(error: unknown): void {
    // Of a second rejection nobody would hear.
    if (this.settled) return
    if (this.sharers === undefined) {
      // The promise's own function that rejects would be a seventh of all that a waiting call takes.
      this.resolve(Promise.reject(error))
      return
    }
    this.settled = true
    this.stopListening()
    this.sharers.reject(error)
  }
}
