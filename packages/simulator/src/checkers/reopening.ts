import { carries, faultsOf, keyOf, type Labels, reservedOf, type Scenario } from '../scenario/scenario.ts'
import type { KnownHold, RunLog } from '../world/log.ts'
import { withBursts } from '../world/server.ts'
import { awayUntil, Routes } from './away.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** "The clock's error + 1 s" (design, section 4), and as much again as a timer, a pause between attempts and a turn may take. */
const MARGIN_MS = 20_000
/** Above this share of a limit, whoever waits may be waiting for tokens. */
const BUSY = 0.5

/**
 * No ban is kept for longer than it was told: once it has run out by the latest reading that the documents allow, one of the
 * calls that wait for it goes. Who reads a server's time by another clock than the server's breaks this, or walks into the
 * ban.
 */
export const reopening: Checker = (scenario, log) => {
  const judgement = fresh()
  const tokenMs = 2 * Math.max(...scenario.limits.map(rule => rule.windowMs)) + scenario.lostCallMs
  const marginMs = MARGIN_MS + tokenMs + (scenario.giveUpMs ?? scenario.timeoutMs)
  for (const { labels, life, fromMs, untilMs } of lastOf(log.holds)) {
    const dueMs = awakeBy(scenario, fromMs, untilMs + marginMs)
    const endMs = Math.min(log.lives[life]?.diedAtMs ?? 0, log.epilogueAtMs)
    if (dueMs >= endMs || isDisturbed(scenario, labels, untilMs, dueMs)) continue
    const own = log.attempts.filter(({ call, labels: each }) => call.life === life && carries(each, labels))
    if (own.some(({ sentAtMs }) => sentAtMs > untilMs && sentAtMs <= dueMs)) continue
    const waits = log.calls.some(
      call =>
        call.life === life &&
        carries((scenario.loads[call.load] as Scenario['loads'][number]).labels, labels) &&
        idleFrom(call, untilMs) <= untilMs &&
        (call.attempts.find(({ sentAtMs }) => sentAtMs > untilMs)?.sentAtMs ?? settledAtMs(call, endMs)) > dueMs,
    )
    if (!waits) continue
    if (isBusy(scenario, log, labels, untilMs, dueMs)) {
      excuse(judgement, 'busy after a ban')
      continue
    }
    const seconds = Math.round((dueMs - untilMs) / 1_000)
    const what = `nothing went for ${seconds} s after a ban over ${JSON.stringify(labels)} had run out, and a call waited`
    judgement.violations.push({ checker: 'reopening', what, atMs: dueMs })
  }
  return judgement
}

interface Span {
  readonly labels: Labels
  readonly life: number
  readonly fromMs: number
  untilMs: number
}

/** Holds by the server that no later one over the same labels prolongs, with their latest end. */
function lastOf(holds: readonly KnownHold[]): Span[] {
  const latest = new Map<string, Span[]>()
  for (const { labels, life, fromMs, latestMs, by } of [...holds].sort((a, b) => a.fromMs - b.fromMs)) {
    if (by !== 'server') continue
    const scope = `${life} ${JSON.stringify(labels)}`
    const known = latest.get(scope) ?? []
    latest.set(scope, known)
    const last = known.at(-1)
    if (last === undefined || last.untilMs < fromMs) known.push({ labels, life, fromMs, untilMs: latestMs })
    else last.untilMs = Math.max(last.untilMs, latestMs)
  }
  return [...latest.values()].flat()
}

/** A machine that sleeps sends nothing, and its clock may stand still besides. */
function awakeBy(scenario: Scenario, fromMs: number, dueMs: number): number {
  let atMs = dueMs
  for (const sleep of faultsOf(scenario, 'suspend').sort((a, b) => a.atMs - b.atMs))
    if (sleep.atMs < atMs && sleep.atMs + sleep.forMs > fromMs) atMs += sleep.forMs
  return atMs
}

/** Since when a call has been doing nothing but wait, as of an instant. */
function idleFrom(call: RunLog['calls'][number], atMs: number): number {
  const last = call.attempts.findLast(({ sentAtMs }) => sentAtMs <= atMs)
  if (last === undefined) return call.scheduledAtMs
  return Number.isNaN(last.endedAtMs) ? Number.POSITIVE_INFINITY : last.endedAtMs
}

function settledAtMs({ settledAtMs: atMs }: RunLog['calls'][number], endMs: number): number {
  return Number.isNaN(atMs) ? endMs : atMs
}

function namesOf(labels: Labels): string {
  return Object.keys(labels).sort().join()
}

/** What holds a call back as well: another hold, or no road. */
function isDisturbed(scenario: Scenario, labels: Labels, fromMs: number, toMs: number): boolean {
  const { ip } = labels
  return (
    faultsOf(scenario, 'user-hold', 'limit', 'own-limit').some(fault => fault.atMs < toMs) ||
    faultsOf(scenario, 'ban').some(fault => fault.atMs < toMs && namesOf(fault.labels) !== namesOf(labels)) ||
    faultsOf(scenario, 'blackout').some(
      fault =>
        fault.atMs < toMs &&
        fault.atMs + 2 * fault.forMs + scenario.lostCallMs > fromMs &&
        (ip === undefined || fault.ip === null || fault.ip === ip),
    )
  )
}

/** Whether a limit that others draw on as well was so full that one may have waited for it. */
function isBusy(scenario: Scenario, log: RunLog, labels: Labels, fromMs: number, toMs: number): boolean {
  const load = scenario.loads.find(each => carries(each.labels, labels))
  if (load === undefined) return true
  const routes = new Routes(log.attempts)
  return withBursts(scenario.limits).some(rule => {
    const key = keyOf(rule, load.labels)
    if (key === undefined) return false
    // What is kept for others is none of theirs who wait.
    const kept = Math.max(
      ...scenario.loads.filter(each => carries(each.labels, labels)).map(({ priority }) => reservedOf(rule, priority)),
    )
    const limit = Math.min(rule.limit, scenario.ownLimits?.[rule.name] ?? rule.limit) - kept
    const since = fromMs - rule.windowMs
    // A lost call keeps its token for long, after a silence for as long again, and another lane may be first to take what is left.
    const isLost = log.attempts.some(
      each =>
        each.outcome === 'lost' &&
        each.sentAtMs <= toMs &&
        keyOf(rule, each.labels) === key &&
        awayUntil(each, rule, scenario, routes) > since,
    )
    if (isLost) return true
    let used = 0
    for (const { sentAtMs, labels: each, cost } of log.attempts)
      if (sentAtMs > since && sentAtMs <= toMs && keyOf(rule, each) === key) used += cost
    return used > (BUSY * limit * (toMs - since)) / rule.windowMs
  })
}
