import { Dice } from '../draw.ts'
import { type Budget, type Fault, faultsOf, keyOf, type Scenario, type UsageLie } from './scenario.ts'

/** Error codes are only names here. */
const CODES = ['100202', '80014', '109400', '100500'] as const
/** A client can see that some lies are not of this limit; beside one that it cannot see, that would not show. */
const LIES: readonly (readonly UsageLie[])[] = [['above', 'scope', 'epoch'], ['scope'], ['stale', 'none']]
const MOST_FAILING = 3
/** A hold that ran out longer ago is over without a probe. */
const PROBED_WITHIN_MS = 55_000

/**
 * The same scenario with a server that says more: errors that it counts, the usage of its limits; and with a client that
 * remembers. Drawn apart, so that all else of the scenario stays as it was.
 */
export function withTold(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x701d)
  const budgets = dice.chance(0.3) ? makeBudgets(dice) : []
  const faults = [...scenario.faults]
  if (budgets.length > 0)
    for (let i = dice.whole(1, MOST_FAILING); i > 0; i--) faults.push(failing(dice, scenario, budgets))
  if (dice.chance(0.35)) faults.push(...usage(dice, scenario))
  const hasCrash = faultsOf(scenario, 'crash').length > 0
  // Without a memory a crash forgets all, which is a world of its own.
  const memory = dice.chance(hasCrash ? 0.6 : 0.2)
  if (memory && (!hasCrash || dice.chance(0.5))) faults.push(...crashInBan(dice, scenario))
  return {
    ...scenario,
    ...(budgets.length > 0 && { budgets }),
    ...(memory && { memory }),
    faults: faults.sort((a, b) => a.atMs - b.atMs),
  }
}

function makeBudgets(dice: Dice): Budget[] {
  const budget = (name: string, count: Budget['count']): Budget => ({
    name,
    limit: dice.whole(4, 40),
    windowMs: Math.round(dice.scale(5_000, 480_000)),
    by: ['uid', 'endpoint'],
    count,
    banMs: Math.round(dice.scale(5_000, 300_000)),
    stopAt: dice.pick([0.5, 0.5, 0.9, 1, dice.between(0.05, 1)]),
  })
  const shape = dice.pick(['apart', 'together', 'both'] as const)
  if (shape !== 'both') return [budget('errors', shape)]
  return [budget('errors by code', 'apart'), budget('errors', 'together')]
}

/** Long enough to use a budget up, and often to see it reopen. */
function failing(dice: Dice, { durationMs, loads }: Scenario, budgets: readonly Budget[]): Fault {
  const atMs = dice.between(0, 0.9 * durationMs)
  const { uid = '', endpoint = '' } = dice.pick(loads).labels
  const windowMs = dice.pick(budgets).windowMs
  return {
    kind: 'failing',
    atMs,
    forMs: Math.min(durationMs - atMs, dice.scale(1_000, 3 * windowMs)),
    labels: { uid, endpoint },
    codes: CODES.slice(0, dice.whole(1, CODES.length)),
    share: dice.pick([1, 1, dice.scale(0.05, 1)]),
    slowMs: dice.chance(0.3) ? Math.round(dice.scale(10, 3_000)) : 0,
  }
}

function usage(dice: Dice, { durationMs, limits, loads }: Scenario): Fault[] {
  const { name, limit, windowMs, by } = dice.pick(limits)
  const faults: Fault[] = []
  const isLying = dice.chance(0.5)
  const lies = dice.pick(LIES)
  for (const says of isLying ? [dice.pick(lies), dice.pick(lies)] : [dice.pick(lies)]) {
    const atMs = dice.between(0, durationMs / 2)
    const share = isLying ? dice.pick([1, 1, dice.scale(0.05, 1)]) : 0
    faults.push({ kind: 'usage', atMs, forMs: durationMs - atMs, name, share, says })
  }
  const owner = loads.find(({ labels }) => keyOf({ name, by }, labels) !== undefined)
  // Beside refusals lies would not be seen.
  if (owner === undefined || isLying || !dice.chance(0.6)) return faults
  const labels = Object.fromEntries(by.map(label => [label, owner.labels[label] ?? '']))
  const atMs = dice.between(0, durationMs / 2)
  const perSecond = (dice.between(0.1, 0.6) * limit * 1_000) / windowMs
  return [...faults, { kind: 'foreign', atMs, forMs: dice.between(0.3, 1) * (durationMs - atMs), labels, perSecond }]
}

/** Down when a ban is known, and up again before or soon after its end. */
function crashInBan(dice: Dice, { durationMs, loads }: Scenario): Fault[] {
  const { uid = '', endpoint = '' } = dice.pick(loads).labels
  const atMs = dice.between(0, durationMs / 2)
  const forMs = dice.scale(20_000, durationMs / 3)
  const labels = { uid, endpoint }
  const tells = dice.pick(['truth', 'truth', 'nothing'] as const)
  const crashAtMs = atMs + dice.between(0.1, 0.9) * forMs
  const leftMs = atMs + forMs - crashAtMs
  const downMs = dice.pick([dice.scale(10, 1_000), leftMs + dice.between(0, PROBED_WITHIN_MS)])
  return [
    { kind: 'ban', atMs, forMs, labels, tells },
    { kind: 'crash', atMs: crashAtMs, downMs, coldStart: dice.pick(['paced', 'spent', 'spent']) },
  ]
}
