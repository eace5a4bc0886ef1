import type { Call, Watch } from '../run/call.ts'
import type { Pace } from './pace.ts'
import type { Poller } from './poller.ts'

/** One poll under way: of one poller, or of several that poll the same thing and were ready together. */
export class Tick implements Watch {
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
  readonly #started: (tick: Tick, nowMs: number) => void

  constructor(
    first: Poller,
    paces: ReadonlyMap<Pace, number>,
    nowMs: number,
    started: (tick: Tick, nowMs: number) => void,
  ) {
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

  started(nowMs: number): void {
    if (this.startedAtMs !== undefined) return
    this.startedAtMs = nowMs
    this.#started(this, nowMs)
  }

  /** Another gate than that of `pace` holds it back. */
  standsElsewhere(pace: Pace): boolean {
    const lane = this.call?.lane
    const gate = lane?.room?.gate ?? lane?.cohort?.room?.gate
    if (gate === undefined) return false
    return gate.kind === 'hold' || pace.kind === 'hold' ? gate.kind !== pace.kind : gate.key !== pace.key
  }
}
