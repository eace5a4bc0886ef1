import type { Gate } from '../ports/ledger.ts'
import type { Lane } from './lane.ts'

/** What the waiting rooms ask of the ledger. */
export interface GateKeeper {
  readyAtMs(gate: Gate, tokens: number, nowMs: number): number
  costOf(gate: Gate, lane: Lane): number
  /** Tokens that the lane has to leave to others. */
  reservedOf(gate: Gate, lane: Lane, nowMs: number): number
  sizeOf(gate: Gate): number
  /** The heads of the two are one call, which may go by either. Absent: they never are. */
  areOne?(a: Lane, b: Lane): boolean
}
