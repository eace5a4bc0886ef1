import type { Labels } from './limits/limit.ts'
import type { ScheduleRequest, Task } from './request.ts'
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
  /** Lets no call through that carries these labels, for `forMs` milliseconds from now; then one probe, then more and more. */
  hold(labels: Labels, hold: { forMs: number; reason: string }): void
  /** Ends the hold over exactly these labels. */
  release(labels: Labels): void
  /** Changes a limit for all its buckets, now and later. Waiting calls that can never fit any more reject with NeverFitsError. */
  setLimit(name: string, limit: number): void
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
