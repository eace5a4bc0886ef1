import type { GateState } from '../ports/ledger.ts'
import type { Hold } from './hold.ts'
import type { MemoryGate } from './shelf.ts'

/**
 * A bucket, cap or budget as plain data.
 * @param reserved tokens that whoever takes `tokens` has to leave
 */
export function stateOf(gate: MemoryGate, tokens: number, nowMs: number, reserved = 0): GateState {
  const readyAtMs = gate.readyAtMs(tokens + reserved, nowMs)
  return {
    kind: gate.kind,
    name: gate.name,
    labels: gate.labels,
    limit: gate.tokens,
    free: Math.max(0, gate.free(nowMs)),
    inFlight: gate.inFlight,
    ...(reserved > 0 && { reserved }),
    waitMs: readyAtMs === Number.POSITIVE_INFINITY ? null : Math.max(0, readyAtMs - nowMs),
  }
}

/** A hold as plain data. */
export function holdState(hold: Hold, nowMs: number): GateState {
  const readyAtMs = hold.readyAtMs(nowMs)
  const cap = hold.capAt(nowMs)
  return {
    kind: 'hold',
    name: hold.reason,
    labels: hold.labels,
    limit: cap,
    free: Math.max(0, cap - hold.inFlight),
    inFlight: hold.inFlight,
    waitMs: readyAtMs === Number.POSITIVE_INFINITY ? null : Math.max(0, readyAtMs - nowMs),
  }
}
