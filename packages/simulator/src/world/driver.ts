import { ErrorBudgetError, type Reading, type Scheduler } from '@headgate/core'
import type { VirtualClock } from '@headgate/core/testing'
import { draw } from '../draw.ts'
import {
  type ColdStart,
  clientLimits,
  type Labels,
  type Load,
  type PollPlan,
  type Rule,
  type Scenario,
} from '../scenario/scenario.ts'
import { nextBurst } from './arrivals.ts'
import { Books } from './books.ts'
import type { Machine } from './client-clock.ts'
import { abortAfterMs, maxWaitMs, thingOf } from './impatience.ts'
import { type Attempt, type CallLog, newCall, type PollLog, type RunLog, type SnapshotLog } from './log.ts'
import { planMischief } from './mischief.ts'
import { type PollHooks, Polling } from './polling.ts'

export type Gate = Pick<Scheduler, 'hold' | 'release' | 'setLimit' | 'snapshot' | 'close'> & {
  /** http: every account's key is put right. */
  resume?(): void
}

/** One life of the client, from its start to its crash. */
export interface Life {
  readonly index: number
  readonly coldStart: ColdStart
  /** As the client knows them now. */
  readonly limits: readonly Rule[]
  readonly isDead: () => boolean
}

export interface DriverSetup {
  readonly scenario: Scenario
  readonly clock: VirtualClock
  readonly machine: Machine
  readonly log: RunLog
  open(life: Life): Gate
  /** One call, settled once. */
  send(gate: Gate, call: CallLog, signal: AbortSignal | undefined): Promise<unknown>
  /** A poller; each run of its task is told to the hooks. */
  poll(gate: Gate, plan: PollPlan, hooks: PollHooks): AsyncIterable<Reading<unknown>>
  /** Which attempt brought what a call came to, or a poller read. @param own whose reading it is */
  answerOf(outcome: unknown, own?: PollLog): Attempt | undefined
  setServerLimit(name: string, limit: number): void
  foreign(labels: Labels): void
  crashed(): void
}

const SALT = 24
const SNAPSHOT_EVERY_MS = 20_000.123
/** Once nobody asks for more, the next call ends within this, or none ever will: an hour of bans, holds and halved limits. */
const STUCK_MS = 3_600_000
/** A limit that was halved needs twenty quiet minutes at most; a route that was silent, as long again as it was: no longer than the run. */
const QUIET_MS = 3_600_000
/** Windows of an error budget, by a clock that may be slow. */
const FORGIVING = 1.01
/** So long pollers go on before their scheduler is closed over them. */
const LAST_POLLS_MS = 3_000
/** Within it comes to its end, or is given up, what runs when a scheduler is closed. */
const CLOSING_MS = 120_000
const MOST_SLOTS = 200
const MOST_PER_SLOT = 50_000

/** Makes the calls, lets the faults happen that are not the network's, and sees the run to its end. */
export class Driver {
  readonly books: Books
  readonly #setup: DriverSetup
  readonly #labels: Labels[]
  readonly #alternatives: readonly (readonly Labels[])[]
  readonly #limits: Map<string, number>
  readonly #numbers: number[][]
  readonly #polling: Polling
  #gate: Gate | undefined
  #life = -1
  #unsettled = 0
  #isOver = false

  constructor(setup: DriverSetup) {
    this.#setup = setup
    this.books = new Books(setup.scenario, setup.clock, setup.log)
    this.#labels = setup.scenario.loads.map(load => Object.freeze({ ...load.labels }))
    this.#alternatives = this.#labels.map(labels =>
      setup.scenario.routes.filter(({ ip }) => ip !== labels['ip']).map(({ ip }) => Object.freeze({ ...labels, ip })),
    )
    this.#limits = new Map(clientLimits(setup.scenario).map(rule => [rule.name, rule.limit]))
    this.#numbers = setup.scenario.loads.map(() => [])
    this.#polling = new Polling({
      ...setup,
      books: this.books,
      poll: (gate, plan, hooks) => setup.poll(gate, plan, hooks),
      answerOf: (value, own) => setup.answerOf(value, own),
      at: (atMs, action) => this.#at(atMs, action),
      life: () => this.#life,
    })
  }

  /** The same object for all calls of a load. */
  labelsOf(load: number): Labels {
    return this.#labels[load] as Labels
  }

  /** The same by all other routes. */
  alternativesOf(load: number): readonly Labels[] {
    return this.#alternatives[load] as readonly Labels[]
  }

  async run(): Promise<void> {
    const { scenario, clock, log } = this.#setup
    this.#start(scenario.coldStart)
    this.#planMischief()
    scenario.loads.forEach((load, index) => {
      this.#burst(load, index, 0, 0)
    })
    for (let atMs = SNAPSHOT_EVERY_MS; atMs < scenario.durationMs; atMs += SNAPSHOT_EVERY_MS) {
      this.#at(atMs, () => this.#gate && log.snapshots.push(this.#snapshot(this.#gate)))
    }
    await clock.advance(scenario.durationMs)
    this.#isOver = true
    this.#polling.endAll()
    if (this.#gate === undefined) await clock.advance(120_000)
    await this.#drain()
    this.#resume()
    // Errors of the last minutes may still stop calls, as they should.
    await clock.advance(FORGIVING * Math.max(0, ...(scenario.budgets ?? []).map(({ windowMs }) => windowMs)))
    log.epilogueAtMs = clock.nowMs()
    const isLast = (index: number) =>
      // Of several clients each has to hear for itself.
      (scenario.clients ?? 1) > 1 ||
      index === scenario.loads.findLastIndex(each => each.labels['ip'] === scenario.loads[index]?.labels['ip'])
    for (let load = 0; load < scenario.loads.length && this.#gate !== undefined; load++) {
      // A route's last call has to be answered: else what was lost before waits for ever.
      const tries = isLast(load) ? 20 : 1
      for (let i = 0; i < tries; i++) {
        const call = this.#call(load, 0, Number.POSITIVE_INFINITY)
        await this.#drain()
        if (call.attempts.at(-1)?.outcome === 'answered') break
      }
    }
    await clock.advance(QUIET_MS + log.epilogueAtMs)
    if (this.#gate === undefined) return
    log.atEnd = this.#snapshot(this.#gate)
    if ((scenario.pollers ?? []).length > 0) {
      this.#polling.beginAgain(this.#gate)
      await clock.advance(LAST_POLLS_MS)
    }
    void this.#gate.close()
    this.#polling.closed()
    await clock.advance(CLOSING_MS)
    log.timersLeft = clock.pendingTimers
  }

  #snapshot(gate: Gate): SnapshotLog {
    return this.books.snapshot(gate, this.#unsettled + this.#polling.size)
  }

  /** Until all calls have settled, as long as some do. */
  async #drain(): Promise<void> {
    const { clock } = this.#setup
    let left = this.#unsettled
    let sinceMs = clock.nowMs()
    for (let stepMs = 100; left > 0 && clock.nowMs() < sinceMs + STUCK_MS; stepMs = Math.min(60_000, stepMs * 2)) {
      await clock.advance(stepMs)
      if (this.#unsettled === left) continue
      left = this.#unsettled
      sinceMs = clock.nowMs()
    }
  }

  #at(atMs: number, action: () => void): void {
    const { clock, machine } = this.#setup
    clock.setTimer(action, Math.max(0, machine.awakeAt(atMs) - clock.nowMs()))
  }

  #start(coldStart: ColdStart): void {
    const { scenario, clock, log } = this.#setup
    const index = ++this.#life
    log.lives.push({ bornAtMs: clock.nowMs(), coldStart, diedAtMs: Number.POSITIVE_INFINITY })
    const limits = scenario.limits.map(rule => ({ ...rule, limit: this.#limits.get(rule.name) as number }))
    this.#gate = this.#setup.open({ index, coldStart, limits, isDead: () => index !== this.#life })
    if (!this.#isOver) this.#polling.begin(this.#gate)
  }

  #resume(): void {
    const { clock, log } = this.#setup
    log.resumes.push(clock.nowMs())
    this.#gate?.resume?.()
  }

  #planMischief(): void {
    const { scenario, clock, log, foreign, setServerLimit } = this.#setup
    planMischief({
      scenario,
      clock,
      log,
      foreign,
      setServerLimit,
      setClientLimit: (name, limit) => {
        this.#limits.set(name, limit)
        log.ownLimits.push({ atMs: clock.nowMs(), name, limit })
        this.#gate?.setLimit(name, limit)
      },
      gate: () => this.#gate,
      life: () => this.#life,
      at: (atMs, action) => this.#at(atMs, action),
      resume: () => this.#resume(),
      crash: (downMs, coldStart) => this.#crash(downMs, coldStart),
    })
  }

  #crash(downMs: number, coldStart: ColdStart): void {
    const { scenario, clock, log, crashed } = this.#setup
    const life = log.lives[this.#life]
    if (this.#gate === undefined || life === undefined) return
    life.diedAtMs = clock.nowMs()
    // No life's number: neither the old client's timers nor its answers mean anything now.
    this.#life += 0.5
    this.#gate = undefined
    this.#unsettled = 0
    this.#polling.crashed()
    this.books.crashed(clock.nowMs())
    crashed()
    clock.setTimer(() => {
      this.#life -= 0.5
      this.#start(coldStart)
      scenario.loads.forEach((load, index) => {
        if (load.pattern.kind === 'saturating') this.#burst(load, index, 0, 0)
      })
    }, downMs)
  }

  #burst(load: Load, index: number, burst: number, atMs: number): void {
    const { scenario, clock } = this.#setup
    const next = nextBurst(scenario, index, load, burst, atMs)
    if (next.atMs >= scenario.durationMs) return
    const go = () => {
      const isClosed = load.pattern.kind === 'saturating'
      for (let slot = 0; slot < next.size && this.#gate !== undefined; slot++) {
        if (isClosed) this.#again(index, slot)
        else this.#call(index, 0, this.#maxWaitOf(index, clock.nowMs()))
      }
      if (!isClosed) this.#burst(load, index, burst + 1, next.atMs)
    }
    if (next.atMs <= clock.nowMs()) go()
    else this.#at(next.atMs, go)
  }

  /** A closed loop: one call after the other. */
  #again(load: number, slot: number): void {
    const { clock, scenario } = this.#setup
    if (this.#isOver || this.#gate === undefined) return
    const life = this.#life
    const call = this.#call(load, slot, this.#maxWaitOf(load, clock.nowMs()), () => {
      if (life !== this.#life) return
      // One that was turned away at the door does not come back at the same instant.
      if (call.attempts.length > 0) this.#again(load, slot)
      else
        this.#at(
          clock.nowMs() + 200 + 800 * draw(scenario.seed, SALT, call.id),
          () => life === this.#life && this.#again(load, slot),
        )
    })
  }

  #call(load: number, slot: number, maxWaitMs: number, settled?: () => void): CallLog {
    const { scenario, clock, log, send, answerOf } = this.#setup
    const numbers = this.#numbers[load] as number[]
    const number = numbers[slot] ?? 0
    numbers[slot] = number + 1
    const call: CallLog = {
      ...newCall(
        {
          id: (load * MOST_SLOTS + slot) * MOST_PER_SLOT + number,
          load,
          life: this.#life,
          scheduledAtMs: clock.nowMs(),
          order: this.books.nextOrder(),
        },
        this.#isOver ? undefined : thingOf(scenario, load, slot, number),
      ),
      maxWaitMs,
      // Over HTTP it may have to wait for the server's time first.
      ...(scenario.kind === 'core' && { cameAtMs: clock.nowMs() }),
    }
    log.calls.push(call)
    this.#unsettled++
    const labels = this.labelsOf(load)
    // Over HTTP it shares nothing before it comes to the gate.
    if (call.coalesce !== undefined && scenario.kind === 'core') this.books.mayShare(call, labels)
    const settle = (how: string, outcome: unknown) => {
      if (call.life !== this.#life) return
      call.settled++
      call.settledAtMs = clock.nowMs()
      call.settledOrder = this.books.nextOrder()
      call.how = how
      this.#unsettled--
      let last = call.attempts.at(-1)
      if (call.coalesce !== undefined) {
        call.outcome = outcome
        call.answer = answerOf(outcome)
        last = this.books.noLongerShares(call, labels)
      } else for (const attempt of call.attempts) this.books.over(attempt, 'lost', clock.nowMs())
      if (how === 'TimeoutError') this.books.tooLate(last)
      settled?.()
    }
    const signal = this.#abortOf(call)
    send(this.#gate as Gate, call, signal).then(
      value => settle('ok', value),
      error => {
        if (scenario.kind === 'http') call.outcome = error
        if (error instanceof ErrorBudgetError) call.stopped = { budget: error.limit, againAfterMs: error.retryAfterMs }
        settle(String((error as Error | undefined)?.name), error)
      },
    )
    if (scenario.kind === 'http' && log.texts.length > 20_000) log.texts.length = 20_000
    return call
  }

  #abortOf(call: CallLog): AbortSignal | undefined {
    const { scenario, clock } = this.#setup
    const delayMs = abortAfterMs(scenario, call)
    if (delayMs === undefined) return undefined
    const controller = new AbortController()
    this.#at(clock.nowMs() + delayMs, () => {
      if (call.settled > 0 || call.life !== this.#life) return
      this.books.count('abort')
      call.abortedAtMs = clock.nowMs()
      controller.abort(new DOMException('changed my mind', 'AbortError'))
    })
    return controller.signal
  }

  #maxWaitOf(load: number, nowMs: number): number {
    const waitMs = maxWaitMs(this.#setup.scenario, load, this.#numbers[load]?.[0] ?? 0, nowMs)
    if (waitMs < Number.POSITIVE_INFINITY) this.books.count('expiry')
    return waitMs
  }
}
