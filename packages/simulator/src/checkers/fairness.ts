import { clientLimits, faultsOf, keyOf, type Rule, type Scenario } from '../scenario/scenario.ts'
import type { RunLog } from '../world/log.ts'
import { type Checker, fresh } from './violation.ts'

/** What treats equals unequally by itself: their calls are held, refused, turned away or sent again at different times. */
const PARTIAL = [
  'ban',
  'user-hold',
  'foreign',
  'limit',
  'own-limit',
  'abort',
  'expiry',
  'crash',
  'unsent',
  'usage',
] as const

/**
 * Equals under saturation get equal shares: as long as all of them wait, none has started over one call more than another.
 * Only where nothing but shared limits decides.
 */
export const fairness: Checker = (scenario, log) => {
  const judgement = fresh()
  if (!isFair(scenario)) return judgement
  const { fairBy = 'uid' } = scenario
  const uids = [...new Set(scenario.loads.map(load => load.labels[fairBy] as string))]
  const waiting = new Map<string, number>(uids.map(uid => [uid, 0]))
  const shares = new Map<string, number>(uids.map(uid => [uid, 0]))
  for (const { atMs, uid, kind } of eventsOf(scenario, log)) {
    waiting.set(uid, (waiting.get(uid) as number) + (kind === 'enters' ? 1 : -1))
    if (kind === 'starts') shares.set(uid, (shares.get(uid) as number) + 1)
    if (kind !== 'starts') continue
    const counts = [...shares.values()]
    const least = Math.min(...counts)
    const most = Math.max(...counts)
    if (most - least > 1 && [...waiting.values()].every(many => many > 0)) {
      judgement.violations.push({ checker: 'fairness', what: `equals got ${JSON.stringify([...shares])}`, atMs })
      return judgement
    }
    // Who has nothing to ask for has no claim to make up for it later.
    if ([...waiting.values()].some(many => many === 0)) for (const each of uids) shares.set(each, 0)
  }
  return judgement
}

function isFair(scenario: Scenario): boolean {
  const { loads, caps, budgets = [], pollers = [], fairBy = 'uid', clients = 1, overflow } = scenario
  const width = loads[0]?.pattern.kind === 'saturating' ? loads[0].pattern.width : 0
  return (
    clients === 1 &&
    // Who is turned away comes back behind all others.
    overflow === undefined &&
    caps.length + budgets.length + pollers.length === 0 &&
    new Set(loads.map(load => load.labels['ip'])).size === 1 &&
    new Set(loads.map(load => load.labels[fairBy])).size > 1 &&
    loads.every(load => load.labels[fairBy] !== undefined) &&
    loads.every(
      ({ pattern, priority, cost, shares }) =>
        shares === undefined &&
        pattern.kind === 'saturating' &&
        pattern.width === width &&
        width > 0 &&
        priority === 0 &&
        cost === 1,
    ) &&
    faultsOf(scenario, ...PARTIAL).length === 0 &&
    onlySharedBind(scenario)
  )
}

/** Whether every limit counts the calls of all loads together, or can't be met before one that does. */
function onlySharedBind(scenario: Scenario): boolean {
  const { loads, fairBy = 'uid' } = scenario
  const uids = new Set(loads.map(load => load.labels[fairBy])).size
  const rules = clientLimits(scenario).filter(rule => loads.some(load => keyOf(rule, load.labels) !== undefined))
  const isShared = (rule: Rule) => new Set(loads.map(load => keyOf(rule, load.labels) ?? load)).size === 1
  const shared = rules.filter(isShared)
  // What is given out fairly in a window, whole, and one call more.
  const mostOf = ({ limit }: Rule, by: readonly string[]) => (by.includes(fairBy) ? Math.ceil(limit / uids) + 1 : limit)
  return rules.every(
    rule =>
      isShared(rule) || shared.some(whole => whole.windowMs >= rule.windowMs && mostOf(whole, rule.by) <= rule.limit),
  )
}

interface Event {
  readonly atMs: number
  readonly order: number
  readonly uid: string
  readonly kind: 'enters' | 'starts' | 'leaves'
}

function eventsOf(scenario: Scenario, log: RunLog): Event[] {
  // From the first refusal on, calls go again at their own time. Lost ones gather at an account's own limit while probes go in
  // their place at the shared one, until it may be the account's own that binds.
  const { fairBy = 'uid' } = scenario
  const hasOwn = scenario.limits.some(rule => rule.by.includes(fairBy))
  const endMs = Math.min(
    log.epilogueAtMs,
    ...log.attempts.filter(({ outcome }) => hasOwn && outcome === 'lost').map(({ sentAtMs }) => sentAtMs),
    ...log.arrivals.filter(each => each.verdict !== 'accepted').map(each => each.attempt?.sentAtMs ?? each.atMs),
  )
  const events: Event[] = []
  for (const { load, cameAtMs, order, attempts, settledAtMs, settledOrder } of log.calls) {
    if (!(cameAtMs < endMs)) continue
    const uid = scenario.loads[load]?.labels[fairBy] as string
    events.push({ atMs: cameAtMs, order, uid, kind: 'enters' })
    const first = attempts[0]
    if (first === undefined) events.push({ atMs: settledAtMs, order: settledOrder, uid, kind: 'leaves' })
    for (const { again, sentAtMs, order: sentOrder } of attempts) {
      if (sentAtMs >= endMs) break
      // Refused, its call would be put back; from then on nothing is looked at.
      if (again !== undefined) events.push({ ...again, uid, kind: 'enters' })
      events.push({ atMs: sentAtMs, order: sentOrder, uid, kind: 'starts' })
    }
  }
  return events.sort((a, b) => a.order - b.order)
}
