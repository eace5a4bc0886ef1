import { draw } from '../draw.ts'
import type { Load, Scenario } from '../scenario/scenario.ts'

const SALT = 0xa441

/** When a load's next burst of calls comes, after the one at `atMs`, and how many calls it has. */
export function nextBurst(
  scenario: Scenario,
  load: number,
  { pattern }: Load,
  index: number,
  atMs: number,
): { atMs: number; size: number } {
  const luck = draw(scenario.seed, SALT, load, index)
  switch (pattern.kind) {
    case 'saturating':
      return { atMs: index === 0 ? atMs : Number.POSITIVE_INFINITY, size: pattern.width }
    case 'poisson':
      return { atMs: atMs - (Math.log(1 - luck) * 1_000) / pattern.perSecond, size: 1 }
    case 'lockstep':
      return { atMs: atMs + pattern.everyMs, size: pattern.size }
    case 'bursts':
      return { atMs: atMs + pattern.everyMs * 2 * luck, size: pattern.size }
  }
}
