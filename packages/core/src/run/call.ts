import type { Lane, Queued } from '../lanes/lane.ts'
import type { Passage } from '../ports/ledger.ts'
import type { ScheduleRequest, Task } from '../request.ts'

/** How often a refused call goes again by default. */
const DEFAULT_RETRIES = 3

/** One accepted call, from `schedule` to the end of its promise. */
export class Call implements Queued {
  readonly passage: Passage
  readonly request: ScheduleRequest
  readonly task: Task<unknown>
  readonly queuedAtMs: number
  /** Must have started by then. */
  readonly deadlineMs: number
  /** Since when it waits this time: it waits anew after a refusal. */
  waitingSinceMs: number
  attempts = 0
  /** Refusals without a time, which use up retries. */
  refusals = 0
  /** Refusals with a time. */
  holds = 0
  settled = false

  lane: Lane | undefined
  previous: Queued | undefined
  next: Queued | undefined
  /** In the list of deadlines. */
  heapIndex = -1

  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  #stopListening: (() => void) | undefined

  constructor(
    passage: Passage,
    request: ScheduleRequest,
    task: Task<unknown>,
    nowMs: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.passage = passage
    this.request = request
    this.task = task
    this.queuedAtMs = this.waitingSinceMs = nowMs
    this.deadlineMs = request.maxWaitMs === undefined ? Number.POSITIVE_INFINITY : nowMs + request.maxWaitMs
    this.#resolve = resolve
    this.#reject = reject
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

  resolve(value: unknown): void {
    this.#settle()
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#settle()
    this.#reject(error)
  }

  #settle(): void {
    this.settled = true
    this.stopListening()
  }
}
