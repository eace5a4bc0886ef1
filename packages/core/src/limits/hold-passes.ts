import type { LedgerSetup, Outcome } from '../ports/ledger.ts'
import type { Hold } from './hold.ts'
import type { Holds } from './holds.ts'
import type { MemoryTicket } from './ticket.ts'

/** The calls that holds let through: the answer to a probe opens its hold. */
export class HoldPasses {
  readonly #setup: LedgerSetup
  readonly #holds: Holds

  constructor(setup: LedgerSetup, holds: Holds) {
    this.#setup = setup
    this.#holds = holds
  }

  /** The call goes, and all is charged: an observer may schedule. */
  passed(ticket: MemoryTicket, holds: readonly Hold[]): void {
    ticket.holds = holds.map(hold => ({ hold, generation: hold.generation }))
    for (const hold of holds) hold.inFlight++
    for (const hold of holds) {
      if (hold.isProbing()) this.#setup.emit({ type: 'probe', labels: hold.labels, reason: hold.reason })
    }
  }

  /** The call has settled. */
  left(ticket: MemoryTicket, nowMs: number, outcome: Outcome): void {
    if (ticket.holds === undefined) return
    for (const { hold, generation } of ticket.holds) {
      hold.inFlight--
      if (generation === hold.generation && !hold.isOpen) {
        if ((outcome === 'answered' || outcome === 'failed') && !ticket.refused) hold.answered(rampTo(ticket, hold))
        else hold.failed(nowMs, this.#setup.random)
        if (hold.isOpen) {
          this.#holds.take(hold.labels)
          this.#setup.lastingChanged()
          this.#setup.emit({ type: 'released', labels: hold.labels, reason: hold.reason })
        }
      }
      this.#setup.changed(hold)
    }
  }
}

/** A hold is over once it lets through as many as the widest bucket inside its scope, or else any bucket of the call. */
function rampTo(ticket: MemoryTicket, hold: Hold): number {
  let inside = 0
  let any = 1
  for (const gate of ticket.gates) {
    if (gate.kind === 'budget') continue
    any = Math.max(any, gate.tokens)
    if (gate.limit.by.every(name => Object.hasOwn(hold.labels, name))) inside = Math.max(inside, gate.tokens)
  }
  return inside > 0 ? inside : any
}
