import type { Gate } from '../ports/ledger.ts'
import type { Lane } from './lane.ts'

/** A call that has waited for so long, and for so many windows of the gate that refuses it, is old. */
const OLD_MS = 10_000
const OLD_WINDOWS = 2
/** Tokens of a gate that go to calls of higher priority, at the most, for each token of the old call that waits longest. */
const OVERTAKING = 10

/** Since when the head of a lane waits, or the oldest head of a cohort: its place among those at the same gate. */
export class Age {
  heapIndex = -1
  lane: Lane | undefined
  sinceMs = 0
  turn = 0

  set(lane: Lane, nowMs: number): void {
    this.lane = lane
    this.sinceMs = lane.first?.queuedAtMs ?? nowMs
    this.turn = lane.turn
  }

  /** Of several the oldest. */
  take({ lane, sinceMs, turn }: Age): void {
    this.lane = lane
    this.sinceMs = sinceMs
    this.turn = turn
  }
}

export function isOlder(a: Age, b: Age): boolean {
  return a.sinceMs !== b.sinceMs ? a.sinceMs < b.sinceMs : a.turn < b.turn
}

/** Whether it has waited so long that those of higher priority may not go before it for ever. */
export function isOld({ sinceMs }: Age, gate: Gate, nowMs: number): boolean {
  return nowMs - sinceMs >= Math.max(OLD_MS, OLD_WINDOWS * gate.windowMs)
}

/** Whether so many tokens have gone to others that the next ones are for a call of this cost. */
export function isOvertaken(tokens: number, cost: number): boolean {
  return tokens >= OVERTAKING * cost
}

/**
 * The priority that an old call of the lane counts as: above all others, but never as high as those for whom one of its
 * gates keeps a reserve from it.
 */
export function elderStanding(lane: Lane): number {
  let ceiling = Number.POSITIVE_INFINITY
  for (const { reserve = [] } of lane.passage.gates) {
    for (const { priority } of reserve) if (priority > lane.priority) ceiling = Math.min(ceiling, priority)
  }
  return ceiling === Number.POSITIVE_INFINITY ? ceiling : justBelow(ceiling)
}

function justBelow(value: number): number {
  return value - Math.max(Math.abs(value) * 2 * Number.EPSILON, Number.MIN_VALUE)
}
