import type { LedgerSetup } from '../ports/ledger.ts'
import { ROUNDED_MS } from './arrival.ts'
import type { MemoryGate } from './shelf.ts'
import type { MemoryTicket } from './ticket.ts'

/** When the tokens of a call come back, by what becomes of it. */
export class Returns {
  readonly #setup: LedgerSetup

  constructor(setup: LedgerSetup) {
    this.#setup = setup
  }

  /** The server has counted the call. @param reusedConnection as far as somebody knows */
  received(ticket: MemoryTicket, nowMs: number, reusedConnection: boolean | undefined): void {
    if (reusedConnection !== undefined) ticket.warm = reusedConnection
    ticket.receivedAtMs = nowMs
    const { route } = ticket.passage
    route.inFlight--
    ticket.backFromMs = Math.max(nowMs, this.#earliestBackMs(ticket))
    const { gates, costs } = ticket
    for (let i = 0; i < gates.length; i++) {
      const gate = gates[i] as MemoryGate
      if (gate.kind !== 'bucket') continue
      gate.giveBackAfter(ticket.backFromMs, costs[i] as number)
      this.#setup.changed(gate)
    }
    for (const bucket of route.answered(nowMs, this.#setup.lostCallMs)) this.#setup.changed(bucket)
  }

  /**
   * The call has settled and was not refused. Only one that did not fail either was surely counted, and only where it cost
   * something.
   */
  proved(ticket: MemoryTicket): void {
    if (ticket.hasFailed) return
    const { gates, costs } = ticket
    for (let i = 0; i < gates.length; i++) {
      const gate = gates[i] as MemoryGate
      if (gate.kind !== 'bucket' || costs[i] === 0) continue
      if (gate.proved(ticket.backFromMs, ticket.sentAtMs)) this.#setup.changed(gate)
    }
  }

  /**
   * The answer says when, on the server's clock, the call was counted. A request sent now arrives, on that clock, no earlier
   * than the route's lead from now: what is left of the window is known without the offset of the clocks. One by another way
   * may need no time at all: for it all is later by the way there, which is in the lead and no longer than a round trip.
   */
  told(ticket: MemoryTicket, serverTimeMs: number): void {
    const { sentAtMs, receivedAtMs, passage, warm } = ticket
    const { route } = passage
    route.arrival.add(serverTimeMs, sentAtMs, receivedAtMs, warm)
    const least = route.arrival.least(receivedAtMs)
    if (least === undefined) return
    // Where all goes by one way, judging takes the floor off, which is at most the ceiling.
    const ceilingMs = route.floor.ceilingMs(receivedAtMs)
    // Elsewhere it takes nothing off, and the whole round trip has to be in.
    const lagMs = Math.max(0, least.shortestMs - ceilingMs)
    route.mostLagMs = Math.max(route.mostLagMs, lagMs)
    const latestMs = serverTimeMs + ROUNDED_MS
    const ownShiftMs = ceilingMs - least.leadMs
    ticket.toldFromMs ??= ticket.gates.map(() => ticket.backFromMs)
    for (const [index, gate] of ticket.gates.entries()) {
      if (gate.kind !== 'bucket') continue
      const shiftMs = gate.hasOneRoute ? ownShiftMs : ownShiftMs + lagMs
      const fromMs = ticket.toldFromMs[index] as number
      const toMs = gate.toldFromMs(latestMs, this.#countedMs(ticket, latestMs + shiftMs), shiftMs)
      if (toMs >= fromMs) continue
      gate.bringForward(fromMs, toMs, ticket.costs[index] as number)
      ticket.toldFromMs[index] = toMs
      this.#setup.changed(gate)
    }
    ticket.backFromMs = this.#countedMs(ticket, latestMs + ownShiftMs + lagMs)
  }

  /** The call was given up. */
  lost(ticket: MemoryTicket, nowMs: number): void {
    const { lostCallMs, changed, emit } = this.#setup
    const { route } = ticket.passage
    route.lastGivenUpAtMs = nowMs
    ticket.gates.forEach((gate, index) => {
      const cost = ticket.costs[index] as number
      if (gate.kind !== 'bucket' || cost === 0) return
      gate.giveBack(cost)
      route.lose(gate, cost, ticket.sentAtMs, nowMs, lostCallMs)
      changed(gate)
    })
    emit({ type: 'lost', labels: ticket.passage.labels })
  }

  #countedMs(ticket: MemoryTicket, toldMs: number): number {
    return Math.min(ticket.backFromMs, Math.max(toldMs, this.#earliestBackMs(ticket)))
  }

  /** Floors are at most nine tenths of the smallest round trip: so no token is ever back before `sentAt + window`. */
  #earliestBackMs(ticket: MemoryTicket): number {
    if (!this.#setup.useFloor) return ticket.sentAtMs
    return ticket.sentAtMs + ticket.passage.route.floor.ceilingMs(ticket.receivedAtMs)
  }
}
