import { AsyncLocalStorage } from 'node:async_hooks'
import type { Scheduler } from '@headgate/core'
import type { VirtualClock } from '@headgate/core/testing'
import type { Books } from './books.ts'
import { type Attempt, type CallLog, NOBODYS, newCall } from './log.ts'

/** One admission of a call: what it may send, which is one request. */
interface Errand {
  readonly attempt: Attempt
  requests: number
}

/**
 * Stands between the HTTP layer and its scheduler and writes down who comes to the gate and who is let through: a request
 * on the wire does not say which call it belongs to. Changes nothing of what either of them does.
 */
export class Watch {
  readonly #clock: VirtualClock
  readonly #books: Books
  readonly #labelsOf: (call: CallLog) => Attempt['labels']
  readonly #calls = new AsyncLocalStorage<CallLog>()
  #questions = 0
  readonly #errands = new AsyncLocalStorage<Errand>()

  constructor(clock: VirtualClock, books: Books, labelsOf: (call: CallLog) => Attempt['labels']) {
    this.#clock = clock
    this.#books = books
    this.#labelsOf = labelsOf
  }

  /** Whatever `make` does is done for this call. */
  of<T>(call: CallLog, make: () => Promise<T>): Promise<T> {
    return this.#calls.run(call, make)
  }

  /** A scheduler as the HTTP layer of one life needs it. */
  over(scheduler: Scheduler, life: number): Scheduler {
    const schedule: Scheduler['schedule'] = (request, task) => {
      const order = this.#books.nextOrder()
      // Questions for the server's time go out on behalf of some call or other, under the labels of a public one.
      const asker = this.#calls.getStore()
      const isOwn = asker === undefined || !isOf(request.labels, this.#labelsOf(asker))
      if (isOwn && !isQuestion(request.labels)) throw new Error('a call of nobody')
      const scheduledAtMs = this.#clock.nowMs()
      const call = isOwn ? newCall({ id: -1 - this.#questions++, load: NOBODYS, life, scheduledAtMs, order }) : asker
      const labels = isOwn ? request.labels : this.#labelsOf(call)
      if (call.comings++ === 0) {
        call.order = order
        call.cameAtMs = scheduledAtMs
      }
      let again = call.comings > 1 ? { atMs: this.#clock.nowMs(), order } : undefined
      return scheduler.schedule(request, async admission => {
        const attempt = this.#books.sent(call, labels, 1, this.#clock.nowMs(), again)
        again = undefined
        try {
          return await this.#errands.run({ attempt, requests: 0 }, () => task(admission))
        } finally {
          // What was never sent was still admitted, and holds its tokens until the task says so.
          this.#books.over(attempt, 'lost', this.#clock.nowMs())
        }
      })
    }
    const watched: Pick<Scheduler, 'schedule' | 'hold' | 'halve' | 'remember' | 'recall' | 'close'> = {
      schedule,
      hold: (labels, hold) => scheduler.hold(labels, hold),
      halve: (labels, how) => scheduler.halve(labels, how),
      remember: (name, forMs) => scheduler.remember(name, forMs),
      recall: name => scheduler.recall(name),
      close: () => scheduler.close(),
    }
    return watched as Scheduler
  }

  /** Whose request this is. One admission is one request. */
  sends(): Attempt {
    const errand = this.#errands.getStore()
    if (errand === undefined) throw new Error('a request that nobody admitted')
    if (++errand.requests > 1) this.#books.mishap(`call ${errand.attempt.call.id} sent two requests for one admission`)
    return errand.attempt
  }
}

/** Whether these are the labels of a call: its endpoint and its account. */
function isOf(labels: Attempt['labels'], wanted: Attempt['labels']): boolean {
  return labels['endpoint'] === wanted['endpoint'] && labels['uid'] === wanted['uid']
}

function isQuestion({ endpoint = '', uid }: Attempt['labels']): boolean {
  return endpoint.endsWith('/server/time') && uid === undefined
}
