import type { Lane } from '../lanes/lane.ts'
import type { Passage } from '../ports/ledger.ts'
import type { Call, Watch } from '../run/call.ts'
import type { Pace } from './pace.ts'
import type { Poller } from './poller.ts'

/** One poll under way: of one poller, or of several that poll the same thing and were ready together. */
export class Tick implements Watch {
  /** The labels by which it has got its place. */
  readonly passage: Passage
  readonly members = new Set<Poller>()
  readonly priority: number
  /** What it polls, if others may share it. */
  readonly shareKey: string | undefined
  /** The paces at which it was released, with what it costs there. */
  readonly paces: ReadonlyMap<Pace, number>
  readonly releasedAtMs: number
  call: Call | undefined
  /** How often it has gone to the gate: again after failures. */
  attempts = 0
  /** Of the first attempt. */
  startedAtMs: number | undefined
  readonly #controller = new AbortController()
  readonly #started: (tick: Tick, nowMs: number, passage: Passage) => void

  constructor(
    first: Poller,
    passage: Passage,
    paces: ReadonlyMap<Pace, number>,
    nowMs: number,
    started: (tick: Tick, nowMs: number, passage: Passage) => void,
  ) {
    this.passage = passage
    this.priority = first.priority
    this.shareKey = first.shareKey
    this.paces = paces
    this.releasedAtMs = nowMs
    this.#started = started
    this.add(first)
  }

  /** Aborts when nobody wants it any more. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  add(poller: Poller): void {
    this.members.add(poller)
    poller.tick = this
  }

  leave(poller: Poller, reason: unknown): void {
    this.members.delete(poller)
    poller.tick = undefined
    if (this.members.size === 0) this.#controller.abort(reason)
  }

  started(nowMs: number, passage: Passage): void {
    if (this.startedAtMs !== undefined) return
    this.startedAtMs = nowMs
    this.#started(this, nowMs, passage)
  }

  /** Other gates than that of `pace` hold it back, by all its labels. */
  standsElsewhere(pace: Pace): boolean {
    return this.call?.ways === undefined
      ? standsElsewhere(this.call?.lane, pace)
      : this.call.places.every(({ lane }) => standsElsewhere(lane, pace))
  }
}

function standsElsewhere(lane: Lane | undefined, pace: Pace): boolean {
  const gate = lane?.room?.gate ?? lane?.cohort?.room?.gate
  if (gate === undefined) return false
  return gate.kind === 'hold' || pace.kind === 'hold' ? gate.kind !== pace.kind : gate.key !== pace.key
}
