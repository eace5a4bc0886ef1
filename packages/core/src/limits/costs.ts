import type { Head } from '../ports/ledger.ts'
import type { MemoryPassage } from './gates.ts'
import type { MemoryGate } from './shelf.ts'

/** What the gate at `index` takes for a request of this cost. */
export function costAt(passage: MemoryPassage, index: number, cost: Head['cost']): number {
  if (cost === undefined) return passage.usualCosts[index] as number
  const fixed = passage.fixedCosts[index]
  if (fixed !== undefined) return fixed
  if (typeof cost === 'number') return cost
  return cost[(passage.gates[index] as MemoryGate).name] ?? 1
}
