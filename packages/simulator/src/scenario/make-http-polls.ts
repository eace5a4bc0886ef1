import { Dice } from '../draw.ts'
import { intervalMs, makeEnd, pickLoads, QUIET, silent } from './make-pollers.ts'
import { shared } from './make-sharing.ts'
import type { Load, PollPlan, Scenario } from './scenario.ts'

const POLLED = 0.4
const SHARING = 0.25
/** What the client does of itself after failures. */
const RETRIES = 3

/** The same scenario with calls of which one serves several. Drawn apart, so that all else stays as it was. */
export function withHttpSharing(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x4775ba)
  if (!dice.chance(SHARING)) return scenario
  // A time that somebody else asked for does not say whose answer it was.
  const isOwned = ({ labels }: Load) => labels['uid'] !== undefined
  const { loads } = scenario
  const sharing = shared(dice, loads.filter(isOwned))
  return { ...scenario, loads: [...loads.map(load => (isOwned(load) ? (sharing.shift() as Load) : load)), ...sharing] }
}

/** The same scenario with those who poll: next to its calls, or instead of them. Drawn apart. */
export function withHttpPollers(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x4779011)
  if (!dice.chance(POLLED)) return scenario
  const many = dice.whole(1, dice.pick([3, 6, 12]))
  const whose = pickLoads(dice, scenario.loads, dice.pick([1, 2, scenario.loads.length]))
  // From a tenth of what the tightest limit gives to each, up to thirty times as much.
  const wanted = dice.scale(0.1, 30)
  const isEven = dice.chance(0.5)
  const everyMs = Math.round(intervalMs(scenario.limits, whose[0] as Load, many) / wanted)
  const plans = Array.from({ length: many }, (): PollPlan => {
    // By default those who poll the same share it; some ask not to.
    const coalesce = dice.pick([undefined, undefined, 'poll', 'poll', 'p0'])
    return {
      labels: dice.pick(whose).labels,
      everyMs: Math.max(20, isEven ? everyMs : Math.round(everyMs * dice.scale(0.2, 5))),
      weight: isEven ? 1 : dice.pick([1, 1, 2, 3, 0.5]),
      priority: isEven || dice.chance(0.8) ? 0 : dice.whole(-1, 2),
      cost: 1,
      retries: RETRIES,
      onError: dice.chance(0.85) ? 'yield' : 'throw',
      maxAgeMs: dice.chance(0.4) ? Math.round(dice.scale(100, 60_000)) : null,
      consumerMs: dice.chance(0.75) ? 0 : Math.round(dice.scale(1, 20_000)),
      fromMs: dice.chance(0.7) ? 0 : dice.between(0, scenario.durationMs / 2),
      end: makeEnd(dice, scenario.durationMs),
      ...(coalesce !== undefined && { coalesce }),
    }
  })
  const isAlone = dice.chance(0.5)
  if (!isAlone || dice.chance(0.5))
    return { ...scenario, pollers: plans, ...(isAlone && { loads: scenario.loads.map(silent) }) }
  // Nothing else, and nothing that disturbs their shares: no lies in headers either.
  const { looks: _, ...rest } = scenario
  return {
    ...rest,
    pollers: plans.map(({ coalesce: _shared, ...plan }) => ({ ...plan, onError: 'yield', end: null, fromMs: 0 })),
    loads: scenario.loads.map(silent),
    faults: scenario.faults.filter(({ kind }) => QUIET.has(kind)),
  }
}
