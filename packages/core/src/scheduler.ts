import { ClosedError } from './errors.ts'
import type { Lane } from './lanes/lane.ts'
import type { Labels } from './limits/limit.ts'
import type { PollCall } from './poll/poller.ts'
import { Pollers } from './poll/pollers.ts'
import type { PollOptions, Reading } from './poll/reading.ts'
import type { Clock } from './ports/clock.ts'
import type { Decision, Decisions, Gate, LedgerSession, Passage, Refused } from './ports/ledger.ts'
import type { SchedulerEvent } from './ports/observer.ts'
import type { HoldOptions, ScheduleRequest, Task } from './request.ts'
import type { Attempt } from './run/attempt.ts'
import { Call, type Place, type Watch, Way } from './run/call.ts'
import {
  checkHistory,
  checkLabels,
  checkNewLimit,
  checkNote,
  checkReasoned,
  checkRequest,
  checkTask,
} from './run/check-request.ts'
import { Hopeless } from './run/hopeless.ts'
import { Line } from './run/line.ts'
import { Queue } from './run/queue.ts'
import { Remembrance } from './run/remembrance.ts'
import { Resolver } from './run/resolver.ts'
import { Runner } from './run/runner.ts'
import type { Settings } from './run/settings.ts'
import { Sharer, sharedCall } from './run/sharers.ts'
import { tell } from './run/tell.ts'
import { tooOften } from './run/too-often.ts'
import { Turns } from './run/turns.ts'
import { type Counters, type Explanation, newCounters, type Snapshot, View } from './run/view.ts'
import { WakeTimer } from './run/wake-timer.ts'

/** Heads sent at once to a ledger that answers later: one round trip serves them all. */
const BATCH = 32

/** THE loop: judge, charge, run, learn. */
export class HeadgateScheduler {
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #ledger: LedgerSession
  readonly #remembrance: Remembrance
  readonly #resolver: Resolver
  readonly #queue: Queue
  readonly #turns: Turns
  readonly #hopeless: Hopeless
  readonly #line: Line
  readonly #runner: Runner
  readonly #pollers: Pollers
  readonly #view: View
  readonly #counters: Counters = newCounters()
  readonly #timer: WakeTimer
  #serving = false
  /** Heads are with a ledger that answers later. */
  #deciding = false
  #batch = 1
  #closed = false
  #idle: (() => void)[] = []

  constructor(settings: Settings) {
    this.#settings = settings
    this.#clock = settings.clock
    const { limits, coldStart, lostCallMs, useFloor, random, timeoutMs, observer } = settings
    const nowMs = () => this.#clock.nowMs()
    const emit = (event: SchedulerEvent) => tell(observer, event)
    this.#remembrance = new Remembrance({ memory: settings.memory, clock: this.#clock, limits, emit })
    this.#ledger = settings.ledger.open({
      limits,
      coldStart,
      lostCallMs,
      useFloor,
      random,
      fairBy: settings.fairBy,
      bornAtMs: nowMs(),
      nowMs,
      epochMs: () => this.#clock.epochMs(),
      changed: gate => {
        if (!this.#turns.isEmpty) this.#turns.changed(gate, nowMs())
      },
      lastingChanged: when => this.#remembrance.changed(when),
      spent: gate => this.#spent(gate),
      emit,
    })
    this.#resolver = new Resolver(this.#ledger, limits)
    this.#hopeless = new Hopeless(this.#ledger, this.#counters)
    this.#queue = new Queue(settings.fairBy, settings.overflow, lane => this.#turns.enter(lane))
    this.#turns = new Turns(this.#ledger, this.#queue, settings.fairBy)
    this.#line = new Line({
      queue: this.#queue,
      turns: this.#turns,
      hopeless: this.#hopeless,
      counters: this.#counters,
      maxQueued: settings.maxQueued,
      nowMs,
      left: () => this.#goOn(),
    })
    this.#runner = new Runner({
      ledger: this.#ledger,
      counters: this.#counters,
      timeoutMs,
      nowMs,
      emit: observer && emit,
      again: (attempt, error) => this.#again(attempt, error),
      heard: () => this.#heard(),
    })
    this.#pollers = new Pollers({
      ledger: this.#ledger,
      nowMs,
      schedule: (request, task, watch) => this.#schedule(request, task, watch),
      answersLater: () => this.#batch > 1,
      arm: () => this.#arm(),
    })
    this.#view = new View(this.#ledger, this.#queue, this.#turns)
    this.#timer = new WakeTimer(this.#clock, () => this.#wake())
    this.#remembrance.begin(this.#ledger)
  }

  schedule<T>(request: ScheduleRequest, task: Task<T>): Promise<T> {
    return this.#schedule(request, task)
  }

  #schedule<T>(request: ScheduleRequest, task: Task<T>, watch?: Watch): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      checkRequest(request, this.#settings.limitNames)
      checkTask('schedule', task)
      const passage = this.#resolver.passageOf(request)
      const ways = this.#resolver.alternativesOf(request)
      let nowMs = this.#clock.nowMs()
      // What has come free is handed out before the newcomer is judged. Tasks start in it, and may do anything.
      if (this.#turns.wakeAtMs <= nowMs) {
        this.#serve(nowMs)
        nowMs = this.#clock.nowMs()
      }
      if (request.signal?.aborted) throw request.signal.reason
      if (this.#closed) throw new ClosedError()
      const settle = resolve as (value: unknown) => void
      if (request.coalesce !== undefined) {
        this.#share(passage, ways, task as Task<unknown>, new Sharer(request, nowMs, settle, reject, watch), nowMs)
        return
      }
      const call = new Call(passage, request, task as Task<unknown>, nowMs, settle)
      call.watch = watch
      if (watch !== undefined) watch.call = call
      this.#enter(call, ways, nowMs)
    })
  }

  poll<T>(request: ScheduleRequest, task: Task<T>, options: PollOptions): AsyncIterable<Reading<T>> {
    checkTask('poll', task)
    return this.pollWith(request, (schedule, signal) => schedule({ ...request, signal }, task), options)
  }

  pollWith<T>(request: ScheduleRequest, call: PollCall<T>, options: PollOptions): AsyncIterable<Reading<T>> {
    checkRequest(request, this.#settings.limitNames)
    checkTask('pollWith', call)
    const passages = [this.#resolver.passageOf(request), ...this.#resolver.alternativesOf(request)]
    return this.#pollers.poll(passages, request, call, options)
  }

  hold(labels: Labels, hold: HoldOptions): void {
    const { forMs, reason } = checkReasoned('hold', labels, hold)
    this.#ledger.hold(labels, forMs, reason, this.#clock.nowMs())
    this.#goOn()
  }

  halve(labels: Labels, how: { forMs: number; reason: string }): void {
    const { forMs, reason } = checkReasoned('halve', labels, how)
    this.#ledger.halve(labels, forMs, reason, this.#clock.nowMs())
    this.#goOn()
  }

  remember(name: string, forMs: number): readonly number[] {
    checkNote(name, forMs)
    return this.#remembrance.remember(name, forMs)
  }

  recall(name: string): readonly number[] {
    checkHistory('recall', name)
    return this.#remembrance.recall(name)
  }

  release(labels: Labels): void {
    checkLabels('release', labels)
    this.#ledger.releaseHolds(labels, this.#clock.nowMs())
    this.#goOn()
  }

  setLimit(name: string, limit: number): void {
    checkNewLimit(name, limit, this.#settings.limitNames)
    this.#ledger.setLimit(name, limit, this.#clock.nowMs())
    this.#line.takeOutAll(call => this.#hopeless.tooLarge(call))
    this.#goOn()
  }

  explain(request: ScheduleRequest): Explanation {
    checkRequest(request, this.#settings.limitNames)
    const passages = [this.#resolver.passageOf(request), ...this.#resolver.alternativesOf(request)]
    return this.#view.explain(request, passages, this.#clock.nowMs())
  }

  snapshot(): Snapshot {
    const counters = { ...this.#counters, queued: this.#queue.size, running: this.#runner.size }
    return this.#view.snapshot(counters, this.#clock.nowMs())
  }

  drain(): Promise<void> {
    return this.#isIdle ? Promise.resolve() : new Promise(resolve => this.#idle.push(resolve))
  }

  close(): Promise<void> {
    this.#closed = true
    this.#pollers.close()
    this.#line.takeOutAll(() => new ClosedError())
    this.#goOn()
    return this.drain()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // Waiting

  #enter(call: Call, ways: readonly Passage[], nowMs: number): void {
    if (ways.length > 0) call.ways = ways.map(way => new Way(call, way))
    const hopeless = this.#hopeless.tooLarge(call) ?? this.#hopeless.overBudget(call, nowMs)
    if (hopeless !== undefined) call.reject(hopeless)
    else this.#enqueue(call, nowMs)
  }

  /** One more for a waiting call, or the first one of a new call. */
  #share(passage: Passage, ways: readonly Passage[], task: Task<unknown>, sharer: Sharer, nowMs: number): void {
    const waiting = this.#queue.sharedBy(sharer.request)
    if (waiting === undefined) {
      const call = sharedCall(passage, task, sharer, nowMs, changed => this.#queue.retime(changed))
      this.#enter(call, ways, nowMs)
    } else if (this.#line.join(waiting, sharer, nowMs)) this.#serve(nowMs)
    else this.#arm()
  }

  /** Errors have used up a budget: the calls that wait for it fail now, for nobody waits for minutes unasked. */
  #spent(budget: Gate): void {
    const nowMs = this.#clock.nowMs()
    this.#line.takeOutAll(call =>
      call.places.some(({ passage }) => passage.gates.includes(budget))
        ? this.#hopeless.overBudget(call, nowMs)
        : undefined,
    )
  }

  #enqueue(call: Call, nowMs: number): void {
    if (!this.#queue.isEmpty || !this.#turns.isEmpty || this.#batch > 1 || call.ways !== undefined) {
      this.#queueUp(call, nowMs)
      return
    }
    // Nobody waits: no lane is needed unless the call is refused.
    this.#counters.judgements++
    const decided = this.#ledger.decide([call], nowMs)
    if (Array.isArray(decided)) {
      const decision = (decided as Decisions)[0] as Decision
      if ('sentAtMs' in decision) {
        this.#runner.admit(call, decision)
        this.#runner.launch()
        this.#pollers.turn()
      } else if (this.#line.isFull) this.#line.turnAway(call)
      else if (this.#line.append(call, nowMs)) this.#turns.refused(call.lane as Lane, decision.gate, nowMs)
    } else {
      this.#batch = BATCH
      if (!this.#line.isFull && this.#line.append(call, nowMs))
        this.#await([call.lane as Lane], decided as Promise<Decisions>)
      else {
        this.#line.turnAway(call)
        void (decided as Promise<Decisions>).then(
          ([decision]) => this.#takeBack(decision as Decision),
          () => undefined,
        )
      }
    }
    this.#arm()
  }

  /** Others wait, perhaps before it. */
  #queueUp(call: Call, nowMs: number): void {
    const { isFull } = this.#line
    if (isFull && this.#deciding && this.#settings.overflow === 'reject') {
      this.#line.turnAway(call)
      return
    }
    if (!this.#line.append(call, nowMs)) return
    this.#turns.came(call, nowMs)
    this.#serve(nowMs)
    // Others may have waited for what the one that loses its place had claimed.
    if (isFull && this.#line.makeRoom(call)) this.#goOn()
  }

  /** Of a call that was turned away, or left its lane, while it was judged. */
  #takeBack(decision: Decision): void {
    if ('sentAtMs' in decision) this.#ledger.settled(decision, this.#clock.nowMs(), 'unsent')
  }

  // Judging

  #serve(nowMs: number): void {
    if (this.#serving) return
    if (this.#deciding) {
      // Deadlines and time-outs don't wait for the decision.
      this.#arm()
      return
    }
    this.#serving = true
    while (!this.#deciding) {
      const lanes = this.#turns.next(this.#batch, nowMs)
      if (lanes.length === 0) break
      this.#counters.judgements += lanes.length
      const heads = lanes.map(lane => lane.first as Place)
      let decided: Decisions | Promise<Decisions>
      try {
        decided = this.#ledger.decide(heads, nowMs)
      } catch (error) {
        this.#failed(lanes, heads, error)
        continue
      }
      if (Array.isArray(decided)) this.#apply(lanes, decided as Decisions, nowMs, heads)
      else this.#await(lanes, decided as Promise<Decisions>)
    }
    this.#serving = false
    if (!this.#deciding) this.#turns.tidy()
    this.#runner.launch()
    this.#pollers.turn()
    this.#arm()
  }

  #await(lanes: readonly Lane[], decided: Promise<Decisions>): void {
    this.#deciding = true
    this.#batch = BATCH
    for (const lane of lanes) lane.judging = true
    const heads = lanes.map(lane => lane.first as Place)
    decided.then(
      decisions => {
        this.#deciding = false
        this.#apply(lanes, decisions, this.#clock.nowMs(), heads)
        this.#serve(this.#clock.nowMs())
        this.#rest()
      },
      error => {
        this.#deciding = false
        this.#failed(lanes, heads, error)
        this.#serve(this.#clock.nowMs())
        this.#rest()
      },
    )
  }

  /** The ledger could not decide: the calls it was asked about reject, those behind them are asked about in turn. */
  #failed(lanes: readonly Lane[], heads: readonly Place[], error: unknown): void {
    for (const [index, lane] of lanes.entries()) {
      lane.judging = false
      const head = heads[index] as Place
      const isThere = head.lane === lane
      if (isThere) this.#line.takeOut(head.call, error)
      // A lane is forgotten with its last call.
      if (!isThere || lane.size > 0) this.#turns.judgedInVain(lane, this.#clock.nowMs())
    }
  }

  /** @param heads what was judged: it may have left its lane since */
  #apply(lanes: readonly Lane[], decisions: Decisions, nowMs: number, heads: readonly Place[]): void {
    for (const [index, lane] of lanes.entries()) {
      lane.judging = false
      const decision = decisions[index] as Decision
      const head = heads[index] as Place
      if (head.lane !== lane) {
        this.#takeBack(decision)
        this.#turns.judgedInVain(lane, nowMs)
      } else if ('sentAtMs' in decision) {
        this.#turns.admitted(lane, head, nowMs)
        this.#runner.admit(head.call, decision)
      } else this.#turns.refused(lane, (decision as Refused).gate, nowMs)
    }
  }

  /** A refused call goes to the head of its lane again, as often as it may. */
  #again(attempt: Attempt, error: unknown): void {
    const { call } = attempt
    const { signal } = call.request
    if (signal?.aborted) {
      call.reject(signal.reason)
      return
    }
    const nowMs = this.#clock.nowMs()
    const hopeless =
      tooOften(attempt, error, this.#closed) ??
      // Its limit may have been lowered while it ran, and a hold may outlast its patience.
      this.#hopeless.tooLarge(call) ??
      this.#hopeless.overBudget(call, nowMs) ??
      this.#hopeless.tooLate(call, nowMs)
    if (hopeless !== undefined) call.reject(hopeless)
    else this.#line.prepend(call, nowMs)
  }

  // Time

  /** Where nothing waits and nothing runs any more, and nobody polls, nothing has to be looked at: not even the clock. */
  #heard(): void {
    if (!this.#isIdle || this.#serving || this.#pollers.wakeAtMs < Number.POSITIVE_INFINITY) {
      this.#goOn()
      return
    }
    this.#timer.cancelSoon()
    this.#rest()
  }

  #goOn(): void {
    if (this.#serving) return
    const nowMs = this.#clock.nowMs()
    if (this.#turns.isDue || this.#turns.wakeAtMs <= nowMs) this.#serve(nowMs)
    else this.#arm()
    this.#rest()
  }

  #rest(): void {
    if (this.#idle.length > 0 && this.#isIdle) for (const resolve of this.#idle.splice(0)) resolve()
  }

  get #isIdle(): boolean {
    return this.#queue.size === 0 && this.#runner.size === 0 && !this.#deciding
  }

  /** One timer: the next return of a token, end of a hold, deadline, time-out or start of a poll. */
  #arm(): void {
    this.#timer.set(
      Math.min(
        this.#deciding ? Number.POSITIVE_INFINITY : this.#turns.wakeAtMs,
        this.#queue.deadlineAtMs,
        this.#runner.timeoutAtMs,
        this.#pollers.wakeAtMs,
      ),
    )
  }

  #wake(): void {
    const nowMs = this.#clock.nowMs()
    this.#runner.giveUpLate(nowMs)
    this.#serve(nowMs)
    this.#line.expire(nowMs)
    this.#pollers.turn()
    this.#goOn()
  }
}
