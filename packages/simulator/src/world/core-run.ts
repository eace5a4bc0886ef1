import {
  type Admission,
  createScheduler,
  errorBudget,
  inFlight,
  type Limit,
  type Reading,
  type Scheduler,
  type Seen,
  tokenBucket,
} from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { draw } from '../draw.ts'
import {
  carries,
  type FaultOf,
  faultsOf,
  type Labels,
  type PollPlan,
  type Rule,
  type Scenario,
} from '../scenario/scenario.ts'
import { Machine } from './client-clock.ts'
import { CoreGate } from './core-gate.ts'
import { Driver, type Life } from './driver.ts'
import { type Attempt, type CallLog, newLog, type RunLog } from './log.ts'
import { Network } from './network.ts'
import type { PollHooks } from './polling.ts'
import { Remembering } from './remembering.ts'
import { Server } from './server.ts'
import { Telling } from './telling.ts'

const SALT = { lot: 11, abort: 12, random: 13 } as const

/** The scheduler alone, with tasks that travel the network. */
export async function runCore(scenario: Scenario): Promise<RunLog> {
  const world = new CoreWorld(scenario)
  await world.driver.run()
  return world.log
}

class CoreWorld {
  readonly log = newLog()
  readonly driver: Driver
  readonly #scenario: Scenario
  readonly #clock: VirtualClock = virtualClock()
  readonly #machine: Machine
  readonly #network: Network
  readonly #server: Server
  readonly #telling: Telling
  readonly #remembering = new Remembering()
  readonly #mischief: readonly FaultOf<'error' | 'unsent'>[]

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#machine = new Machine(scenario, this.#clock)
    this.#network = new Network(scenario, this.log.injected)
    this.#server = new Server(scenario, this.log.arrivals)
    this.#telling = new Telling(scenario, this.#server, kind => this.driver.books.count(kind))
    this.#mischief = faultsOf(scenario, 'error', 'unsent')
    this.driver = new Driver({
      scenario,
      clock: this.#clock,
      machine: this.#machine,
      log: this.log,
      open: life => this.#open(life),
      send: (gate, call, signal) => this.#send((gate as CoreGate).of(this.driver.labelsOf(call.load)), call, signal),
      poll: (gate, plan, hooks) => this.#poll((gate as CoreGate).of(plan.labels), plan, hooks),
      answerOf,
      setServerLimit: (name, limit) => this.#server.setLimit(name, limit, this.#clock.nowMs()),
      foreign: labels => void this.#server.arrive(labels, 1, this.#clock.nowMs(), undefined),
      crashed: () => this.#network.forgetConnections(),
    })
  }

  #open(life: Life): CoreGate {
    const { clients = 1 } = this.#scenario
    return new CoreGate(Array.from({ length: clients }, (_, client) => this.#openScheduler(life, client)))
  }

  #openScheduler({ index, coldStart, isDead, limits }: Life, client: number): Scheduler {
    const { seed, caps, budgets = [], memory, lostCallMs, timeoutMs, maxQueued } = this.#scenario
    const { overflow, fairBy, clients = 1 } = this.#scenario
    let drawn = 0
    return createScheduler({
      limits: [
        ...limits.map(bucketOf),
        ...caps.map(cap => inFlight({ ...cap })),
        ...budgets.map(({ banMs: _, ...budget }) => errorBudget(budget)),
      ] as Limit[],
      ...(memory && { memory: this.#remembering.memoryOf(isDead) }),
      ...(overflow !== undefined && { overflow }),
      ...(fairBy !== undefined && { fairBy }),
      // What one has learned of a route the others have not.
      ...(clients > 1 && { share: 1 / clients, floorMs: 0 as const }),
      coldStart,
      lostCallMs,
      timeoutMs,
      maxQueued,
      clock: this.#machine.clockOf(isDead),
      random: () => draw(seed, SALT.random, index, drawn++, ...(client > 0 ? [client] : [])),
    })
  }

  #send(scheduler: Scheduler, call: CallLog, signal: AbortSignal | undefined): Promise<unknown> {
    const load = this.#scenario.loads[call.load]
    if (load === undefined) throw new Error('no such load')
    const { priority, cost, retries } = load
    const labels = this.driver.labelsOf(call.load)
    return scheduler.schedule(
      {
        labels,
        ...(this.#scenario.roams && { alternatives: this.driver.alternativesOf(call.load) }),
        retries,
        ...(cost !== 1 && { cost }),
        ...(priority !== 0 && { priority }),
        ...(Number.isFinite(call.maxWaitMs) && { maxWaitMs: call.maxWaitMs }),
        ...(signal !== undefined && { signal }),
        ...(call.coalesce !== undefined && { coalesce: call.coalesce }),
      },
      // Of a shared call others' signals count too.
      admission => this.#travel(call, load.cost, admission, signal !== undefined || call.coalesce !== undefined),
    )
  }

  #poll(scheduler: Scheduler, plan: PollPlan, hooks: PollHooks): AsyncIterable<Reading<unknown>> {
    const { labels, cost, priority, retries, coalesce, everyMs, weight, onError, maxAgeMs } = plan
    return scheduler.poll(
      {
        labels,
        retries,
        ...(cost !== 1 && { cost }),
        ...(priority !== 0 && { priority }),
        ...(coalesce !== undefined && { coalesce }),
      },
      admission => {
        const call = hooks.next()
        const answer = this.#travel(call, cost, admission, true)
        const attempt = call.attempts[0] as Attempt
        hooks.sent(attempt)
        return answer.finally(() => hooks.over(attempt))
      },
      { everyMs, weight, onError, signal: hooks.signal, ...(maxAgeMs !== null && { maxAgeMs }) },
    )
  }

  /** One request: there, judged, and back. */
  #travel(call: CallLog, cost: number, admission: Admission, mayAbort: boolean): Promise<Attempt> {
    const { labels } = admission
    const clock = this.#clock
    const sentAtMs = clock.nowMs()
    const number = call.id * 64 + call.attempts.length
    const attempt = this.driver.books.sent(call, labels, cost, sentAtMs)
    const mischief = this.#mischiefOf(number, sentAtMs)
    if (mischief === 'unsent') {
      this.driver.books.over(attempt, 'unsent', sentAtMs)
      admission.unsent()
      return Promise.reject(new Error('could not be signed'))
    }
    const ip = labels['ip'] as string
    const fate = this.#network.send(ip, number, sentAtMs)
    attempt.stuckFromMs = fate.stuckFromMs
    const { giveUpMs } = this.#scenario
    return new Promise((resolve, reject) => {
      const giveUp = (error: unknown) => {
        if (attempt.outcome !== 'open') return
        this.driver.books.over(attempt, 'lost', clock.nowMs())
        reject(error)
      }
      if (mayAbort) admission.signal.addEventListener('abort', () => giveUp(new DOMException('aborted', 'AbortError')))
      const giveUpAtMs = giveUpMs === null ? Number.POSITIVE_INFINITY : sentAtMs + giveUpMs
      const breaksAtMs = sentAtMs + fate.breaksAfterMs
      const endsAtMs = this.#machine.awakeAt(Math.min(giveUpAtMs, breaksAtMs))
      let willBeGivenUp = false
      const planGivingUp = () => {
        if (willBeGivenUp || endsAtMs === Number.POSITIVE_INFINITY) return
        willBeGivenUp = true
        const broken = breaksAtMs < giveUpAtMs
        clock.setTimer(
          () => giveUp(broken ? Object.assign(new Error('reset'), { code: 'ECONNRESET' }) : timeOut()),
          Math.max(0, endsAtMs - clock.nowMs()),
        )
      }
      if (fate.arrivesAtMs > endsAtMs || fate.backMs === Number.POSITIVE_INFINITY) planGivingUp()
      if (fate.arrivesAtMs === Number.POSITIVE_INFINITY) return
      clock.setTimer(() => {
        const arrivedAtMs = clock.nowMs()
        if (this.#isTooLate(attempt, arrivedAtMs)) return
        const verdict = this.#server.arrive(labels, cost, arrivedAtMs, attempt)
        attempt.arrivedAtMs = arrivedAtMs
        attempt.verdict = verdict.verdict
        const told = this.#telling.of(attempt, number, arrivedAtMs)
        if (told.code !== undefined) clock.setTimer(() => this.#telling.fail(attempt, told), told.slowMs)
        if (fate.backMs === Number.POSITIVE_INFINITY || attempt.outcome !== 'open') return
        const backMs = told.slowMs + fate.backMs
        const backAtMs = this.#network.passes(ip, -number, arrivedAtMs, arrivedAtMs + backMs)
        const answerAtMs = this.#machine.awakeAt(backAtMs)
        if (answerAtMs > endsAtMs) planGivingUp()
        clock.setTimer(() => {
          if (attempt.outcome !== 'open') return
          attempt.answeredAtMs = clock.nowMs()
          this.#network.free(ip, clock.nowMs())
          admission.counted(this.#seenAt(arrivedAtMs))
          if (told.usage !== undefined) {
            attempt.usage = told.usage.log
            admission.usage(told.usage.seen)
          }
          if (told.code !== undefined) {
            this.driver.books.failed(attempt, clock.nowMs())
            admission.failed(told.code)
          }
          if (verdict.verdict !== 'accepted') {
            const isTimed = !Number.isNaN(verdict.toldUntilMs)
            // As from the answer's own timestamp: on the server's clock, from when it answered.
            if (isTimed)
              admission.refused({ holdMs: Math.max(0, verdict.toldUntilMs - arrivedAtMs), by: verdict.by ?? [] })
            // What it speaks of is told by its time alone; else it may be any of the call's limits.
            else admission.refused()
            if (isTimed) {
              const latestMs = clock.nowMs() + Math.max(0, verdict.toldUntilMs - arrivedAtMs)
              this.driver.books.told(attempt, verdict.by ?? [], { untilMs: verdict.toldUntilMs, latestMs })
            }
          }
          attempt.succeeded = verdict.verdict === 'accepted' && mischief !== 'error'
          this.driver.books.over(attempt, 'answered', clock.nowMs())
          if (mischief === 'error') reject(Object.assign(new Error('HTTP 500'), { response: { status: 500 }, attempt }))
          else if (told.code !== undefined) reject(Object.assign(new Error(`error ${told.code}`), { attempt }))
          else resolve(attempt)
        }, answerAtMs - arrivedAtMs)
      }, fate.arrivesAtMs - sentAtMs)
    })
  }

  #seenAt(arrivedAtMs: number): Seen {
    const { tellsTime, serverEpochMs = 0 } = this.#scenario
    return tellsTime === true ? { serverTimeMs: Math.floor(serverEpochMs + arrivedAtMs) } : {}
  }

  /** A request that was given up arrives within `lostCallMs` or never; only in a blackout does the network keep it longer. */
  #isTooLate(attempt: Attempt, nowMs: number): boolean {
    // What was given up before the light went out is under way for no longer than any other.
    const isHeld = attempt.stuckFromMs <= attempt.endedAtMs || Number.isNaN(attempt.endedAtMs)
    return !isHeld && nowMs > attempt.endedAtMs + 0.999 * this.#scenario.lostCallMs
  }

  #mischiefOf(number: number, nowMs: number): 'error' | 'unsent' | undefined {
    let lot = draw(this.#scenario.seed, number, SALT.lot)
    for (const { kind, atMs, forMs, share } of this.#mischief) {
      if (nowMs < atMs || nowMs >= atMs + forMs) continue
      if (lot < share) {
        this.driver.books.count(kind)
        return kind
      }
      lot -= share
    }
    return undefined
  }
}

function bucketOf({ only, except, ...rule }: Rule): Limit {
  const isConditional = only !== undefined || except !== undefined
  const where = (labels: Labels) =>
    (only === undefined || carries(labels, only)) && (except === undefined || !carries(labels, except))
  return tokenBucket({ ...rule, ...(isConditional && { where }) })
}

const timeOut = () => new DOMException('no answer', 'TimeoutError')

/** Tasks bring the attempt they made, or fail with it. */
function answerOf(outcome: unknown): Attempt | undefined {
  if (!(outcome instanceof Error)) return outcome as Attempt | undefined
  return (outcome as Error & { attempt?: Attempt }).attempt
}
