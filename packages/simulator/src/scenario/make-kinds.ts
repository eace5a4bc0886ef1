import { Dice } from '../draw.ts'
import type { Scenario } from './scenario.ts'

const LIKELY = 0.3
/** Clocks of the two sides need not agree on the time of day. */
const EPOCH_MS = Date.UTC(2025, 0, 1)
const FAR_MS = 3_600_000

/** The same scenario with a server that counts some of its limits in other windows than sliding ones. Drawn apart. */
export function withKinds(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x817d)
  if (!dice.chance(LIKELY)) return scenario
  const limits = scenario.limits.map(rule => {
    const window = dice.pick([undefined, 'aligned', 'anchored', 'decay', 'decay'] as const)
    return window === undefined ? rule : { ...rule, window }
  })
  return {
    ...scenario,
    limits,
    serverEpochMs: EPOCH_MS + dice.whole(-FAR_MS, FAR_MS),
    tellsTime: dice.chance(0.7),
  }
}
