import type { GateState, LedgerSession, Passage } from '../ports/ledger.ts'
import type { Call, Place } from './call.ts'

/** The alternatives of calls: which is tried first. */
export class Ways {
  readonly #ledger: LedgerSession
  #turn = 0

  constructor(ledger: LedgerSession) {
    this.#ledger = ledger
  }

  /**
   * The places of a call: first the one it prefers, if that lets it go now; then the one with the most headroom; of equals each
   * in its turn.
   */
  inOrder(call: Call, nowMs: number): readonly Place[] {
    const { places, preferred } = call
    const passages = places.map(({ passage }) => passage)
    const turn = this.#turn++ % places.length
    const ranked = [...places.slice(turn), ...places.slice(0, turn)].map(place => {
      const states = this.#ledger.explain(place, nowMs)
      const goes = states.every(({ waitMs }) => waitMs === 0)
      const headroom =
        place.passage.labels === preferred?.labels
          ? Number.POSITIVE_INFINITY
          : headroomOf(states, place.passage, passages)
      return { place, goes, headroom }
    })
    ranked.sort((a, b) => (a.goes === b.goes ? b.headroom - a.headroom : a.goes ? -1 : 1))
    return ranked.map(({ place }) => place)
  }
}

/**
 * What is free, as a share, at the tightest of the gates that are not the same for all: 0 for nothing, 1 for all.
 * @param states of the passage's gates in their order, then of its holds
 */
export function headroomOf(states: readonly GateState[], passage: Passage, all: readonly Passage[]): number {
  let headroom = 1
  for (const [index, { free, reserved = 0, limit }] of states.entries()) {
    const gate = passage.gates[index]
    if (gate !== undefined && all.every(({ gates }) => gates.includes(gate))) continue
    headroom = Math.min(headroom, limit === 0 ? 0 : (free - reserved) / limit)
  }
  return headroom
}
