import type { PollPlan, Scenario } from '../src/scenario/scenario.ts'
import {
  type Attempt,
  type CallLog,
  newCall,
  newLog,
  POLLED,
  type PollLog,
  type ReadingLog,
  type RunLog,
  UNANSWERED,
} from '../src/world/log.ts'

export const LABELS = { exchange: 'x', ip: 'a', uid: 'u' }

/** One account, five calls a second, and nothing that goes wrong. */
export function scenario(changes: Partial<Scenario> = {}): Scenario {
  return {
    seed: 1,
    kind: 'core',
    durationMs: 60_000,
    limits: [{ name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] }],
    caps: [],
    routes: [],
    loads: [{ labels: LABELS, pattern: { kind: 'saturating', width: 10 }, priority: 0, cost: 1, retries: 0 }],
    coldStart: 'full',
    lostCallMs: 5_000,
    timeoutMs: 10_000,
    giveUpMs: null,
    maxQueued: 100,
    faults: [],
    ...changes,
  }
}

export function plan(changes: Partial<PollPlan> = {}): PollPlan {
  return {
    labels: LABELS,
    everyMs: 1_000,
    weight: 1,
    priority: 0,
    cost: 1,
    retries: 0,
    onError: 'yield',
    maxAgeMs: null,
    consumerMs: 0,
    fromMs: 0,
    end: null,
    ...changes,
  }
}

/** A log written by hand. */
export class Story {
  readonly log: RunLog = newLog()
  #order = 0

  constructor() {
    this.log.lives.push({ bornAtMs: 0, coldStart: 'full', diedAtMs: Number.POSITIVE_INFINITY })
    this.log.atEnd = { ...snapshot, atMs: 100_000 }
    this.log.epilogueAtMs = 90_000
  }

  /** A poller that is ended after a minute. */
  poll(plan = 0, changes: Partial<PollLog> = {}): PollLog {
    const poll: PollLog = {
      plan,
      life: 0,
      beganAtMs: 0,
      beganClientMs: 0,
      endedAtMs: 60_000,
      endedOrder: Number.POSITIVE_INFINITY,
      how: 'return',
      askedAtMs: 0,
      doneAtMs: 60_000,
      runs: [],
      vain: [],
      readings: [],
      ...changes,
    }
    this.log.polls.push(poll)
    return poll
  }

  /** A run of a poller's task: over after twenty milliseconds. */
  ran(poll: PollLog, sentAtMs: number, changes: Partial<Attempt> = {}): Attempt {
    const made = { id: -2, load: POLLED, life: poll.life, scheduledAtMs: sentAtMs, order: this.#order++ }
    const attempt = this.sent(newCall(made), sentAtMs, changes)
    const { endedAtMs } = attempt
    poll.runs.push({ attempt, startedClientMs: sentAtMs, overAtMs: endedAtMs, overClientMs: endedAtMs })
    return attempt
  }

  /** Over HTTP: one poll, whose attempts begin then. */
  polled(poll: PollLog, ...sent: (readonly [atMs: number, changes?: Partial<Attempt>])[]): Attempt[] {
    const [[scheduledAtMs] = [0]] = sent
    const call = newCall({ id: -2, load: POLLED, life: poll.life, scheduledAtMs, order: this.#order++ })
    call.comings = 1
    const attempts = sent.map(([atMs, changes]) => this.sent(call, atMs, changes))
    for (const attempt of attempts) {
      const { sentAtMs, endedAtMs } = attempt
      poll.runs.push({ attempt, startedClientMs: sentAtMs, overAtMs: endedAtMs, overClientMs: endedAtMs })
    }
    const { overAtMs, overClientMs } = poll.runs.at(-1) ?? {}
    Object.assign(poll.runs.at(-1) ?? {}, { doneAtMs: overAtMs, doneClientMs: overClientMs })
    return attempts
  }

  /** What a run brought is read at once. */
  read(poll: PollLog, answer: Attempt | undefined, changes: Partial<ReadingLog> = {}): void {
    const last = poll.readings.at(-1)
    const readAtMs = changes.readAtMs ?? answer?.endedAtMs ?? 0
    poll.readings.push({
      askedAtMs: last?.gotAtMs ?? 0,
      gotAtMs: readAtMs,
      gotClientMs: readAtMs,
      ok: answer !== undefined,
      answer,
      error: undefined,
      ageMs: undefined,
      heldUntilMs: undefined,
      readAtMs,
      waitedMs: 0,
      sincePreviousMs: last === undefined ? 0 : readAtMs - last.readAtMs,
      ...changes,
    })
    poll.askedAtMs = poll.readings.at(-1)?.gotAtMs as number
  }

  next(): number {
    return this.#order++
  }

  call(scheduledAtMs: number, changes: Partial<CallLog> = {}): CallLog {
    const id = this.log.calls.length
    const call: CallLog = {
      ...newCall({ id, order: this.#order++, load: 0, life: 0, scheduledAtMs }),
      cameAtMs: scheduledAtMs,
      comings: 1,
      ...changes,
    }
    this.log.calls.push(call)
    return call
  }

  /** A call that is sent, counted ten milliseconds later, and answered after twenty. */
  sent(call: CallLog, sentAtMs: number, changes: Partial<Attempt> = {}): Attempt {
    const attempt: Attempt = {
      order: this.#order++,
      call,
      again: undefined,
      labels: { ...LABELS, ...(changes.labels ?? {}) },
      cost: 1,
      sentAtMs,
      ...UNANSWERED,
      arrivedAtMs: sentAtMs + 10,
      verdict: 'accepted',
      answeredAtMs: sentAtMs + 20,
      endedAtMs: sentAtMs + 20,
      outcome: 'answered',
      succeeded: true,
      ...changes,
    }
    call.attempts.push(attempt)
    this.log.attempts.push(attempt)
    const { arrivedAtMs, verdict } = attempt
    if (verdict !== 'none')
      this.log.arrivals.push({ atMs: arrivedAtMs, labels: attempt.labels, cost: 1, verdict, attempt })
    if (call.settled === 0 && call.load >= 0)
      Object.assign(call, { settled: 1, how: 'ok', settledAtMs: sentAtMs + 20, settledOrder: this.#order++ })
    return attempt
  }
}

export const snapshot = {
  atMs: 0,
  buckets: [{ name: 'uid', labels: { uid: 'u' }, limit: 5, free: 5, inFlight: 0 }],
  caps: [],
  holds: [],
  queued: 0,
  running: 0,
  wanted: 0,
  openCost: new Map<string, number>(),
}
