import { Dice } from '../draw.ts'
import type { Budget, Fault, Scenario } from './scenario.ts'

/** "over 20 error code:100202 requests within 480000 ms", "over 30 error requests within 120000ms" (facts, 2026). */
const RULES = [
  { of: ' by code', limit: 20, windowMs: 480_000, count: 'apart' },
  { of: '', limit: 30, windowMs: 120_000, count: 'together' },
] as const

/** The documented rules on errors, written down a second time: the client's own are under test. */
const BUDGETS: readonly Budget[] = RULES.flatMap(({ of, ...rule }) => {
  const common = { ...rule, banMs: 300_000, stopAt: 0.5 }
  return [
    { ...common, name: `bingx errors${of}`, by: ['exchange', 'uid', 'endpoint'], only: { exchange: 'bingx' } },
    {
      ...common,
      name: `bingx errors of public calls${of}`,
      by: ['exchange', 'ip', 'endpoint'],
      only: { exchange: 'bingx', group: '1' },
    },
  ]
})

/** Final ones, one that is tried again, and none that say more than that this call failed. */
const CODES = { bingx: ['100202', '100500', '109400', '100004'], coinw: ['10002', '10003', '500'] } as const
const KEY_CODES = { bingx: ['100413', '100001', '100419'], coinw: ['-103', '10006', '6000'] } as const
/** After it no answer is under way that was given before. */
const SETTLED_MS = 30_000

/** The same scenario with errors that the exchange counts, keys that it finds wrong, and another way of saying things. */
export function withHttpTold(scenario: Scenario): Scenario {
  const dice = new Dice(scenario.seed ^ 0x477701d)
  const isBingx = scenario.loads[0]?.labels['exchange'] === 'bingx'
  const faults = [...scenario.faults]
  if (dice.chance(0.4)) for (let i = dice.whole(1, 3); i > 0; i--) faults.push(failing(dice, scenario, isBingx))
  if (dice.chance(0.25)) for (let i = dice.whole(1, 2); i > 0; i--) faults.push(...keyWrong(dice, scenario, isBingx))
  const looks = {
    codes: dice.pick(['old', 'old', 'new', 'mixed', 'documented', 'renumbered'] as const),
    refusalStatus: dice.pick([200, 200, 429] as const),
    usageHeaders: dice.pick(['honest', 'honest', 'missing', 'epoch', 'lying'] as const),
    bodyTimestamp: dice.chance(0.8),
  }
  return {
    ...scenario,
    ...(isBingx && { budgets: BUDGETS }),
    ...(isBingx && dice.chance(0.5) && { looks }),
    faults,
  }
}

function failing(dice: Dice, { durationMs, loads }: Scenario, isBingx: boolean): Fault {
  const { exchange = '', uid, ip = '', endpoint = '' } = dice.pick(loads).labels
  const atMs = dice.between(0, 0.9 * durationMs)
  return {
    kind: 'failing',
    atMs,
    forMs: Math.min(durationMs - atMs, dice.scale(5_000, durationMs)),
    labels: { exchange, ...(uid === undefined ? { ip } : { uid }), endpoint },
    codes: CODES[isBingx ? 'bingx' : 'coinw'].slice(0, dice.whole(1, 4)),
    share: dice.pick([1, 1, dice.scale(0.05, 1)]),
    slowMs: 0,
  }
}

function keyWrong(dice: Dice, { durationMs, loads }: Scenario, isBingx: boolean): Fault[] {
  const uid = dice.pick(loads).labels['uid']
  const atMs = dice.between(0, durationMs - 2 * SETTLED_MS)
  const forMs = Math.min(durationMs - SETTLED_MS - atMs, dice.scale(5_000, durationMs))
  if (uid === undefined || forMs <= 0) return []
  return [{ kind: 'key-wrong', atMs, forMs, uid, code: dice.pick(KEY_CODES[isBingx ? 'bingx' : 'coinw']) }]
}
