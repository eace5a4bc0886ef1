import { Dice } from '../draw.ts'
import { makeFaults } from './faults.ts'
import { withKinds } from './make-kinds.ts'
import { withOptions } from './make-options.ts'
import { withPollers } from './make-pollers.ts'
import { withSharing } from './make-sharing.ts'
import { withTold } from './make-told.ts'
import type { Cap, Leg, Load, Pattern, Route, Rule, Scenario } from './scenario.ts'

const WINDOWS_MS = [1_000, 1_000, 2_000, 10_000, 60_000] as const
/** All calls together. */
const MOST_PER_SECOND = 20

/** What the whole of a scenario is built on. */
interface Ground {
  readonly limits: Rule[]
  readonly loads: Load[]
  readonly ips: string[]
}

/** The same seed makes the same scenario. */
export function makeScenario(seed: number, minutes: number): Scenario {
  const dice = new Dice(seed)
  const shape = dice.pick([equals, equals, accounts, accounts, accounts, bingx, many])
  const { limits, loads, ips } = shape(dice)
  const durationMs = minutes * 60_000
  const routes = ips.map(ip => makeRoute(dice, ip))
  const caps: Cap[] = dice.chance(0.1) ? [{ name: 'cap', limit: dice.whole(1, 8), by: [dice.pick(['uid', 'ip'])] }] : []
  const giveUpMs = dice.chance(0.3) ? null : dice.pick([2_000, 5_000, 10_000])
  const base: Scenario = {
    seed,
    kind: 'core',
    durationMs,
    limits,
    caps,
    routes,
    loads,
    coldStart: dice.pick(['full', 'full', 'paced', 'spent']),
    lostCallMs: dice.pick([5_000, 5_000, 2_000, 10_000]),
    timeoutMs: dice.pick([10_000, 20_000, 60_000]),
    giveUpMs,
    maxQueued: 2_000,
    faults: [],
  }
  // Drawn apart, so that all else stays as it was.
  const roams = ips.length > 1 && new Dice(seed ^ 0x40a5).chance(0.4)
  const told = withTold({ ...base, ...(roams && { roams }), faults: makeFaults(dice, base) })
  return withPollers(withOptions(withSharing(withKinds(told))))
}

function makeRoute(dice: Dice, ip: string): Route {
  return { ip, there: makeLeg(dice), back: makeLeg(dice) }
}

export function makeLeg(dice: Dice): Leg {
  return { baseMs: dice.scale(1, 150), medianMs: dice.scale(0.5, 60), sigma: dice.between(0.2, 1.5) }
}

/** A limit of at most `perSecond` in the long run. */
function makeRule(dice: Dice, name: string, by: readonly string[], perSecond: number): Rule {
  const windowMs = dice.pick(WINDOWS_MS)
  const most = Math.max(1, Math.floor((perSecond * windowMs) / 1_000))
  const limit = Math.max(1, Math.round(dice.scale(1, most)))
  const burst = dice.chance(0.1) ? dice.whole(1, limit) : undefined
  return { name, limit, windowMs, by, ...(burst !== undefined && { burst }) }
}

/** Accounts that want all they can get of one limit, each over as many endpoints as it likes. */
function equals(dice: Dice): Ground {
  const limits = [makeRule(dice, 'ip', ['exchange', 'ip'], MOST_PER_SECOND)]
  if (dice.chance(0.5)) limits.push(makeRule(dice, 'exchange', ['exchange'], MOST_PER_SECOND))
  const loads: Load[] = []
  const uids = dice.whole(2, 5)
  const width = Math.min(100, Math.max(...limits.map(rule => rule.limit)) + 3)
  for (let uid = 0; uid < uids; uid++) {
    const endpoints = dice.whole(1, 4)
    for (let endpoint = 0; endpoint < endpoints; endpoint++) {
      loads.push(loadOf(dice, { ip: 'a', uid: `u${uid}`, endpoint: `e${endpoint}` }, { kind: 'saturating', width }))
    }
  }
  return { limits, loads, ips: ['a'] }
}

/** Accounts over some addresses, each with its own habits. */
function accounts(dice: Dice): Ground {
  const uids = dice.whole(1, 6)
  const limits = [makeRule(dice, 'uid', ['exchange', 'uid'], MOST_PER_SECOND / uids)]
  if (dice.chance(0.5)) limits.push(makeRule(dice, 'ip', ['exchange', 'ip'], MOST_PER_SECOND))
  if (dice.chance(0.4)) limits.push(makeRule(dice, 'endpoint', ['exchange', 'uid', 'endpoint'], MOST_PER_SECOND / uids))
  const ips = ['a', 'b', 'c'].slice(0, dice.pick([1, 1, 2, 3]))
  const costly = dice.chance(0.15)
  const least = Math.min(...limits.flatMap(rule => [rule.limit, rule.burst ?? rule.limit]))
  const loads: Load[] = []
  for (let uid = 0; uid < uids; uid++) {
    const sources = dice.whole(1, 3)
    for (let source = 0; source < sources; source++) {
      const labels = { ip: dice.pick(ips), uid: `u${uid}`, endpoint: `e${dice.whole(0, 2)}` }
      const load = loadOf(dice, labels, makePattern(dice, uids * sources))
      const cost = costly && least > 1 ? dice.whole(1, Math.min(3, least)) : 1
      loads.push({ ...load, cost, priority: dice.chance(0.1) ? dice.whole(-1, 2) : 0 })
    }
  }
  return { limits, loads, ips }
}

/** BingX's limits in small. */
function bingx(dice: Dice): Ground {
  const limits: Rule[] = [
    { name: 'uid×endpoint', limit: 5, windowMs: 1_000, by: ['exchange', 'uid', 'endpoint'] },
    { name: 'ip×endpoint', limit: dice.whole(20, 100), windowMs: 10_000, by: ['exchange', 'ip', 'endpoint'] },
    { name: 'ip×group', limit: dice.whole(50, 180), windowMs: 10_000, by: ['exchange', 'ip', 'group'] },
  ]
  const ips = ['a', 'b'].slice(0, dice.whole(1, 2))
  const loads: Load[] = []
  const uids = dice.whole(1, 8)
  for (let uid = 0; uid < uids; uid++) {
    const ip = dice.pick(ips)
    for (let endpoint = 0; endpoint < dice.whole(1, 2); endpoint++) {
      const labels = { ip, uid: `u${uid}`, endpoint: `e${endpoint}`, group: '2' }
      loads.push(loadOf(dice, labels, makePattern(dice, uids * 2)))
    }
  }
  return { limits, loads, ips }
}

/** Many accounts that come back now and then: their buckets are dropped and made anew. */
function many(dice: Dice): Ground {
  const limits = [
    { name: 'uid', limit: dice.whole(1, 5), windowMs: dice.pick([1_000, 10_000]), by: ['exchange', 'uid'] },
    makeRule(dice, 'ip', ['exchange', 'ip'], MOST_PER_SECOND),
  ]
  const uids = dice.whole(40, 120)
  const everyMs = dice.pick([10_000, 20_000, 33_333])
  const size = Math.max(1, Math.floor((0.4 * MOST_PER_SECOND * everyMs) / 1_000 / uids))
  const loads: Load[] = []
  for (let uid = 0; uid < uids; uid++) {
    for (let endpoint = 0; endpoint < 2; endpoint++) {
      const pattern: Pattern = { kind: dice.pick(['lockstep', 'bursts']), size: Math.min(6, size), everyMs }
      loads.push(loadOf(dice, { ip: 'a', uid: `u${uid}`, endpoint: `e${endpoint}` }, pattern))
    }
  }
  return { limits, loads, ips: ['a'] }
}

function loadOf(dice: Dice, labels: Readonly<Record<string, string>>, pattern: Pattern): Load {
  return { labels: { exchange: 'x', ...labels }, pattern, priority: 0, cost: 1, retries: dice.pick([0, 0, 3]) }
}

function makePattern(dice: Dice, sources: number): Pattern {
  const perSecond = dice.scale(0.05, MOST_PER_SECOND) / sources
  const size = dice.whole(1, 12)
  switch (dice.whole(0, 4)) {
    case 0:
      return { kind: 'poisson', perSecond }
    case 1:
      return { kind: 'bursts', size, everyMs: (1_000 * size) / perSecond }
    case 2:
      return { kind: 'lockstep', size, everyMs: Math.ceil(size / perSecond) * 1_000 }
    default:
      return { kind: 'saturating', width: dice.whole(1, 25) }
  }
}
