import type { Labels } from '../limits/limit.ts'
import type { GateState, Head, LedgerSession, Passage } from '../ports/ledger.ts'
import type { ScheduleRequest } from '../request.ts'
import type { Call, Place } from './call.ts'
import type { Queue } from './queue.ts'
import type { Turns } from './turns.ts'

/** What has happened since the scheduler was made. */
export interface Counters {
  /** Heads judged against their gates; each is either admitted or waits on. */
  judgements: number
  admitted: number
  answered: number
  refused: number
  lost: number
  unsent: number
  /** Calls taken back by their signal while they waited. */
  aborted: number
  /** Calls that did not start within their `maxWaitMs`. */
  expired: number
}

export function newCounters(): Counters {
  return { judgements: 0, admitted: 0, answered: 0, refused: 0, lost: 0, unsent: 0, aborted: 0, expired: 0 }
}

/** Calls that wait, by labels and priority: one with alternatives under all of its labels. */
export interface LaneState {
  readonly labels: Labels
  readonly priority: number
  readonly waiting: number
}

/** A scheduler as plain data. */
export interface Snapshot {
  readonly buckets: readonly GateState[]
  readonly caps: readonly GateState[]
  readonly budgets: readonly GateState[]
  readonly holds: readonly GateState[]
  readonly lanes: readonly LaneState[]
  readonly counters: Readonly<Counters> & { readonly queued: number; readonly running: number }
}

/** Whether a call may go now; if not, what refuses it for longest. */
export interface Explanation {
  readonly go: boolean
  /** The bucket, cap, budget or hold that refuses for longest. Undefined when the call may go, or only waits its turn. */
  readonly because?: GateState
  /** How long until then, milliseconds, the calls before it not counted; null while it hangs on an answer. */
  readonly waitMs: number | null
  /** Calls that wait and draw on one of the same gates. */
  readonly before: number
  /** Every gate the call has to pass. */
  readonly gates: readonly GateState[]
}

/** What a scheduler shows of itself. */
export class View {
  readonly #ledger: LedgerSession
  readonly #queue: Queue
  readonly #turns: Turns

  constructor(ledger: LedgerSession, queue: Queue, turns: Turns) {
    this.#ledger = ledger
    this.#queue = queue
    this.#turns = turns
  }

  snapshot(counters: Snapshot['counters'], nowMs: number): Snapshot {
    const gates = this.#ledger.gates(nowMs)
    return {
      buckets: gates.filter(gate => gate.kind === 'bucket'),
      caps: gates.filter(gate => gate.kind === 'cap'),
      budgets: gates.filter(gate => gate.kind === 'budget'),
      holds: gates.filter(gate => gate.kind === 'hold'),
      lanes: [...this.#queue.lanes].map(({ passage: { labels }, priority, size }) => ({
        labels,
        priority,
        waiting: size,
      })),
      counters,
    }
  }

  /** @param passages by any of which the call may go */
  explain({ cost, priority }: ScheduleRequest, passages: readonly Passage[], nowMs: number): Explanation {
    return soonest(passages.map(passage => this.#explain({ passage, cost, priority }, nowMs)))
  }

  #explain(head: Head, nowMs: number): Explanation {
    const gates = this.#ledger.explain(head, nowMs)
    let because: GateState | undefined
    for (const gate of gates) {
      if (gate.waitMs === 0) continue
      if (because === undefined || (because.waitMs !== null && (gate.waitMs === null || gate.waitMs > because.waitMs)))
        because = gate
    }
    return {
      go: because === undefined && !this.#turns.isAwaited(head.passage, head.priority ?? 0),
      ...(because !== undefined && { because }),
      waitMs: because === undefined ? 0 : because.waitMs,
      before: this.#before(head.passage),
      gates,
    }
  }

  /** Calls that wait and draw on one of the same gates. */
  #before({ gates }: Passage): number {
    const mine = new Set(gates)
    let before = 0
    // A call with alternatives stands in several lanes, and is one.
    const counted = new Set<Call>()
    for (const lane of this.#queue.lanes) {
      if (!lane.passage.gates.some(gate => mine.has(gate))) continue
      if (this.#queue.withWays === 0) before += lane.size
      else for (let place = lane.first; place !== undefined; place = place.next) counted.add((place as Place).call)
    }
    return before + counted.size
  }
}

/** Of the explanations of several labels the one by which the call goes first, as far as is known. */
function soonest(explanations: readonly Explanation[]): Explanation {
  const waits = ({ waitMs }: Explanation) => waitMs ?? Number.POSITIVE_INFINITY
  return explanations.reduce((best, each) => {
    if (each.go !== best.go) return each.go ? each : best
    return waits(each) < waits(best) || (waits(each) === waits(best) && each.before < best.before) ? each : best
  })
}
