import type { Scenario } from '../scenario/scenario.ts'
import type { RunLog } from '../world/log.ts'

/** A broken promise. */
export interface Violation {
  readonly checker: string
  readonly what: string
  readonly atMs: number
}

/** What a checker has to say of a run. */
export interface Judgement {
  readonly violations: Violation[]
  /** What could not be avoided, by what excuses it. */
  readonly excuses: Map<string, number>
}

export type Checker = (scenario: Scenario, log: RunLog) => Judgement

export function fresh(): Judgement {
  return { violations: [], excuses: new Map() }
}

export function excuse({ excuses }: Judgement, why: string, times = 1): void {
  excuses.set(why, (excuses.get(why) ?? 0) + times)
}
