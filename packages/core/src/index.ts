export { type BackoffOptions, backoffMs } from './backoff/backoff.ts'
export { createScheduler, type Scheduler } from './create-scheduler.ts'
export {
  ClosedError,
  ErrorBudgetError,
  HeadgateError,
  MaxWaitError,
  NeverFitsError,
  QueueFullError,
  RefusedError,
  StaleError,
  TimeoutError,
} from './errors.ts'
export { type DisabledPeriod, parseDisabledPeriod } from './feedback/disabled-period.ts'
export { parseRetryAfter } from './feedback/retry-after.ts'
export {
  type ErrorBudgetOptions,
  errorBudget,
  type InFlightOptions,
  inFlight,
  type TokenBucketOptions,
  tokenBucket,
} from './limits/define.ts'
export type { ErrorBudgetLimit, InFlightLimit, Labels, Limit, TokenBucketLimit } from './limits/limit.ts'
export { memoryLedger } from './limits/memory-ledger.ts'
export type { PollCall } from './poll/poller.ts'
export type { PollOptions, Reading } from './poll/reading.ts'
export type { Clock, Timer } from './ports/clock.ts'
export type {
  ColdStart,
  Decision,
  Decisions,
  Gate,
  GateState,
  Head,
  Ledger,
  LedgerSession,
  LedgerSetup,
  Outcome,
  Passage,
  Refused,
  SpentBudget,
  Ticket,
} from './ports/ledger.ts'
export type {
  Kept,
  KeptHalving,
  KeptHistory,
  KeptHold,
  KeptReduction,
  Lasting,
  Memory,
  MemorySession,
} from './ports/memory.ts'
export type { AlertReason, Observer, SchedulerEvent } from './ports/observer.ts'
export type { Random } from './ports/random.ts'
export type { Admission, HoldOptions, Refusal, ScheduleRequest, Seen, Task, Usage } from './request.ts'
export type { SchedulerOptions } from './run/settings.ts'
export type { Counters, Explanation, LaneState, Snapshot } from './run/view.ts'
export { systemClock } from './system/clock.ts'
