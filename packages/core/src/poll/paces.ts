import type { Gate, GateState, LedgerSession, Passage } from '../ports/ledger.ts'
import { headroomOf } from '../run/ways.ts'
import type { Agenda } from './agenda.ts'
import { earliestOf } from './because.ts'
import { Pace, type PacedGate } from './pace.ts'
import type { Leave, Poller } from './poller.ts'
import type { Tick } from './tick.ts'

/** The gates of one of a poller's labels. */
interface View extends Leave {
  readonly states: readonly GateState[]
  /** When they could let it through, as far as is known. */
  readonly earliestMs: number
}

/** How it stands with a poller by one of its labels. */
export interface Prospect extends Leave {
  readonly free: ReadonlyMap<Pace, number>
  /** When all paces have a place. */
  readonly atMs: number
  readonly earliestMs: number
  /** What is free at the gates that are not the same for all its labels, as a share. */
  readonly headroom: number
  readonly blocker: Pace | undefined
}

const HOLD: PacedGate = { spacingMs: () => 0, size: () => Number.POSITIVE_INFINITY }

/** The paces in use, one for each gate that a poller draws on. */
export class Paces {
  readonly #paces = new Map<string, Pace>()
  readonly #ledger: LedgerSession
  readonly #agenda: Agenda
  readonly #answersLater: () => boolean
  readonly #start: (poller: Poller, nowMs: number, turnAt: Pace) => void

  constructor(
    ledger: LedgerSession,
    agenda: Agenda,
    answersLater: () => boolean,
    start: (poller: Poller, nowMs: number, turnAt: Pace) => void,
  ) {
    this.#ledger = ledger
    this.#agenda = agenda
    this.#answersLater = answersLater
    this.#start = start
  }

  /** Of a poller that begins: to be left when it ends. */
  enter(poller: Poller): void {
    poller.paces = poller.passages.map(passage => this.#pacesOf(passage, poller))
    poller.allPaces = poller.paces.length === 1 ? (poller.paces[0] as Map<Pace, number>) : together(poller.paces)
    for (const pace of poller.allPaces.keys()) pace.members++
  }

  #pacesOf(passage: Passage, { request: { cost } }: Poller): ReadonlyMap<Pace, number> {
    const paces = new Map<Pace, number>()
    for (const gate of passage.gates) {
      const tokens = this.#ledger.costOf(gate, { passage, cost })
      if (tokens === 0) continue
      const pace = this.#paceOf(gate.kind, gate.key, {
        spacingMs: () => (gate.kind === 'bucket' ? gate.windowMs / this.#ledger.sizeOf(gate) : 0),
        size: () => this.#ledger.sizeOf(gate),
      })
      paces.set(pace, tokens)
    }
    return paces
  }

  /** The places that are kept for it. */
  giveUp(poller: Poller): void {
    for (const pace of poller.allPaces.keys()) pace.kept.delete(poller)
  }

  leave(poller: Poller): void {
    this.giveUp(poller)
    for (const pace of poller.allPaces.keys()) {
      pace.members--
      this.forgetIfUnused(pace)
    }
  }

  /**
   * The labels by which the poller goes next: those that have a place for it first. Held ones only if all are, for who waits
   * there while the others go on loses its turns; then those whose hold ends first.
   */
  choose(poller: Poller, nowMs: number, turnAt?: Pace): Prospect {
    const { passages, request } = poller
    const views = passages.map((passage, index): View => {
      const states = this.#ledger.explain({ passage, cost: request.cost }, nowMs)
      return { passage, paces: poller.paces[index] as View['paces'], states, earliestMs: earliestOf(states, nowMs) }
    })
    if (views.length === 1) return this.#look(poller, views[0] as View, nowMs, turnAt)
    const open = views.filter(({ states }) => !states.some(({ kind, waitMs }) => kind === 'hold' && waitMs !== 0))
    if (open.length === 0) {
      const first = views.reduce((best, view) => (view.earliestMs < best.earliestMs ? view : best))
      return this.#look(poller, first, nowMs, turnAt)
    }
    return open
      .map(view => this.#look(poller, view, nowMs, turnAt))
      .reduce((best, each) => {
        const laterMs = expected(each) - expected(best)
        return laterMs < 0 || (laterMs === 0 && each.headroom > best.headroom) ? each : best
      })
  }

  /** The paces that count now, those of holds among them, and what is left at their gates. */
  #look(poller: Poller, { passage, paces, states, earliestMs }: View, nowMs: number, turnAt?: Pace): Prospect {
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
    const placeAtMs = Math.max(nowMs, ...[...gates.keys()].map(pace => (pace.kept.has(poller) ? nowMs : pace.nextAtMs)))
    return {
      passage,
      paces: gates,
      free,
      atMs: placeAtMs,
      earliestMs,
      headroom: poller.passages.length === 1 ? 1 : headroomOf(states, passage, poller.passages),
      blocker: blockerOf(poller, gates, nowMs, turnAt),
    }
  }

  /** Who has waited for a place by other labels, could have this one as well, and goes before the poller. */
  firstElsewhere(poller: Poller, { paces }: Prospect, nowMs: number): Poller | undefined {
    if (poller.passages.length === 1) return undefined
    for (const pace of poller.allPaces.keys()) {
      if (paces.has(pace) || !pace.hasBefore(poller)) continue
      const first = pace.ready.peek() as Poller
      if (this.choose(first, nowMs).blocker === undefined) return first
    }
    return undefined
  }

  /** A poll has gone by other labels than those it had its place by: there it takes a place too. */
  tookOther(tick: Tick, passage: Passage, nowMs: number): void {
    const first = tick.members.values().next().value
    const index = first?.passages.findIndex(({ labels }) => labels === passage.labels) ?? -1
    for (const [pace, cost] of first?.paces[index] ?? []) if (!tick.paces.has(pace)) pace.take(cost, 0, nowMs)
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

/** When it would go, those counted that wait there already. */
function expected({ atMs, earliestMs, blocker }: Prospect): number {
  return Math.max(atMs, earliestMs) + (blocker?.queueMs ?? 0)
}

function together(all: readonly ReadonlyMap<Pace, number>[]): ReadonlyMap<Pace, number> {
  return new Map(all.flatMap(paces => [...paces]))
}

/**
 * Where the poller has to wait: at a cap or a hold where a scout stands, or else where its turn comes last, of the gates
 * that don't let it go now.
 * @param turnAt where its turn has come
 */
function blockerOf(
  poller: Poller,
  gates: ReadonlyMap<Pace, number>,
  nowMs: number,
  turnAt: Pace | undefined,
): Pace | undefined {
  let blocker: Pace | undefined
  let longestMs = Number.NEGATIVE_INFINITY
  for (const pace of gates.keys()) {
    if (pace === turnAt || pace.kept.has(poller)) continue
    const isFull = pace.isFull(poller.priority)
    if (isFull && !pace.isPaced) return pace
    if (!isFull && pace.nextAtMs <= nowMs && !pace.hasBefore(poller)) continue
    const waitMs = pace.waitOf(poller, nowMs)
    if (waitMs <= longestMs) continue
    blocker = pace
    longestMs = waitMs
  }
  return blocker
}
