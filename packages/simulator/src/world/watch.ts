import { AsyncLocalStorage } from 'node:async_hooks'
import type { Scheduler } from '@headgate/core'
import type { VirtualClock } from '@headgate/core/testing'
import type { Books } from './books.ts'
import { type Attempt, type CallLog, NOBODYS, newCall } from './log.ts'
import type { PollHooks } from './polling.ts'

/** One admission of a call: what it may send, which is one request. */
interface Errand {
  readonly attempt: Attempt
  requests: number
}

/** On whose behalf something is done. */
interface Doing {
  readonly call: CallLog
  readonly labels: Attempt['labels']
  /** Of one poll: who is to be told. */
  readonly hooks?: PollHooks
}

/**
 * Stands between the HTTP layer and its scheduler and writes down who comes to the gate and who is let through: a request
 * on the wire does not say which call or poll it belongs to. Changes nothing of what either of them does.
 */
export class Watch {
  readonly #clock: VirtualClock
  readonly #books: Books
  readonly #labelsOf: (call: CallLog) => Attempt['labels']
  readonly #doings = new AsyncLocalStorage<Doing>()
  readonly #pollers = new AsyncLocalStorage<Omit<Doing, 'call'> & { readonly hooks: PollHooks }>()
  readonly #errands = new AsyncLocalStorage<Errand>()
  /** By what attempts came to, which those who share them are given too. */
  readonly #outcomes = new WeakMap<object, Attempt>()
  #questions = 0

  constructor(clock: VirtualClock, books: Books, labelsOf: (call: CallLog) => Attempt['labels']) {
    this.#clock = clock
    this.#books = books
    this.#labelsOf = labelsOf
  }

  /** Whatever `make` does is done for this call. */
  of<T>(call: CallLog, make: () => Promise<T>): Promise<T> {
    return this.#doings.run({ call, labels: this.#labelsOf(call) }, make)
  }

  /** Whatever the poller does that `make` makes is done for its polls. */
  polling<T>(labels: Attempt['labels'], hooks: PollHooks, make: () => T): T {
    return this.#pollers.run({ labels, hooks }, make)
  }

  /** Which attempt brought it; undefined: none, or it is no object. */
  answerOf(outcome: unknown): Attempt | undefined {
    return typeof outcome === 'object' && outcome !== null ? this.#outcomes.get(outcome) : undefined
  }

  /** A scheduler as the HTTP layer of one life needs it. */
  over(scheduler: Scheduler, life: number): Scheduler {
    const schedule: Scheduler['schedule'] = (request, task) => {
      // Questions for the server's time go out on behalf of some call or other, under the labels of a public one.
      const doing = this.#doings.getStore()
      const isOwn = doing === undefined || doing.hooks !== undefined || !isOf(request.labels, doing.labels)
      if (isOwn && !isQuestion(request.labels)) throw new Error('a call of nobody')
      return this.#through(scheduler.schedule.bind(scheduler), isOwn ? this.#question(request.labels, life) : doing)(
        request,
        task,
      )
    }
    const watched: Pick<Scheduler, 'schedule' | 'pollWith' | 'hold' | 'halve' | 'remember' | 'recall' | 'close'> = {
      schedule,
      pollWith: (request, poll, options) => {
        const whose = this.#pollers.getStore()
        if (whose === undefined || !isOf(request.labels, whose.labels)) throw new Error('a poller of nobody')
        const once: typeof poll = async (gate, signal) => {
          const call = whose.hooks.next()
          const doing = { ...whose, call }
          try {
            return await this.#doings.run(doing, () => poll(this.#through(gate, doing), signal))
          } finally {
            whose.hooks.done(call)
          }
        }
        return scheduler.pollWith(request, once, options)
      },
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
    if (errand === undefined) {
      this.#books.mishap('a request that nobody admitted')
      throw new Error('a request that nobody admitted')
    }
    if (++errand.requests > 1) this.#books.mishap(`call ${errand.attempt.call.id} sent two requests for one admission`)
    return errand.attempt
  }

  /** The gate, for one who comes to it. */
  #through(gate: Scheduler['schedule'], { call, labels, hooks }: Doing): Scheduler['schedule'] {
    return (request, task) => {
      const order = this.#books.nextOrder()
      const atMs = this.#clock.nowMs()
      if (call.comings++ === 0) {
        call.order = order
        call.cameAtMs = atMs
      }
      let again = call.comings > 1 ? { atMs, order } : undefined
      if (call.coalesce !== undefined) this.#books.mayShare(call, labels)
      const settled = gate(request, async admission => {
        const attempt = this.#books.sent(call, labels, 1, this.#clock.nowMs(), again)
        again = undefined
        hooks?.sent(attempt)
        try {
          const value = await this.#errands.run({ attempt, requests: 0 }, () => task(admission))
          this.#brought(value, attempt)
          return value
        } catch (error) {
          // Given up, it has brought nothing.
          if (!admission.signal.aborted) this.#brought(error, attempt)
          throw error
        } finally {
          // What was never sent was still admitted, and holds its tokens until the task says so.
          this.#books.over(attempt, 'lost', this.#clock.nowMs())
          hooks?.over(attempt)
        }
      })
      if (call.coalesce === undefined) return settled
      return settled.finally(() => this.#books.noLongerShares(call, labels))
    }
  }

  #question(labels: Attempt['labels'], life: number): Doing {
    const scheduledAtMs = this.#clock.nowMs()
    const order = this.#books.nextOrder()
    return { call: newCall({ id: -1 - this.#questions++, load: NOBODYS, life, scheduledAtMs, order }), labels }
  }

  #brought(outcome: unknown, attempt: Attempt): void {
    if (typeof outcome === 'object' && outcome !== null) this.#outcomes.set(outcome, attempt)
  }
}

/** Whether these are the labels of a call: its endpoint and its account. */
function isOf(labels: Attempt['labels'], wanted: Attempt['labels']): boolean {
  return labels['endpoint'] === wanted['endpoint'] && labels['uid'] === wanted['uid']
}

function isQuestion({ endpoint = '', uid }: Attempt['labels']): boolean {
  return endpoint.endsWith('/server/time') && uid === undefined
}
