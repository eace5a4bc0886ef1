import { Dice } from '../draw.ts'
import { makeFaults } from './faults.ts'
import { makeLeg } from './make.ts'
import type { Fault, FaultKind, Load, Pattern, Rule, Scenario } from './scenario.ts'

/** What can befall a client over HTTP; the rest is the scheduler's own and is tried in core runs. */
const KINDS: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'lost-request',
  'lost-answer',
  'late-arrival',
  'broken',
  'error',
  'abort',
  'expiry',
  'blackout',
  'route-change',
  'ban',
  'foreign',
  'wall-step',
  'drift',
  'suspend',
  'timers',
  'crash',
  'lies',
])

const BINGX = { exchange: 'bingx' } as const
const COINW = { exchange: 'coinw' } as const

/** The documented limits of the calls below, written down a second time: the client's own are under test. */
const LIMITS: readonly Rule[] = [
  { name: 'bingx uid×endpoint', limit: 5, windowMs: 1_000, by: ['exchange', 'uid', 'endpoint'], only: BINGX },
  { name: 'bingx ip×endpoint', limit: 300, windowMs: 10_000, by: ['exchange', 'ip', 'endpoint'], only: BINGX },
  { name: 'bingx ip×group', limit: 2_000, windowMs: 10_000, by: ['exchange', 'ip', 'group'], only: BINGX },
  { name: 'coinw uid×returnBalances', limit: 3, windowMs: 1_000, by: ['exchange', 'uid', 'endpoint'], only: COINW },
  { name: 'coinw ip', limit: 100, windowMs: 1_000, by: ['exchange', 'ip'], only: COINW },
  { name: 'coinw uid', limit: 300, windowMs: 1_000, by: ['exchange', 'uid'], only: COINW },
]

const ENDPOINTS = [
  { ...BINGX, endpoint: 'GET /openApi/swap/v3/user/balance', group: '3' },
  { ...BINGX, endpoint: 'GET /openApi/swap/v2/user/income', group: '2' },
  { ...BINGX, endpoint: 'GET /openApi/spot/v1/account/balance', group: '3' },
  { ...BINGX, endpoint: 'GET /openApi/account/v1/allAccountBalance', group: '2' },
] as const

const COMMANDS = [{ ...COINW, endpoint: 'returnBalances', group: 'spot' }] as const

/** What the whole of a scenario is built on. */
type Ground = Pick<Scenario, 'loads' | 'ownLimits'>

/** One exchange, as a bot uses it. */
export function makeHttpScenario(seed: number, minutes: number): Scenario {
  const dice = new Dice(seed ^ 0x477)
  const shape = dice.pick([accounts, accounts, accounts, equals])
  const ground = shape(dice)
  const base: Scenario = {
    seed,
    kind: 'http',
    durationMs: minutes * 60_000,
    limits: LIMITS,
    caps: [],
    routes: [{ ip: 'a', there: makeLeg(dice), back: makeLeg(dice) }],
    ...ground,
    coldStart: dice.pick(['full', 'full', 'paced', 'spent']),
    lostCallMs: 5_000,
    timeoutMs: 11_000,
    giveUpMs: 10_000,
    maxQueued: 2_000,
    faults: [],
  }
  const faults = makeFaults(dice, base)
    .filter(fault => KINDS.has(fault.kind))
    .map(fault => fit(dice, fault, base))
  if (dice.chance(0.3)) {
    const atMs = dice.between(0, base.durationMs)
    faults.push({ kind: 'lies', atMs, forMs: dice.scale(1_000, base.durationMs - atMs), share: dice.scale(0.02, 1) })
  }
  if (dice.chance(0.4)) faults.push(...serverClock(dice, base))
  return { ...base, faults }
}

/** Wrong by hours from the start, set now and then by seconds to an hour, or only too fast: a second a day is 12 ppm. */
function serverClock(dice: Dice, { durationMs }: Scenario): Fault[] {
  const kind = 'server-clock'
  const sign = () => (dice.chance(0.5) ? 1 : -1)
  if (dice.chance(0.3)) return [{ kind, atMs: 0, byMs: sign() * dice.scale(60_000, 12 * 3_600_000), ppm: 0 }]
  if (dice.chance(0.3)) return [{ kind, atMs: 0, byMs: 0, ppm: sign() * dice.scale(10, 1_000) }]
  return Array.from({ length: dice.whole(1, 3) }, () => ({
    kind,
    atMs: dice.between(0, durationMs),
    byMs: sign() * dice.scale(500, 3_600_000),
    ppm: dice.chance(0.3) ? sign() * dice.scale(10, 200) : 0,
  }))
}

/** Some accounts, each with its own habits: each is under its own limits before it meets a common one. */
function accounts(dice: Dice): Ground {
  const endpoints = dice.chance(0.3) ? COMMANDS : ENDPOINTS
  const loads: Load[] = []
  const uids = dice.whole(1, 3)
  for (let uid = 0; uid < uids; uid++) {
    for (const labels of endpoints) {
      if (endpoints === ENDPOINTS && dice.chance(0.5)) continue
      loads.push({
        labels: { ...labels, ip: 'a', uid: `u${uid}` },
        pattern: makePattern(dice, uids),
        priority: 0,
        cost: 1,
        retries: 3,
      })
    }
  }
  if (loads.length === 0) {
    loads.push({
      labels: { ...ENDPOINTS[0], ip: 'a', uid: 'u0' },
      pattern: makePattern(dice, 1),
      priority: 0,
      cost: 1,
      retries: 3,
    })
  }
  return { loads }
}

/** Accounts that want all they can get of a limit that they share, and that somebody set lower than the exchange does. */
function equals(dice: Dice): Ground {
  const isCoinw = dice.chance(0.3)
  const endpoints = isCoinw ? COMMANDS : ENDPOINTS.filter(({ group }) => group === '3')
  const uids = dice.whole(2, 5)
  const width = dice.whole(2, 12)
  const loads: Load[] = []
  for (let uid = 0; uid < uids; uid++) {
    for (const labels of endpoints.slice(0, dice.whole(1, endpoints.length))) {
      const pattern: Pattern = { kind: 'saturating', width }
      loads.push({ labels: { ...labels, ip: 'a', uid: `u${uid}` }, pattern, priority: 0, cost: 1, retries: 3 })
    }
  }
  // So few that no account meets its own limit of 5/s (CoinW: 3/s) first.
  const most = uids * (isCoinw ? 2 : 4)
  return {
    loads,
    ownLimits: { [isCoinw ? 'coinw ip' : 'bingx ip×group']: dice.whole(1, isCoinw ? Math.min(most, 6) : most) },
  }
}

/** The exchange bans an endpoint of an account; a foreign caller has a key to the same account. */
function fit(dice: Dice, fault: Fault, { loads }: Scenario): Fault {
  const { labels } = dice.pick(loads)
  const { exchange = '', uid = '', endpoint = '' } = labels
  if (fault.kind === 'ban') return { ...fault, labels: { exchange, uid, endpoint } }
  if (fault.kind === 'foreign') return { ...fault, labels, perSecond: dice.between(0.5, 3) }
  return fault
}

function makePattern(dice: Dice, uids: number): Pattern {
  const size = dice.whole(1, 12)
  switch (dice.whole(0, 3)) {
    case 0:
      return { kind: 'saturating', width: dice.whole(1, 8) }
    case 1:
      return { kind: 'lockstep', size, everyMs: 4_000 * size * uids }
    case 2:
      return { kind: 'bursts', size, everyMs: 4_000 * size * uids }
    default:
      return { kind: 'poisson', perSecond: dice.scale(0.1, 2) / uids }
  }
}
