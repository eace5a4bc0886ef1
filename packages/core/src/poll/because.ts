import type { GateState, LedgerSession, Passage } from '../ports/ledger.ts'
import type { Pace } from './pace.ts'
import type { Poller } from './poller.ts'

/** What keeps the poller's call back: the last hold to end, or else the limit that refuses for longest. */
export function becauseOf(
  { passages, request: { cost }, tick, room }: Poller,
  ledger: LedgerSession,
  nowMs: number,
): GateState | undefined {
  const all = passages.map(passage => ({ passage, states: ledger.explain({ passage, cost }, nowMs) }))
  // The labels by which it goes first.
  const { passage, states } = all.reduce((best, each) =>
    earliestOf(each.states, nowMs) < earliestOf(best.states, nowMs) ? each : best,
  )
  const isHeld = (state: GateState) => state.kind === 'hold'
  // A hold that hangs on its probe's answer is near its end, and another's is known.
  const waits = (state: GateState) => state.waitMs ?? (isHeld(state) ? 0 : Number.POSITIVE_INFINITY)
  let because: GateState | undefined
  for (const state of states) {
    if (state.waitMs === 0) continue
    // A hold's end is known, or near; what hangs on an answer in a bucket may be nothing.
    const isWorse =
      because === undefined || (isHeld(state) === isHeld(because) ? waits(state) > waits(because) : isHeld(state))
    if (isWorse) because = state
  }
  if (because?.kind === 'hold') return because
  if (tick?.startedAtMs !== undefined) return undefined
  return because ?? states.find(state => state.name === nameOf(passage, room))
}

function nameOf(passage: Passage, room: Pace | undefined): string | undefined {
  return passage.gates.find(gate => gate.kind === room?.kind && gate.key === room.key)?.name
}

/** Until when a hold keeps it back, where that is known. */
export function heldUntil(because: GateState | undefined, nowMs: number): number | undefined {
  return because?.kind !== 'hold' || because.waitMs === null ? undefined : nowMs + because.waitMs
}

/**
 * When a call could go at the earliest, as far as is known: an answer that it hangs on may be in at any moment; the end of a
 * hold that hangs on one may be far.
 */
export function earliestOf(states: readonly GateState[], nowMs: number): number {
  let waitMs = 0
  for (const state of states) {
    waitMs = Math.max(waitMs, state.waitMs ?? (state.kind === 'hold' ? Number.POSITIVE_INFINITY : 0))
  }
  return nowMs + waitMs
}
