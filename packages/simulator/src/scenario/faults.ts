import type { Dice } from '../draw.ts'
import { makeLeg } from './make.ts'
import type { Fault, FaultKind, Labels, Load, Route, Rule, Scenario } from './scenario.ts'

/** Only a client of the HTTP layer meets them: see `make-http.ts`. */
type HttpKind = 'lies' | 'server-clock' | 'own-limit' | 'key-wrong'
/** What the server says besides yes and no: see `make-told.ts`. */
type ToldKind = 'failing' | 'usage'
type Common = Exclude<FaultKind, HttpKind | ToldKind>

/** How likely a scenario has faults of a kind. Those after which refusals are unavoidable are rarer: they excuse. */
const LIKELY: Readonly<Record<Common, number>> = {
  'lost-request': 0.3,
  'lost-answer': 0.3,
  'late-arrival': 0.3,
  broken: 0.3,
  error: 0.15,
  unsent: 0.15,
  abort: 0.3,
  expiry: 0.25,
  blackout: 0.3,
  'route-change': 0.2,
  ban: 0.2,
  foreign: 0.1,
  limit: 0.15,
  'user-hold': 0.1,
  'wall-step': 0.4,
  drift: 0.5,
  suspend: 0.25,
  timers: 0.7,
  crash: 0.15,
}

const MOST_OF_A_KIND = 3

export function makeFaults(dice: Dice, scenario: Scenario): Fault[] {
  const faults: Fault[] = []
  for (const [kind, likely] of Object.entries(LIKELY) as [Common, number][]) {
    if (!dice.chance(likely)) continue
    const many = dice.whole(1, MOST_OF_A_KIND)
    for (let i = 0; i < many; i++) faults.push(makeFault(dice, scenario, kind))
  }
  // Client and server agree in the end: two changes of one limit that overtake each other would leave them apart for ever.
  const changed = new Set<string>()
  const isFirst = (fault: Fault) => fault.kind !== 'limit' || (!changed.has(fault.name) && changed.add(fault.name))
  return faults
    .filter(isFirst)
    .map(fault => untilEnd(fault, scenario.durationMs))
    .sort((a, b) => a.atMs - b.atMs)
}

/** Faults end with the run: what comes after it shows whether all still works. */
function untilEnd<T extends Fault>(fault: T, durationMs: number): T {
  return 'forMs' in fault ? { ...fault, forMs: Math.min(fault.forMs, durationMs - fault.atMs) } : fault
}

function makeFault(dice: Dice, scenario: Scenario, kind: Common): Fault {
  const { durationMs } = scenario
  const atMs = dice.between(0, durationMs)
  const load = dice.pick(scenario.loads)
  const rule = dice.pick(scenario.limits)
  const route = dice.pick(scenario.routes)
  switch (kind) {
    case 'lost-request':
    case 'lost-answer':
    case 'late-arrival':
    case 'broken':
    case 'error':
    case 'unsent':
      return { kind, atMs, forMs: dice.scale(1_000, durationMs), share: dice.scale(0.005, 0.5) }
    case 'abort':
    case 'expiry':
      return { kind, atMs, forMs: dice.scale(1_000, durationMs), share: dice.scale(0.02, 1) }
    case 'blackout':
      return { kind, atMs, forMs: dice.scale(500, 180_000), ip: dice.chance(0.5) ? null : route.ip }
    case 'route-change':
      return changedRoute(dice, route, atMs)
    case 'ban':
      return {
        kind,
        atMs,
        forMs: dice.scale(5_000, 300_000),
        labels: scopeOf(dice, load),
        tells: dice.pick(['truth', 'truth', 'mixed', 'nothing']),
      }
    case 'foreign': {
      const labels = labelsOf(rule, load)
      const share = dice.between(0.1, 0.8)
      return {
        kind,
        atMs,
        forMs: dice.scale(10_000, durationMs / 2),
        labels,
        perSecond: (share * rule.limit * 1_000) / rule.windowMs,
      }
    }
    case 'limit':
      return changedLimit(dice, scenario, rule, atMs)
    case 'user-hold': {
      const forMs = dice.scale(500, 60_000)
      return {
        kind,
        atMs,
        forMs,
        labels: scopeOf(dice, load),
        releaseAfterMs: dice.chance(0.3) ? dice.between(0, forMs) : null,
      }
    }
    case 'wall-step':
      return { kind, atMs, byMs: dice.between(-3_600_000, 3_600_000) }
    case 'drift':
      return { kind, atMs: dice.chance(0.5) ? 0 : atMs, ppm: dice.between(-200, 200) }
    case 'suspend':
      return { kind, atMs, forMs: dice.scale(200, 120_000), counted: dice.chance(0.5) }
    case 'timers':
      return {
        kind,
        atMs: dice.chance(0.7) ? 0 : atMs,
        forMs: durationMs,
        earlyMs: dice.between(0, 1),
        lateMs: dice.scale(0.1, 50),
        tickMs: dice.pick([0, 0, 1, 15.6]),
      }
    case 'crash':
      return { kind, atMs, downMs: dice.scale(10, 60_000), coldStart: dice.pick(['paced', 'spent']) }
  }
}

/** What a ban or a hold speaks of: an endpoint of an account, mostly. */
function scopeOf(dice: Dice, { labels }: Load): Labels {
  return pick(labels, dice.pick([['uid', 'endpoint'], ['uid', 'endpoint'], ['ip', 'endpoint'], ['ip']]))
}

function labelsOf(rule: Rule, { labels }: Load): Labels {
  return pick(labels, rule.by)
}

function pick(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(names.map(name => [name, labels[name] ?? '']))
}

function changedRoute(dice: Dice, { ip, there, back }: Route, atMs: number): Fault {
  if (dice.chance(0.3)) return { kind: 'route-change', atMs, ip, there: makeLeg(dice), back: makeLeg(dice) }
  const factor = dice.scale(0.2, 5)
  const scaled = (leg: Route['there']) => ({ ...leg, baseMs: Math.min(200, leg.baseMs * factor) })
  return { kind: 'route-change', atMs, ip, there: scaled(there), back: scaled(back) }
}

/** Orderly: what is under way when a limit falls is counted before the server knows of it. */
function changedLimit(dice: Dice, scenario: Scenario, rule: Rule, atMs: number): Fault {
  const limit = Math.max(1, Math.round(rule.limit * dice.scale(0.3, 2)))
  const { name, windowMs } = rule
  const isOrderly = dice.chance(0.7)
  const settledMs = windowMs + scenario.timeoutMs + scenario.lostCallMs + 30_000
  if (limit < rule.limit === isOrderly) {
    return { kind: 'limit', atMs, name, limit, first: 'client', lagMs: isOrderly ? settledMs : dice.between(0, 10_000) }
  }
  return { kind: 'limit', atMs, name, limit, first: 'server', lagMs: dice.between(0, 10_000) }
}
