import { Dice } from '../draw.ts'
import { clientLimits, keyOf, type Load, type Rule, type Scenario } from './scenario.ts'

const LIKELY = 0.3
/** Faults that schedulers without a common ledger meet each by itself. */
const APART: ReadonlySet<string> = new Set([
  'lost-request',
  'lost-answer',
  'error',
  'unsent',
  'abort',
  'expiry',
  'wall-step',
  'drift',
  'suspend',
  'timers',
])

/** The same scenario with options of the scheduler and its limits that others leave alone. Drawn apart. */
export function withOptions(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x0b7)
  if (!dice.chance(LIKELY)) return scenario
  let limits = scenario.limits
  if (dice.chance(0.5)) limits = limits.map(rule => (dice.chance(0.6) ? withReserve(dice, rule) : rule))
  if (dice.chance(0.3)) limits = conditional(dice, { ...scenario, limits })
  const isFull = dice.chance(0.5)
  const options = {
    ...(isFull && {
      maxQueued: dice.whole(1, 40),
      overflow: dice.pick(['reject', 'drop-oldest', 'drop-lowest'] as const),
    }),
    ...(dice.chance(0.3) && { fairBy: dice.pick(['endpoint', 'ip', 'exchange']) }),
  }
  const { maxQueued } = options
  const loads = maxQueued === undefined ? scenario.loads : narrowed(scenario.loads, maxQueued)
  const isRanked = options.overflow === 'drop-lowest' && dice.chance(0.7)
  const ranked = isRanked ? loads.map(load => ({ ...load, priority: dice.whole(-1, 2) })) : loads
  const its = { ...scenario, limits, loads: ranked, ...options }
  return dice.chance(0.25) ? apart(dice, its) : its
}

/** Few more at a time than may wait: each that is turned away comes again. */
function narrowed(loads: readonly Load[], maxQueued: number): Load[] {
  const most = Math.max(1, Math.round((1.3 * maxQueued + 4) / loads.length))
  return loads.map(load => {
    const { pattern } = load
    if (pattern.kind !== 'saturating' || pattern.width <= most) return load
    return { ...load, pattern: { kind: 'saturating', width: most } }
  })
}

function withReserve(dice: Dice, rule: Rule): Rule {
  return rule.limit < 2 ? rule : { ...rule, reserve: { share: dice.between(0.05, 0.9), priority: dice.whole(0, 2) } }
}

/** A limit of one endpoint, or of all but one: where every load is under another too. */
function conditional(dice: Dice, scenario: Scenario): readonly Rule[] {
  const { limits, loads } = scenario
  const at = dice.whole(0, limits.length - 1)
  const { endpoint = '' } = dice.pick(loads).labels
  const changed = limits.map((rule, index) => {
    if (index !== at) return rule
    return dice.chance(0.5) ? { ...rule, only: { endpoint } } : { ...rule, except: { endpoint } }
  })
  const isLimited = loads.every(({ labels }) => changed.some(rule => keyOf(rule, labels) !== undefined))
  return isLimited ? changed : limits
}

/** Several schedulers, each with some of the accounts: what none of them can know of the others is left out. */
function apart(dice: Dice, scenario: Scenario): Scenario {
  const clients = dice.whole(2, 3)
  const smallest = Math.min(...clientLimits(scenario).flatMap(({ limit, burst = limit }) => [limit, burst]))
  if (smallest < clients) return scenario
  const { budgets: _, memory: __, ...rest } = scenario
  return { ...rest, clients, caps: [], faults: scenario.faults.filter(({ kind }) => APART.has(kind)) }
}
