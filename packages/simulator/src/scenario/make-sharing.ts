import { Dice } from '../draw.ts'
import type { Load, Scenario } from './scenario.ts'

/** Calls at a time of a load that shares. */
const MOST_WIDTH = 5

/** The same scenario with calls of which one serves several, and with more and less urgent ones. Drawn apart. */
export function withSharing(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x5ba7e)
  let { loads } = scenario
  if (dice.chance(0.15)) loads = loads.map(load => ({ ...load, priority: dice.whole(-1, 2) }))
  if (dice.chance(0.25)) loads = shared(dice, loads)
  return loads === scenario.loads ? scenario : { ...scenario, loads }
}

/** Whoever shares is joined by others of the same labels, more urgent or less. */
export function shared(dice: Dice, loads: readonly Load[]): Load[] {
  const twins: Load[] = []
  const sharing = loads.map((load): Load => {
    if (!dice.chance(0.6)) return load
    const shares = dice.whole(1, 3)
    for (let i = dice.whole(0, 2); i > 0 && twins.length < 4; i--) {
      const perSecond = dice.scale(0.05, 1)
      const twin: Load = { ...load, pattern: { kind: 'poisson', perSecond }, priority: dice.whole(-1, 2) }
      twins.push(dice.chance(0.7) ? { ...twin, shares } : twin)
    }
    // All who share one call again at once when it is answered.
    const { pattern } = load
    const width = pattern.kind === 'saturating' ? Math.min(pattern.width, MOST_WIDTH) : 0
    return { ...load, shares, pattern: width > 0 ? { kind: 'saturating', width } : pattern }
  })
  return [...sharing, ...twins]
}
