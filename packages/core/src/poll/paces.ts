import type { Gate, LedgerSession } from '../ports/ledger.ts'
import type { Agenda } from './agenda.ts'
import { Pace, type PacedGate } from './pace.ts'
import type { Poller } from './poller.ts'

const HOLD: PacedGate = { spacingMs: () => 0, size: () => Number.POSITIVE_INFINITY }

/** The paces in use, one for each gate that a poller draws on. */
export class Paces {
  readonly #paces = new Map<string, Pace>()
  readonly #ledger: LedgerSession
  readonly #agenda: Agenda
  readonly #answersLater: () => boolean
  readonly #start: (poller: Poller, nowMs: number) => void

  constructor(
    ledger: LedgerSession,
    agenda: Agenda,
    answersLater: () => boolean,
    start: (poller: Poller, nowMs: number) => void,
  ) {
    this.#ledger = ledger
    this.#agenda = agenda
    this.#answersLater = answersLater
    this.#start = start
  }

  /** Of a poller that begins: to be left when it ends. */
  enter({ passage, request: { cost } }: Poller): ReadonlyMap<Pace, number> {
    const paces = new Map<Pace, number>()
    for (const gate of passage.gates) {
      const tokens = this.#ledger.costOf(gate, { passage, cost })
      if (tokens === 0) continue
      const pace = this.#paceOf(gate.kind, gate.key, {
        spacingMs: () => (gate.kind === 'bucket' ? gate.windowMs / this.#ledger.sizeOf(gate) : 0),
        size: () => this.#ledger.sizeOf(gate),
      })
      pace.members++
      paces.set(pace, tokens)
    }
    return paces
  }

  leave(paces: Iterable<Pace>): void {
    for (const pace of paces) {
      pace.members--
      this.forgetIfUnused(pace)
    }
  }

  /** The paces that count now, those of holds among them, and what is left at their gates. */
  look(poller: Poller, nowMs: number): { gates: ReadonlyMap<Pace, number>; free: Map<Pace, number> } {
    const { passage, request, paces } = poller
    const states = this.#ledger.explain({ passage, cost: request.cost }, nowMs)
    const free = new Map<Pace, number>()
    let gates = paces
    let index = 0
    for (const state of states) {
      if (state.kind !== 'hold') {
        const gate = passage.gates[index++]
        const pace = gate === undefined ? undefined : this.#paces.get(`${gate.kind}/${gate.key}`)
        if (pace !== undefined) free.set(pace, state.free)
      } else if (state.waitMs !== 0) {
        const hold = this.#paceOf('hold', JSON.stringify(state.labels), HOLD)
        gates = new Map([...gates, [hold, 1]])
      }
    }
    return { gates, free }
  }

  forgetIfUnused(pace: Pace): void {
    if (pace.members > 0 || pace.ready.size > 0 || pace.scouts.size > 0) return
    this.#agenda.drop(pace)
    const id = `${pace.kind}/${pace.key}`
    if (this.#paces.get(id) === pace) this.#paces.delete(id)
  }

  #paceOf(kind: Gate['kind'], key: string, gate: PacedGate): Pace {
    const id = `${kind}/${key}`
    let pace = this.#paces.get(id)
    if (pace === undefined) {
      pace = new Pace(kind, key, gate, this.#agenda, this.#answersLater, this.#start)
      this.#paces.set(id, pace)
    }
    return pace
  }
}

/**
 * Where the poller has to wait: at a gate where a scout stands, at one that others leave before it, or at the one that has
 * its next place last.
 * @param atMs when all have one
 */
export function blockerOf(
  poller: Poller,
  gates: ReadonlyMap<Pace, number>,
  atMs: number,
  nowMs: number,
): Pace | undefined {
  let last: Pace | undefined
  let canKeep = true
  for (const [pace, cost] of gates) {
    if (pace.isFull(poller.priority)) return pace
    if (Math.max(pace.nextAtMs, nowMs) === atMs) last = pace
    canKeep &&= pace.canKeep(poller, cost, atMs, nowMs)
  }
  if (atMs <= nowMs) return undefined
  if (!canKeep) return last
  for (const pace of gates.keys()) if (pace.nextAtMs > nowMs && pace.hasBefore(poller)) return pace
  return undefined
}
