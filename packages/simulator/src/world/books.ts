import type { Scheduler } from '@headgate/core'
import type { VirtualClock } from '@headgate/core/testing'
import { Keys, type Labels, type Scenario } from '../scenario/scenario.ts'
import type { Told } from './ban-words.ts'
import { type Attempt, type CallLog, type GateLog, type RunLog, type SnapshotLog, UNANSWERED } from './log.ts'

/** Writes down what happens. */
export class Books {
  readonly #scenario: Scenario
  readonly #limitKeys: Keys
  readonly #capKeys: Keys
  readonly #clock: VirtualClock
  readonly #log: RunLog
  /** Calls that wait and may be shared, by what they ask for. */
  readonly #sharers = new Map<string, Set<CallLog>>()
  /** The last attempt of such calls. */
  readonly #shared = new Map<string, Attempt>()
  readonly #openCost = new Map<string, number>()
  readonly #openAttempts = new Set<Attempt>()
  #order = 0

  constructor(scenario: Scenario, clock: VirtualClock, log: RunLog) {
    this.#scenario = scenario
    this.#limitKeys = new Keys(scenario.limits)
    this.#capKeys = new Keys(scenario.caps)
    this.#clock = clock
    this.#log = log
  }

  nextOrder(): number {
    return this.#order++
  }

  count(kind: string): void {
    const { injected } = this.#log
    injected.set(kind, (injected.get(kind) ?? 0) + 1)
  }

  mishap(what: string): void {
    this.#log.mishaps.push(what)
  }

  sent(call: CallLog, labels: Labels, cost: number, sentAtMs: number, again?: Attempt['again']): Attempt {
    const attempt: Attempt = {
      order: this.#order++,
      call,
      again,
      labels,
      cost,
      sentAtMs,
      ...UNANSWERED,
    }
    call.attempts.push(attempt)
    this.#log.attempts.push(attempt)
    this.#openAttempts.add(attempt)
    this.#book(attempt, cost, 1)
    if (call.coalesce === undefined) call.went++
    else {
      const key = shareKeyOf(this.#scenario, call, labels)
      this.#shared.set(key, attempt)
      for (const sharer of this.#sharers.get(key) ?? []) {
        sharer.sharedBy ??= attempt
        sharer.went++
      }
    }
    return attempt
  }

  /** A call has come that others may share. */
  mayShare(call: CallLog, labels: Labels): void {
    const key = shareKeyOf(this.#scenario, call, labels)
    const sharers = this.#sharers.get(key) ?? new Set()
    this.#sharers.set(key, sharers)
    sharers.add(call)
  }

  /** Such a call has settled. @returns the last attempt that went for its like */
  noLongerShares(call: CallLog, labels: Labels): Attempt | undefined {
    const key = shareKeyOf(this.#scenario, call, labels)
    this.#sharers.get(key)?.delete(call)
    return this.#shared.get(key)
  }

  /** The attempt is over for the client. */
  over(attempt: Attempt, outcome: Attempt['outcome'], atMs: number): void {
    if (attempt.outcome !== 'open') return
    attempt.outcome = outcome
    attempt.endedAtMs = atMs
    attempt.endedOrder = this.#order++
    this.#openAttempts.delete(attempt)
    this.#book(attempt, -attempt.cost, -1)
  }

  /** The client is about to be told of an error. */
  failed(attempt: Attempt, atMs: number): void {
    attempt.failedAtMs = atMs
    attempt.failedOrder = this.#order++
  }

  /** The client is gone, and with it all that it waited for. */
  crashed(atMs: number): void {
    for (const attempt of this.#openAttempts) this.over(attempt, 'crashed', atMs)
  }

  /** The client was told of a hold. */
  told(attempt: Attempt, by: readonly string[], { untilMs, latestMs }: Told): void {
    attempt.toldUntilMs = untilMs
    const labels = Object.fromEntries(by.map(name => [name, attempt.labels[name] ?? '']))
    const fromMs = this.#clock.nowMs()
    this.#log.holds.push({
      labels,
      fromMs,
      untilMs,
      latestMs,
      releasedAtMs: Number.POSITIVE_INFINITY,
      life: attempt.call.life,
      by: 'server',
      attempt,
    })
  }

  /** An answer that came at the very instant of giving up, but after it, came too late. */
  tooLate(attempt: Attempt | undefined): void {
    // Of a shared call, what was answered before may be another attempt.
    if (attempt?.outcome !== 'answered' || attempt.endedAtMs !== this.#clock.nowMs()) return
    const { holds } = this.#log
    attempt.outcome = 'lost'
    attempt.answeredAtMs = Number.NaN
    attempt.tiedAtMs = attempt.endedAtMs
    attempt.doubtfulAtMs = attempt.failedAtMs
    attempt.failedAtMs = Number.NaN
    attempt.failedOrder = Number.POSITIVE_INFINITY
    const told = holds.findLastIndex(hold => hold.attempt === attempt)
    if (told >= 0) holds.splice(told, 1)
  }

  /** @param wanted calls made and not settled, and pollers that have not ended */
  snapshot(gate: Pick<Scheduler, 'snapshot'>, wanted: number): SnapshotLog {
    const { buckets, caps, holds, counters } = gate.snapshot()
    return {
      atMs: this.#clock.nowMs(),
      buckets: buckets as readonly GateLog[],
      caps: caps as readonly GateLog[],
      holds: holds as readonly GateLog[],
      queued: counters.queued,
      running: counters.running,
      wanted,
      openCost: new Map(this.#openCost),
    }
  }

  #book(attempt: Attempt, cost: number, one: number): void {
    for (const key of this.#limitKeys.of(attempt.labels)) this.#add(key, cost)
    for (const key of this.#capKeys.of(attempt.labels)) this.#add(key, one)
  }

  #add(key: string | undefined, amount: number): void {
    if (key !== undefined) this.#openCost.set(key, (this.#openCost.get(key) ?? 0) + amount)
  }
}

/** The same for calls that may share one. One that may go by any address, as pollers do not, asks for the same by each. */
export function shareKeyOf({ roams }: Scenario, { coalesce, life, load }: CallLog, labels: Labels): string {
  const asked = Object.entries(labels).filter(([name]) => !roams || load < 0 || name !== 'ip')
  return JSON.stringify([life, coalesce, ...asked.sort(([a], [b]) => (a < b ? -1 : 1))])
}
