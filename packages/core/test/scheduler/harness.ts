import {
  type Admission,
  createScheduler,
  type Limit,
  type ScheduleRequest,
  type Scheduler,
  type SchedulerEvent,
  type SchedulerOptions,
} from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'

export interface Gate {
  readonly clock: VirtualClock
  readonly scheduler: Scheduler
  readonly events: SchedulerEvent[]
  /** A call whose task ends when the test says so. */
  job(request: ScheduleRequest): Job
  /** A call whose task is over at once. */
  quick(request: ScheduleRequest): Job
  /** The types of the events since the last look. */
  news(): SchedulerEvent['type'][]
}

/** A scheduler in virtual time, at 0, whose buckets are full. */
export function gate(limits: readonly Limit[], options: Partial<SchedulerOptions> = {}): Gate {
  const clock = (options.clock as VirtualClock | undefined) ?? virtualClock()
  const events: SchedulerEvent[] = []
  const scheduler = createScheduler({
    limits,
    clock,
    random: () => 0.5,
    coldStart: 'full',
    observer: event => events.push(event),
    ...options,
  })
  let seen = 0
  return {
    clock,
    scheduler,
    events,
    job: request => new Job(clock, scheduler, request, false),
    quick: request => new Job(clock, scheduler, request, true),
    news() {
      const fresh = events.slice(seen)
      seen = events.length
      return fresh.map(event => event.type)
    },
  }
}

/** One call, watched. */
export class Job {
  /** When its task was started, once per attempt. */
  readonly startsMs: number[] = []
  readonly admissions: Admission[] = []
  state: 'open' | 'fulfilled' | 'rejected' = 'open'
  /** What it settled with. */
  value: unknown
  endedAtMs = Number.NaN
  readonly promise: Promise<unknown>
  #resolve: (value: unknown) => void = () => undefined
  #reject: (error: unknown) => void = () => undefined

  constructor(clock: VirtualClock, scheduler: Scheduler, request: ScheduleRequest, quick: boolean) {
    this.promise = scheduler.schedule(request, admission => {
      this.startsMs.push(clock.nowMs())
      this.admissions.push(admission)
      return quick
        ? undefined
        : new Promise((resolve, reject) => {
            this.#resolve = resolve
            this.#reject = reject
          })
    })
    const settled = (state: Job['state']) => (value: unknown) => {
      this.state = state
      this.value = value
      this.endedAtMs = clock.nowMs()
    }
    this.promise.then(settled('fulfilled'), settled('rejected'))
  }

  get started(): boolean {
    return this.startsMs.length > 0
  }

  /** Of the latest attempt. */
  get admission(): Admission {
    return this.admissions.at(-1) as Admission
  }

  answer(value?: unknown): void {
    this.#resolve(value)
  }

  fail(error: unknown): void {
    this.#reject(error)
  }

  /** The server refuses the latest attempt, and its task is over. */
  refuse(how?: Parameters<Admission['refused']>[0]): void {
    this.admission.refused(how)
    this.answer()
  }

  /** The latest attempt is lost: its task rejects as an aborted fetch does. */
  lose(): void {
    this.fail(new DOMException('gone', 'AbortError'))
  }
}

/** When each job's first attempt started. */
export function startsOf(jobs: readonly Job[]): (number | undefined)[] {
  return jobs.map(job => job.startsMs[0])
}
