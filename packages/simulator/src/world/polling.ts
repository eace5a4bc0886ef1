import type { Reading } from '@headgate/core'
import type { VirtualClock } from '@headgate/core/testing'
import type { PollPlan, Scenario } from '../scenario/scenario.ts'
import type { Books } from './books.ts'
import type { Machine } from './client-clock.ts'
import type { Gate } from './driver.ts'
import { type Attempt, type CallLog, newCall, POLLED, type PollLog, type RunLog } from './log.ts'
import { textOf } from './text-of.ts'

/** Polls are numbered apart from other calls: below zero. */
const PER_PLAN = 50_000

export interface PollStage {
  readonly scenario: Scenario
  readonly clock: VirtualClock
  readonly machine: Machine
  readonly log: RunLog
  readonly books: Books
  readonly poll: (gate: Gate, plan: PollPlan, hooks: PollHooks) => AsyncIterable<Reading<unknown>>
  /** Which attempt brought what was read. */
  readonly answerOf: (value: unknown, own: PollLog) => Attempt | undefined
  /** When the client's machine is awake to do it. */
  at(atMs: number, action: () => void): void
  life(): number
}

export interface PollHooks {
  readonly signal: AbortSignal
  /** A run of its task begins; over HTTP a poll, which may be several. */
  next(): CallLog
  /** It has sent its request. */
  sent(attempt: Attempt): void
  over(attempt: Attempt): void
  /** http: the poll is over. */
  done(call: CallLog): void
}

/** Begins pollers, reads what they bring, ends them, and writes all of it down. */
export class Polling {
  readonly #stage: PollStage
  readonly #numbers: number[]
  /** What ends each poller that has not ended. */
  readonly #open = new Map<PollLog, (how: 'signal' | 'return') => void>()

  constructor(stage: PollStage) {
    this.#stage = stage
    this.#numbers = (stage.scenario.pollers ?? []).map(() => 0)
  }

  /** Pollers that have not ended. */
  get size(): number {
    return this.#open.size
  }

  /** Of a life that has just begun. */
  begin(gate: Gate): void {
    const { clock, scenario, life, at } = this.#stage
    const own = life()
    for (const [index, plan] of (scenario.pollers ?? []).entries()) {
      if (plan.end !== null && plan.end.atMs <= clock.nowMs()) continue
      at(Math.max(plan.fromMs, clock.nowMs()), () => own === life() && this.#begin(gate, index, plan))
    }
  }

  /** All of them once more, to see them end with their scheduler. */
  beginAgain(gate: Gate): void {
    for (const [index, plan] of (this.#stage.scenario.pollers ?? []).entries())
      this.#begin(gate, index, { ...plan, end: null })
  }

  /** From outside, while their readers wait or are busy. */
  endAll(): void {
    for (const [index, end] of [...this.#open.values()].entries()) end(index % 2 === 0 ? 'return' : 'signal')
  }

  /** Their scheduler is closed. */
  closed(): void {
    for (const poll of this.#open.keys()) this.#ended(poll, 'close')
  }

  /** Nobody reads any more, and nobody ended them. */
  crashed(): void {
    this.#open.clear()
  }

  #begin(gate: Gate, index: number, plan: PollPlan): void {
    const { clock, machine, log, life, poll } = this.#stage
    const controller = new AbortController()
    const own: PollLog = {
      plan: index,
      life: life(),
      beganAtMs: clock.nowMs(),
      beganClientMs: machine.clientMs(clock.nowMs()),
      endedAtMs: Number.POSITIVE_INFINITY,
      endedOrder: Number.POSITIVE_INFINITY,
      how: 'open',
      askedAtMs: clock.nowMs(),
      doneAtMs: Number.NaN,
      runs: [],
      vain: [],
      readings: [],
    }
    log.polls.push(own)
    const runs = new Map<Attempt, PollLog['runs'][number]>()
    const iterator = poll(gate, plan, {
      signal: controller.signal,
      next: () => this.#nextCall(index),
      sent: attempt => {
        const startedClientMs = machine.clientMs(attempt.sentAtMs)
        const run = { attempt, startedClientMs, overAtMs: Number.NaN, overClientMs: Number.NaN }
        own.runs.push(run)
        runs.set(attempt, run)
      },
      over: attempt => {
        const run = runs.get(attempt)
        runs.delete(attempt)
        if (run === undefined || own.life !== life()) return
        run.overAtMs = clock.nowMs()
        run.overClientMs = machine.clientMs(clock.nowMs())
      },
      done: call => {
        if (own.life !== life()) return
        const last = own.runs.findLast(({ attempt }) => attempt.call === call)
        const nowMs = machine.clientMs(clock.nowMs())
        if (last === undefined) own.vain.push(nowMs)
        else Object.assign(last, { doneAtMs: clock.nowMs(), doneClientMs: nowMs })
      },
    })[Symbol.asyncIterator]()
    const end = (how: 'signal' | 'return') => {
      if (!this.#open.has(own) || own.life !== life()) return
      this.#ended(own, how)
      if (how === 'signal') controller.abort(new DOMException('enough', 'AbortError'))
      else void iterator.return?.()
    }
    this.#open.set(own, end)
    if (plan.end !== null && plan.end.how !== 'break') {
      const { atMs, how } = plan.end
      this.#stage.at(atMs, () => end(how as 'signal' | 'return'))
    }
    void this.#read(own, plan, iterator)
  }

  #ended(poll: PollLog, how: PollLog['how']): void {
    this.#open.delete(poll)
    poll.endedAtMs = this.#stage.clock.nowMs()
    poll.endedOrder = this.#stage.books.nextOrder()
    poll.how = how
  }

  async #read(own: PollLog, plan: PollPlan, iterator: AsyncIterator<Reading<unknown>>): Promise<void> {
    const { clock, machine, life, at, log, scenario, answerOf } = this.#stage
    for (;;) {
      own.askedAtMs = clock.nowMs()
      const next = await iterator.next().catch((error: unknown) => ({ done: 'threw' as const, error }))
      if (own.life !== life()) return
      const nowMs = clock.nowMs()
      if (next.done) {
        if (next.done === 'threw' && own.how === 'open') this.#ended(own, 'threw')
        own.doneAtMs = nowMs
        // Once it has ended there is nothing more, however often somebody asks.
        if ((await iterator.next()).done !== true) this.#stage.books.mishap('a poller went on after its end')
        return
      }
      const reading = next.value as Reading<unknown>
      const { readAtMs, waitedMs, sincePreviousMs } = reading
      const error = reading.ok ? undefined : (reading.error as Error & { ageMs?: number })
      if (scenario.kind === 'http' && error !== undefined) log.texts.push(textOf(error))
      own.readings.push({
        askedAtMs: own.askedAtMs,
        gotAtMs: nowMs,
        gotClientMs: machine.clientMs(nowMs),
        ok: reading.ok,
        answer: reading.ok ? answerOf(reading.value, own) : undefined,
        error: error?.name,
        ageMs: error?.name === 'StaleError' ? error.ageMs : undefined,
        heldUntilMs: reading.ok ? undefined : reading.heldUntilMs,
        readAtMs,
        waitedMs,
        sincePreviousMs,
      })
      if (plan.end?.how === 'break' && nowMs >= plan.end.atMs) {
        this.#ended(own, 'break')
        own.doneAtMs = nowMs
        void iterator.return?.()
        return
      }
      if (plan.consumerMs > 0)
        await new Promise<void>(resolve => at(nowMs + plan.consumerMs, () => own.life === life() && resolve()))
    }
  }

  #nextCall(plan: number): CallLog {
    const { books, clock, life } = this.#stage
    const number = this.#numbers[plan] as number
    this.#numbers[plan] = number + 1
    const id = -2 - plan * PER_PLAN - number
    const made = { id, load: POLLED, life: life(), scheduledAtMs: clock.nowMs(), order: books.nextOrder() }
    return newCall(made, this.#stage.scenario.pollers?.[plan]?.coalesce)
  }
}
