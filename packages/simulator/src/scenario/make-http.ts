import { Dice } from '../draw.ts'
import { makeFaults } from './faults.ts'
import { makeLeg } from './make.ts'
import { withHttpPollers, withHttpSharing } from './make-http-polls.ts'
import { withHttpTold } from './make-http-told.ts'
import {
  type Fault,
  type FaultKind,
  keyOf,
  type Labels,
  type Load,
  type Pattern,
  type Rule,
  type Scenario,
} from './scenario.ts'

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
  'user-hold',
  'wall-step',
  'drift',
  'suspend',
  'timers',
  'crash',
  'lies',
])

const BINGX = { exchange: 'bingx' } as const
const COINW = { exchange: 'coinw' } as const
const MARKET = { exchange: 'bingx', group: '1' } as const

/** The documented limits of the calls below, written down a second time: the client's own are under test. */
const LIMITS: readonly Rule[] = [
  { name: 'bingx uid×endpoint', limit: 5, windowMs: 1_000, by: ['exchange', 'uid', 'endpoint'], only: BINGX },
  {
    name: 'bingx ip×endpoint',
    limit: 300,
    windowMs: 10_000,
    by: ['exchange', 'ip', 'endpoint'],
    only: BINGX,
    except: { group: '1' },
  },
  {
    name: 'bingx ip×market endpoint',
    limit: 500,
    windowMs: 10_000,
    by: ['exchange', 'ip', 'endpoint'],
    only: { ...BINGX, group: '1' },
  },
  {
    name: 'bingx ip×group',
    limit: 2_000,
    windowMs: 10_000,
    by: ['exchange', 'ip', 'group'],
    only: BINGX,
    except: { group: '1' },
  },
  { name: 'bingx ip×market 10 s', limit: 500, windowMs: 10_000, by: ['exchange', 'ip', 'group'], only: MARKET },
  { name: 'bingx ip×market 60 s', limit: 1_000, windowMs: 60_000, by: ['exchange', 'ip', 'group'], only: MARKET },
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

/** The public call: no account, and limits per address alone. */
const PUBLIC = { ...MARKET, endpoint: 'GET /openApi/swap/v2/server/time' } as const
const COMMANDS = [{ ...COINW, endpoint: 'returnBalances', group: 'spot' }] as const

/** What the whole of a scenario is built on. */
type Ground = Pick<Scenario, 'loads' | 'ownLimits' | 'schedulers'>

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
    routes: [...new Set(ground.loads.map(({ labels }) => labels['ip'] as string))]
      .sort()
      .map(ip => ({ ip, there: makeLeg(dice), back: makeLeg(dice) })),
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
  if (dice.chance(0.25)) faults.push(...ownLimits(dice, base))
  return withHttpPollers(withHttpSharing(withHttpTold({ ...base, faults })))
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

/** Somebody turns a limit down, and perhaps up again. */
function ownLimits(dice: Dice, { durationMs, limits, loads }: Scenario): Fault[] {
  const { labels } = dice.pick(loads)
  const { name, limit } = dice.pick(limits.filter(rule => keyOf(rule, labels) !== undefined))
  const lower = () => Math.max(1, Math.round(dice.scale(1, Math.min(limit, 20))))
  const times = Array.from({ length: dice.whole(1, 3) }, () => dice.between(0, durationMs)).sort((a, b) => a - b)
  return times.map(atMs => ({ kind: 'own-limit', atMs, name, limit: dice.chance(0.3) ? limit : lower() }))
}

/** Some accounts, each with its own habits: each is under its own limits before it meets a common one. */
function accounts(dice: Dice): Ground {
  const endpoints = dice.chance(0.3) ? COMMANDS : ENDPOINTS
  const loads: Load[] = []
  const uids = dice.whole(1, 3)
  const ips = ['a', 'b', 'c'].slice(0, dice.pick([1, 1, 2, 3]))
  const schedulers = dice.pick(['one', 'each'] as const)
  for (let uid = 0; uid < uids; uid++) {
    // With a scheduler each, an account on two addresses would take its own limits twice.
    const home = dice.pick(ips)
    for (const labels of endpoints) {
      if (endpoints === ENDPOINTS && dice.chance(0.5)) continue
      loads.push({
        labels: { ...labels, ip: schedulers === 'each' ? home : dice.pick(ips), uid: `u${uid}` },
        pattern: makePattern(dice, uids),
        priority: dice.chance(0.1) ? dice.whole(-1, 2) : 0,
        cost: 1,
        retries: 3,
      })
    }
  }
  if (loads.length === 0) {
    loads.push({
      labels: { ...ENDPOINTS[0], ip: ips[0] as string, uid: 'u0' },
      pattern: makePattern(dice, 1),
      priority: 0,
      cost: 1,
      retries: 3,
    })
  }
  if (endpoints === ENDPOINTS && dice.chance(0.4)) {
    for (const ip of ips) {
      loads.push({ labels: { ...PUBLIC, ip }, pattern: makePattern(dice, uids), priority: 0, cost: 1, retries: 3 })
    }
  }
  return { loads, schedulers }
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

/** The exchange bans an endpoint of an account, or a public one of an address; a foreign caller has a key to the same account. */
function fit(dice: Dice, fault: Fault, { loads }: Scenario): Fault {
  const { labels } = dice.pick(loads)
  const whose = labels['uid'] === undefined ? 'ip' : 'uid'
  if (fault.kind === 'ban') return { ...fault, labels: pick(labels, ['exchange', whose, 'endpoint']) }
  if (fault.kind === 'user-hold') {
    const scopes = [['exchange', whose, 'endpoint'], ['exchange', 'ip', 'endpoint'], ['exchange', 'ip'], [whose]]
    return { ...fault, labels: pick(labels, dice.pick(scopes)) }
  }
  const owner = loads.find(load => load.labels['uid'] !== undefined) ?? { labels }
  const account = whose === 'uid' ? labels : owner.labels
  if (fault.kind === 'foreign') return { ...fault, labels: account, perSecond: dice.between(0.5, 3) }
  return fault
}

function pick(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(names.map(name => [name, labels[name] ?? '']))
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
