import { Dice } from '../draw.ts'
import { carries, keyOf, type Load, type PollPlan, type Rule, type Scenario } from './scenario.ts'

const LIKELY = 0.4
const MOST = 24
/** Faults of which none is left where nothing is to disturb the shares. */
export const QUIET: ReadonlySet<string> = new Set(['wall-step', 'drift', 'timers'])

/**
 * The same scenario with those who poll: next to its calls, or instead of them. Drawn apart, so that all else of the
 * scenario stays as it was.
 */
export function withPollers(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x9011)
  if (!dice.chance(LIKELY)) return scenario
  const many = dice.whole(1, dice.pick([4, 12, MOST]))
  // Often over one pair of labels or a few: then they share what these get.
  const whose = pickLoads(dice, scenario.loads, dice.pick([1, 2, scenario.loads.length]))
  // From a tenth of what the tightest limit gives to each, up to a hundred times as much.
  const wanted = dice.scale(0.1, 100)
  const isEven = dice.chance(0.5)
  const plans: PollPlan[] = []
  const everyMs = Math.round(intervalMs(scenario.limits, whose[0] as Load, many) / wanted)
  for (let i = 0; i < many; i++) {
    const { labels, cost } = dice.pick(whose)
    plans.push({
      labels,
      everyMs: Math.max(20, isEven ? everyMs : Math.round(everyMs * dice.scale(0.2, 5))),
      weight: isEven ? 1 : dice.pick([1, 1, 2, 3, 0.5]),
      priority: isEven || dice.chance(0.8) ? 0 : dice.whole(-1, 2),
      cost: isEven ? 1 : cost,
      retries: dice.pick([0, 0, 3]),
      onError: dice.chance(0.85) ? 'yield' : 'throw',
      maxAgeMs: dice.chance(0.4) ? Math.round(dice.scale(100, 60_000)) : null,
      consumerMs: dice.chance(0.75) ? 0 : Math.round(dice.scale(1, 20_000)),
      fromMs: dice.chance(0.7) ? 0 : dice.between(0, scenario.durationMs / 2),
      end: makeEnd(dice, scenario.durationMs),
      ...(dice.chance(0.15) && { coalesce: dice.pick(['p0', 'p1']) }),
    })
  }
  const isAlone = dice.chance(0.5)
  const isQuiet = isAlone && dice.chance(0.5)
  return {
    ...scenario,
    pollers: isQuiet ? plans.map(plan => ({ ...plan, onError: 'yield' as const, end: null, fromMs: 0 })) : plans,
    // A load says whose labels there are; who wants nothing is none.
    ...(isAlone && { loads: scenario.loads.map(silent) }),
    ...(isQuiet && { faults: scenario.faults.filter(({ kind }) => QUIET.has(kind)) }),
  }
}

/** How long one token a poller takes, at the limit that gives least. */
export function intervalMs(limits: readonly Rule[], { labels }: Load, many: number): number {
  const rules = limits.filter(rule => keyOf(rule, labels) !== undefined)
  return many * Math.max(...rules.map(({ windowMs, limit }) => windowMs / limit))
}

export function makeEnd(dice: Dice, durationMs: number): PollPlan['end'] {
  if (dice.chance(0.6)) return null
  return { atMs: dice.between(0, durationMs), how: dice.pick(['signal', 'return', 'break']) }
}

export function pickLoads(dice: Dice, loads: readonly Load[], many: number): Load[] {
  const first = dice.pick(loads)
  const others = loads.filter(load => !carries(load.labels, first.labels))
  return [first, ...Array.from({ length: Math.min(many - 1, others.length) }, () => dice.pick(others))]
}

export function silent(load: Load): Load {
  return { ...load, pattern: { kind: 'saturating', width: 0 } }
}
