import { draw } from '../draw.ts'
import { faultsOf, type Scenario } from '../scenario/scenario.ts'
import type { CallLog } from './log.ts'

const SALT = { abort: 21, expiry: 22, thing: 25 } as const
const LONGEST_PATIENCE_MS = 20_000
const LATEST_ABORT_MS = 5_000

/** How long after it was made a call is taken back; undefined: never. Early more often than late. */
export function abortAfterMs(scenario: Scenario, { id, scheduledAtMs }: CallLog): number | undefined {
  for (const { atMs, forMs, share } of faultsOf(scenario, 'abort')) {
    const isIn = scheduledAtMs >= atMs && scheduledAtMs < atMs + forMs
    if (isIn && draw(scenario.seed, SALT.abort, id) < share) {
      return LATEST_ABORT_MS * draw(scenario.seed, SALT.abort, id, 1) ** 4
    }
  }
  return undefined
}

/** Within what a load's next call must start; Infinity: whenever. */
export function maxWaitMs(scenario: Scenario, load: number, number: number, nowMs: number): number {
  for (const { atMs, forMs, share } of faultsOf(scenario, 'expiry')) {
    const isIn = nowMs >= atMs && nowMs < atMs + forMs
    if (isIn && draw(scenario.seed, SALT.expiry, load, number) < share) {
      return LONGEST_PATIENCE_MS * draw(scenario.seed, SALT.expiry, load, number, 1) ** 3
    }
  }
  return Number.POSITIVE_INFINITY
}

/** What a load's call asks for that others may share; undefined: nothing. */
export function thingOf({ seed, loads }: Scenario, load: number, slot: number, number: number): string | undefined {
  const many = loads[load]?.shares
  return many === undefined ? undefined : `p${Math.floor(draw(seed, SALT.thing, load, slot, number) * many)}`
}
