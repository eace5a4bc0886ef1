import { Heap } from '../lanes/heap.ts'
import type { Passage } from '../ports/ledger.ts'
import type { ScheduleRequest, Task } from '../request.ts'
import { Call, type Watch } from './call.ts'
import { tooLate } from './too-late.ts'

/** One of those who wait for a shared call. */
export class Sharer {
  readonly request: ScheduleRequest
  readonly queuedAtMs: number
  /** The call must have started by then, as far as this one goes. */
  readonly deadlineMs: number
  readonly watch: Watch | undefined
  /** In the list of deadlines. */
  heapIndex = -1
  /** Changes when two shared calls become one. */
  sharers: Sharers | undefined
  readonly #resolve: (value: unknown) => void
  readonly #reject: (error: unknown) => void
  #stopListening: (() => void) | undefined

  constructor(
    request: ScheduleRequest,
    nowMs: number,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
    watch: Watch | undefined,
  ) {
    this.request = request
    this.queuedAtMs = nowMs
    this.deadlineMs = nowMs + (request.maxWaitMs ?? Number.POSITIVE_INFINITY)
    this.#resolve = resolve
    this.#reject = reject
    this.watch = watch
  }

  listen(): void {
    const { signal } = this.request
    if (signal === undefined) return
    const listener = () => this.sharers?.leave(this, signal.reason)
    signal.addEventListener('abort', listener, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', listener)
  }

  resolve(value: unknown): void {
    this.#stopListening?.()
    this.#resolve(value)
  }

  reject(error: unknown): void {
    this.#stopListening?.()
    this.#reject(error)
  }
}

/** Those who share one call: one admission, one run of the first one's task, one answer for all who are still there. */
export class Sharers {
  readonly #all = new Set<Sharer>()
  readonly #deadlines = new Heap<Sharer>((a, b) => a.deadlineMs < b.deadlineMs)
  readonly #controller = new AbortController()
  readonly #changed: () => void

  /** @param changed the first deadline may be another one: somebody has left */
  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** Aborts when nobody shares the call any more. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get isEmpty(): boolean {
    return this.#all.size === 0
  }

  /** By which labels the call means to go, if one of those who share it says so. */
  get preferred(): Passage | undefined {
    for (const { watch } of this.#all) if (watch !== undefined) return watch.passage
    return undefined
  }

  /** The first deadline; Infinity when nobody has one. */
  get deadlineMs(): number {
    return this.#deadlines.peek()?.deadlineMs ?? Number.POSITIVE_INFINITY
  }

  add(sharer: Sharer): void {
    const moved = sharer.sharers !== undefined
    sharer.sharers = this
    this.#all.add(sharer)
    if (sharer.deadlineMs !== Number.POSITIVE_INFINITY) this.#deadlines.push(sharer)
    if (!moved) sharer.listen()
  }

  /** All of them, for another call. */
  handOver(): readonly Sharer[] {
    const all = [...this.#all]
    for (const sharer of all) this.#drop(sharer)
    return all
  }

  /** One of them has gone; the others keep their call. */
  leave(sharer: Sharer, reason: unknown): void {
    if (!this.#drop(sharer)) return
    sharer.reject(reason)
    if (this.isEmpty) this.#controller.abort(reason)
    else this.#changed()
  }

  /**
   * Rejects those whose deadline has come, or lies before `earliestMs`, and no one else.
   * @returns how many
   */
  expire(nowMs: number, earliestMs?: number): number {
    let expired = 0
    for (let first = this.#deadlines.peek(); first !== undefined; first = this.#deadlines.peek()) {
      if (earliestMs === undefined ? first.deadlineMs > nowMs : first.deadlineMs >= earliestMs) break
      this.#drop(first)
      first.reject(tooLate(first, nowMs, earliestMs))
      expired++
    }
    return expired
  }

  started(nowMs: number, passage: Passage): void {
    for (const sharer of this.#all) sharer.watch?.started(nowMs, passage)
  }

  resolve(value: unknown): void {
    for (const sharer of this.#all) if (this.#drop(sharer)) sharer.resolve(value)
  }

  reject(error: unknown): void {
    for (const sharer of this.#all) if (this.#drop(sharer)) sharer.reject(error)
  }

  #drop(sharer: Sharer): boolean {
    if (!this.#all.delete(sharer)) return false
    if (this.#deadlines.has(sharer)) this.#deadlines.remove(sharer)
    return true
  }
}

/** A call that may be joined, with its first sharer. It has no deadline and no signal of its own. */
export function sharedCall(
  passage: Passage,
  task: Task<unknown>,
  first: Sharer,
  nowMs: number,
  changed: (call: Call) => void,
): Call {
  const sharers = new Sharers(() => changed(call))
  const { maxWaitMs: _, ...request } = first.request
  const call = new Call(
    passage,
    { ...request, signal: sharers.signal },
    task,
    nowMs,
    value => sharers.resolve(value),
    sharers,
  )
  join(call, first)
  return call
}

export function join(call: Call, sharer: Sharer): void {
  if (sharer.watch !== undefined) sharer.watch.call = call
  call.sharers?.add(sharer)
}

/** `other`, which waits no more, is for the same as `call`: its sharers go over, with the priority they have. */
export function absorb(call: Call, other: Call): void {
  other.stopListening()
  for (const sharer of other.sharers?.handOver() ?? []) join(call, sharer)
  const priority = Math.max(call.request.priority ?? 0, other.request.priority ?? 0)
  call.request = { ...call.request, priority }
}
