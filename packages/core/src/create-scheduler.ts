import type { Labels } from './limits/limit.ts'
import type { PollCall } from './poll/poller.ts'
import type { PollOptions, Reading } from './poll/reading.ts'
import type { HoldOptions, ScheduleRequest, Task } from './request.ts'
import { type SchedulerOptions, settingsOf } from './run/settings.ts'
import type { Explanation, Snapshot } from './run/view.ts'
import { HeadgateScheduler } from './scheduler.ts'

/** Sends every call at the earliest moment at which the server will accept it. */
export interface Scheduler extends AsyncDisposable {
  /**
   * Runs `task` once every limit that applies to the labels lets it, and settles as the task does.
   *
   * Rejects with what the task threw, or with ClosedError, MaxWaitError, NeverFitsError, QueueFullError, RefusedError,
   * TimeoutError, the reason of the request's signal, or a TypeError that names what is wrong with the request.
   */
  schedule<T>(request: ScheduleRequest, task: Task<T>): Promise<T>
  /**
   * Runs `task` again and again, every `everyMs` from start to start, and gives what it brings: the newest reading to whoever
   * asks, never a backlog. One call at a time. Where the limits give less than all pollers together want, each gets its share
   * by weight (larger `priority` first), evenly spaced. Begins with the first reading asked for; each iteration is a poller of
   * its own. Ends, with what it has under way, by `break`, `return`, `throw`, a signal, or `close()`.
   *
   * With `request.coalesce`, pollers of the same labels and text that are ready together share one call.
   * @throws {TypeError} names the option, what was expected and what came
   */
  poll<T>(request: ScheduleRequest, task: Task<T>, options: PollOptions): AsyncIterable<Reading<T>>
  /**
   * As `poll`, where one poll may be several calls: each goes through `schedule`, which `call` is given with the signal that
   * gives it up. The requests it schedules draw on the same limits as `request`, by which the poll is given its place.
   */
  pollWith<T>(request: ScheduleRequest, call: PollCall<T>, options: PollOptions): AsyncIterable<Reading<T>>
  /** Lets no call through that carries these labels, for `forMs` milliseconds from now; then one probe, then more and more. */
  hold(labels: Labels, hold: HoldOptions): void
  /**
   * Halves, for `forMs` milliseconds from now, every limit that is counted by these labels among others: `{ uid: '7' }` means
   * the buckets kept by `uid`, or by `uid` and `endpoint`, of that account. Rounded down, at least 1. Only grows.
   */
  halve(labels: Labels, how: { forMs: number; reason: string }): void
  /** Ends the hold and the halving over exactly these labels, in the scheduler's memory too. */
  release(labels: Labels): void
  /** Changes a limit for all its buckets, now and later. Waiting calls that can never fit any more reject with NeverFitsError. */
  setLimit(name: string, limit: number): void
  /**
   * Notes under a name that something happened now, and keeps it for `forMs` milliseconds, over restarts if the scheduler has
   * a `memory`. At most 1,000 instants a name.
   * @returns what is known under the name: epoch milliseconds, ascending
   */
  remember(name: string, forMs: number): readonly number[]
  /** What {@link Scheduler.remember} has noted under a name, as far as it is to be kept. */
  recall(name: string): readonly number[]
  /** May such a call go now? If not: which bucket or hold refuses it, for how long, and how many wait before it. */
  explain(request: ScheduleRequest): Explanation
  /** Buckets, holds, lanes and counters as plain data. */
  snapshot(): Snapshot
  /** Resolves when nothing waits or runs. */
  drain(): Promise<void>
  /** Waiting calls reject with ClosedError, running ones finish; resolves when they have. */
  close(): Promise<void>
}

/** @throws {TypeError} names the option, what was expected and what came */
export function createScheduler(options: SchedulerOptions): Scheduler {
  return new HeadgateScheduler(settingsOf(options))
}
