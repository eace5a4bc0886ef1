import { ClosedError, StaleError } from '../errors.ts'
import type { LedgerSession, Passage } from '../ports/ledger.ts'
import type { ScheduleRequest, Task } from '../request.ts'
import type { Watch } from '../run/call.ts'
import { shareKey } from '../run/queue.ts'
import { Agenda } from './agenda.ts'
import { becauseOf, heldUntil } from './because.ts'
import type { Pace } from './pace.ts'
import { Paces, type Prospect } from './paces.ts'
import { type Leave, type PollCall, Poller, type PollerHost } from './poller.ts'
import { checkPollOptions, type PollOptions, type Reading } from './reading.ts'
import { Tick } from './tick.ts'

/** What pollers ask of the scheduler they go through. */
export interface PollSetup {
  readonly ledger: LedgerSession
  readonly nowMs: () => number
  readonly schedule: <T>(request: ScheduleRequest, task: Task<T>, watch: Watch) => Promise<T>
  /** The ledger is elsewhere: several calls have to be with it at a time. */
  readonly answersLater: () => boolean
  /** The next instant has changed. */
  readonly arm: () => void
}

/**
 * All pollers of a scheduler. Those that want more than the limits give wait here, not in the scheduler's lanes: they are
 * let go one by one, at the pace of each gate they draw on, whoever is furthest behind its share first. At a gate that lets
 * nobody through stands one of them, as a scout; the others follow when it has gone.
 */
export class Pollers implements PollerHost {
  readonly #setup: PollSetup
  readonly #agenda = new Agenda()
  readonly #pollers = new Set<Poller>()
  readonly #paces: Paces
  /** Pollers that wait for their place, and polls that have one and have not started, by what they poll. */
  readonly #ready = new Map<string, Set<Poller>>()
  readonly #released = new Map<string, Tick>()
  /** Paces where a scout has gone. */
  readonly #stirred = new Set<Pace>()
  #order = 0
  #closed = false
  #turning = false

  constructor(setup: PollSetup) {
    this.#setup = setup
    this.#paces = new Paces(setup.ledger, this.#agenda, setup.answersLater, (poller, nowMs, turnAt) =>
      this.#start(poller, nowMs, turnAt),
    )
  }

  /** Infinity when nothing is to come. */
  get wakeAtMs(): number {
    return this.#agenda.wakeAtMs
  }

  poll<T>(
    passages: readonly Passage[],
    request: ScheduleRequest,
    call: PollCall<T>,
    options: PollOptions,
  ): AsyncIterable<Reading<T>> {
    checkPollOptions(options)
    const own = { ...request }
    const how = { ...options }
    const key = own.coalesce === undefined || own.maxWaitMs !== undefined ? undefined : shareKey(own)
    const due = (poller: Poller, nowMs: number) => this.#start(poller, nowMs)
    return {
      [Symbol.asyncIterator]: () =>
        new Poller(this, passages, own, call, how, key, due).iterator() as AsyncIterator<Reading<T>, undefined>,
    }
  }

  /** Starts whoever's time has come, and whoever may follow a scout that has gone. */
  turn(): void {
    if (this.#turning || (this.#stirred.size === 0 && !this.#isDue())) return
    this.#turning = true
    do {
      const nowMs = this.#setup.nowMs()
      this.#agenda.run(nowMs)
      for (const pace of this.#stirred) {
        this.#stirred.delete(pace)
        pace.due(nowMs)
        this.#paces.forgetIfUnused(pace)
      }
    } while (this.#stirred.size > 0)
    this.#turning = false
  }

  /** Where nobody polls not even the clock is read. */
  #isDue(): boolean {
    const { wakeAtMs } = this.#agenda
    return wakeAtMs !== Number.POSITIVE_INFINITY && wakeAtMs <= this.#setup.nowMs()
  }

  close(): void {
    this.#closed = true
    for (const poller of this.#pollers) poller.end()
  }

  begin(poller: Poller): void {
    if (this.#closed) {
      poller.end()
      return
    }
    const { ledger, nowMs } = this.#setup
    poller.order = this.#order++
    this.#pollers.add(poller)
    for (const passage of poller.passages) ledger.retain(passage)
    this.#paces.enter(poller)
    const atMs = nowMs()
    this.#sleep(poller, poller.firstStart(this.#pollers.size - 1, atMs))
    if (poller.maxAgeMs !== undefined) this.#agenda.set(poller.stale, atMs + poller.maxAgeMs)
    this.#goOn()
  }

  end(poller: Poller, reason: unknown): void {
    if (!this.#pollers.delete(poller)) return
    this.#agenda.drop(poller.next)
    this.#agenda.drop(poller.stale)
    this.#leaveRoom(poller)
    // What runs when the scheduler closes comes to its end; nobody waits for it any more.
    if (!this.#closed) poller.tick?.leave(poller, reason)
    this.#paces.leave(poller)
    for (const passage of poller.passages) this.#setup.ledger.release(passage)
    this.#goOn()
  }

  stale(poller: Poller, nowMs: number): void {
    const maxAgeMs = poller.maxAgeMs as number
    const leftMs = maxAgeMs - poller.ageMs(nowMs)
    if (leftMs > ROUNDED_MS) {
      this.#agenda.set(poller.stale, nowMs + leftMs)
      return
    }
    this.#agenda.set(poller.stale, nowMs + Math.max(maxAgeMs, poller.everyMs))
    if (poller.hasGoodNews) return
    const because = becauseOf(poller, this.#setup.ledger, nowMs)
    const waitedMs = poller.tick?.startedAtMs === undefined ? Math.max(0, nowMs - poller.dueAtMs) : 0
    const error = new StaleError(poller.request.labels, poller.ageMs(nowMs), because)
    poller.bad(error, waitedMs, heldUntil(because, nowMs), nowMs)
  }

  // Who goes

  #sleep(poller: Poller, untilMs: number): void {
    poller.dueAtMs = untilMs
    this.#agenda.set(poller.next, untilMs)
  }

  /** @param turnAt where it is the first, and a place is free */
  #start(poller: Poller, nowMs: number, turnAt?: Pace): void {
    const tick = poller.shareKey === undefined ? undefined : this.#released.get(poller.shareKey)
    if (tick !== undefined && tick.priority >= poller.priority && !tick.signal.aborted) {
      this.#setReady(poller, false)
      this.#paces.giveUp(poller)
      tick.add(poller)
      return
    }
    const prospect = this.#paces.choose(poller, nowMs, turnAt)
    const { paces, blocker } = prospect
    if (blocker !== undefined) {
      // Who comes to another gate without a place here might never find both open.
      if (turnAt?.canKeepFor(poller) && blocker.kind !== 'hold' && paces.has(turnAt)) {
        this.#take(poller, prospect, turnAt, nowMs)
        turnAt.kept.add(poller)
      }
      this.#setReady(poller, true)
      blocker.enter(poller, nowMs)
      return
    }
    const first = this.#paces.firstElsewhere(poller, prospect, nowMs)
    if (first !== undefined) {
      first.room?.leave(first)
      this.#start(first, nowMs)
      this.#start(poller, nowMs)
      return
    }
    this.#setReady(poller, false)
    poller.order = this.#order++
    for (const pace of paces.keys()) if (!pace.kept.has(poller)) this.#take(poller, prospect, pace, nowMs)
    this.#charge(poller, paces)
    this.#release(poller, prospect, nowMs)
  }

  #take(poller: Poller, { paces, free }: Prospect, pace: Pace, nowMs: number): void {
    const cost = paces.get(pace) as number
    pace.charge(poller, cost)
    pace.take(cost, free.get(pace) ?? Number.POSITIVE_INFINITY, nowMs)
  }

  /** By whichever of its labels it goes, it has its share at all of them; where a place was kept it has had it. */
  #charge(poller: Poller, besides: ReadonlyMap<Pace, number> = new Map()): void {
    for (const [pace, cost] of poller.allPaces) {
      if (!pace.kept.has(poller) && !besides.has(pace)) pace.charge(poller, cost)
    }
    this.#paces.giveUp(poller)
  }

  #release(poller: Poller, { passage, paces }: Leave, nowMs: number): void {
    const tick = new Tick(poller, passage, paces, nowMs, (...started) => this.#started(...started))
    for (const pace of paces.keys()) pace.scouts.add(tick)
    const { shareKey: key } = poller
    if (key !== undefined) {
      this.#released.set(key, tick)
      for (const other of this.#ready.get(key) ?? []) {
        if (other.priority > poller.priority) continue
        this.#leaveRoom(other)
        other.order = this.#order++
        this.#charge(other)
        tick.add(other)
      }
    }
    let calling: Promise<unknown>
    try {
      calling = Promise.resolve(poller.call((request, task) => this.#attempt(tick, request, task), tick.signal))
    } catch (error) {
      calling = Promise.reject(error)
    }
    calling.then(
      value => this.#over(tick, () => value),
      error =>
        this.#over(tick, () => {
          throw error
        }),
    )
  }

  #attempt<T>(tick: Tick, request: ScheduleRequest, task: Task<T>): Promise<T> {
    // Attempts after the first go when they may, but take their places at the pace.
    if (tick.attempts++ > 0) {
      for (const [pace, cost] of tick.paces) pace.take(cost, 0, this.#setup.nowMs())
    }
    const answer = this.#setup.schedule(request, task, tick)
    for (const pace of tick.paces.keys()) if (tick.standsElsewhere(pace)) pace.scouts.delete(tick)
    return answer
  }

  #started(tick: Tick, nowMs: number, passage: Passage): void {
    if (passage.labels !== tick.passage.labels) this.#paces.tookOther(tick, passage, nowMs)
    // What went at once took its place then, or before: what has left since is another's.
    if (nowMs > tick.releasedAtMs) {
      for (const [pace, cost] of tick.paces) if (pace.scouts.has(tick)) pace.started(cost, nowMs)
    }
    this.#leaveGate(tick)
  }

  /** It stands at no gate any more: others may follow. */
  #leaveGate(tick: Tick): void {
    for (const pace of tick.paces.keys()) {
      pace.scouts.delete(tick)
      this.#stirred.add(pace)
    }
    const { shareKey: key } = tick
    if (key !== undefined && this.#released.get(key) === tick) this.#released.delete(key)
  }

  #over(tick: Tick, result: () => unknown): void {
    const nowMs = this.#setup.nowMs()
    this.#leaveGate(tick)
    for (const poller of tick.members) {
      poller.tick = undefined
      if (poller.ended) continue
      const startedAtMs = tick.startedAtMs ?? nowMs
      this.#tell(poller, result, Math.max(0, startedAtMs - poller.dueAtMs), nowMs)
      if (!poller.ended) this.#sleep(poller, Math.max(poller.nextStart(startedAtMs), nowMs))
    }
    this.#goOn()
  }

  #tell(poller: Poller, result: () => unknown, waitedMs: number, nowMs: number): void {
    try {
      poller.read(result(), waitedMs, nowMs)
      if (poller.maxAgeMs !== undefined) this.#agenda.set(poller.stale, nowMs + poller.maxAgeMs)
    } catch (error) {
      if (error instanceof ClosedError) poller.end()
      else poller.failed(error, waitedMs, heldUntil(becauseOf(poller, this.#setup.ledger, nowMs), nowMs), nowMs)
    }
  }

  #setReady(poller: Poller, isReady: boolean): void {
    const { shareKey: key } = poller
    if (key === undefined) return
    let ready = this.#ready.get(key)
    if (isReady) {
      if (ready === undefined) {
        ready = new Set()
        this.#ready.set(key, ready)
      }
      ready.add(poller)
    } else if (ready?.delete(poller) && ready.size === 0) this.#ready.delete(key)
  }

  #leaveRoom(poller: Poller): void {
    poller.room?.leave(poller)
    this.#setReady(poller, false)
  }

  #goOn(): void {
    this.turn()
    this.#setup.arm()
  }
}

/** Sums of fractions fall short of the instant they stand for. */
const ROUNDED_MS = 0.001
