import type { Admission, PollOptions, Reading, ScheduleRequest } from '@headgate/core'
import { expect } from 'vitest'
import type { Gate } from '../scheduler/harness.ts'

export const labels = { uid: 'u' }

/** A poller whose every reading is taken at once, and whose calls take `takesMs`. */
export class Poll {
  readonly startsMs: number[] = []
  readonly readings: Reading<unknown>[] = []
  readonly admissions: Admission[] = []
  state: 'open' | 'done' | 'failed' = 'open'
  error: unknown
  /** What the next calls do. */
  answer: (admission: Admission, index: number) => unknown = (_, index) => index
  takesMs = 0
  readonly iterator: AsyncIterator<Reading<unknown>>

  /** @param reads whether its readings are asked for */
  constructor(its: Gate, request: Partial<ScheduleRequest>, options: PollOptions, reads = true) {
    const { clock, scheduler } = its
    const task = async (admission: Admission) => {
      const index = this.startsMs.push(clock.nowMs()) - 1
      this.admissions.push(admission)
      if (this.takesMs > 0) await new Promise<void>(resolve => void clock.setTimer(resolve, this.takesMs))
      return this.answer(admission, index)
    }
    this.iterator = scheduler.poll({ labels, ...request }, task, options)[Symbol.asyncIterator]()
    if (reads) void this.#read()
  }

  get values(): unknown[] {
    return this.readings.map(reading => (reading.ok ? reading.value : reading.error))
  }

  async #read(): Promise<void> {
    // After the test has said what its calls do.
    await undefined
    try {
      for (let next = await this.iterator.next(); next.done !== true; next = await this.iterator.next()) {
        this.readings.push(next.value)
      }
      this.state = 'done'
    } catch (error) {
      this.state = 'failed'
      this.error = error
    }
  }
}

/** No lane, no waiting or running call, no timer. */
export function expectNothingLeft({ clock, scheduler }: Pick<Gate, 'clock' | 'scheduler'>): void {
  expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0, running: 0 } })
  expect(clock.pendingTimers).toBe(0)
}

/** The ways to end a poller. */
export const ENDS: [string, (poll: Poll, its: Gate, abort: AbortController) => unknown][] = [
  ['return', poll => poll.iterator.return?.()],
  ['throw', poll => poll.iterator.throw?.(new Error('enough')).catch(() => undefined)],
  ['signal', (_poll, _its, abort) => abort.abort(new Error('enough'))],
  ['close', (_poll, { scheduler }) => void scheduler.close()],
]
