import {
  type Cap,
  carries,
  clientLimits,
  faultsOf,
  Keys,
  keyOf,
  type Labels,
  type Rule,
  reservedOf,
  type Scenario,
} from '../scenario/scenario.ts'
import type { Attempt, RunLog } from '../world/log.ts'
import { withBursts } from '../world/server.ts'
import { Away, awayUntil, latestTimerMs, Routes, slept } from './away.ts'
import { Headers } from './headers.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** How long a lane may wait though all its buckets have tokens, on top of what its timers are late. */
const PATIENCE_MS = 100

/**
 * Nobody waits without need: a lane that has all its tokens goes. What is away is told from the documents alone, at the
 * latest instant that they allow. Lanes that were refused, held or given another limit are left to the other checkers.
 */
export const waiting: Checker = (scenario, log) => {
  const judgement = fresh()
  // Each of several has a share, and waits for no more.
  if ((scenario.clients ?? 1) > 1) return judgement
  const bases = withBursts(clientLimits(scenario))
  const lateMs = latestTimerMs(scenario)
  const pollers = scenario.pollers ?? []
  const mostCost = Math.max(...scenario.loads.map(each => each.cost), ...pollers.map(each => each.cost))
  log.lives.forEach((life, index) => {
    const lastMs = Math.min(life.diedAtMs, log.epilogueAtMs)
    const disturbed = disturbedKeys(bases, log, index, scenario.memory === true)
    const attempts = log.attempts.filter(({ call }) => call.life === index)
    const routes = new Routes(attempts)
    const headers = new Headers(scenario, attempts, index)
    const byKey = grouped(attempts, new Keys(bases))
    const gates = new Map<string, Away>()
    const asleep = new Away(1)
    for (const { atMs, forMs } of faultsOf(scenario, 'suspend')) asleep.add(atMs, atMs + forMs, 1)
    const gateOf = (key: string, limit: number, ofKey: readonly Attempt[], until: (attempt: Attempt) => number) => {
      let away = gates.get(key)
      if (away !== undefined) return away
      away = new Away(limit)
      gates.set(key, away)
      for (const attempt of ofKey) away.add(attempt.sentAtMs, until(attempt), attempt.cost)
      return away
    }
    scenario.loads.forEach((load, number) => {
      const rules = bases.filter(rule => keyOf(rule, load.labels) !== undefined)
      // What is kept from it is there, and not for it.
      if (rules.some(rule => reservedOf(rule, load.priority) > 0)) return
      const endMs = Math.min(
        lastMs,
        firstErrorAtMs(scenario, attempts, load.labels),
        changedAtMs(scenario, log, rules, load.labels),
        addressBannedAtMs(log, index, load.labels),
        ...rules.map(rule => disturbed.get(keyOf(rule, load.labels) as string) ?? lastMs),
      )
      const gatesOf = (labels: Labels) =>
        [...bases, ...capsOf(scenario)].map(gate => keyOf(gate, labels)).filter(key => key !== undefined)
      const keys = gatesOf(load.labels)
      // Who waits for the same gates and the same number of tokens has nothing to keep a claim for.
      const others = [...scenario.loads, ...pollers].some((other, at) => {
        if (at === number) return false
        if (scenario.roams) return true
        const theirs = gatesOf(other.labels)
        if (!theirs.some(key => keys.includes(key))) return false
        return load.cost > 1 || other.cost > 1 || String(theirs) !== String(keys)
      })
      // An older lane may have a claim to one call's tokens.
      const spare = others ? mostCost : 0
      const mine = rules.map(rule => {
        const key = keyOf(rule, load.labels) as string
        return gateOf(key, rule.limit, byKey.get(key) ?? [], each => awayUntil(each, rule, scenario, routes))
      })
      for (const cap of capsOf(scenario)) {
        const key = keyOf(cap, load.labels)
        if (key !== undefined) mine.push(capOf(key, cap, attempts))
      }
      if (mine.some(gate => gate.limit < load.cost + spare)) return
      const longestMs = Math.max(...rules.map(rule => rule.windowMs))
      const coldMs = life.coldStart === 'full' ? 0 : 2 * longestMs + scenario.lostCallMs + 2_000
      const warmMs = slept(scenario, life.bornAtMs, life.bornAtMs + coldMs)
      const told = headers.of(load.labels)
      const patienceMs = PATIENCE_MS + 2 * lateMs + told.patienceMs
      for (const [fromMs, toMs] of waitsOf(log, number, index, endMs).flatMap(wait => told.cut(wait))) {
        const atMs = freeFor(mine, asleep, load.cost + spare, Math.max(fromMs, warmMs), toMs, patienceMs)
        if (atMs === undefined) continue
        // An older call may have a claim to what it cannot use before its other gates let it: at most for a window of the claimed one.
        const claimMs = 1.1 * longestMs + 1_000
        if (others && freeFor(mine, asleep, load.cost + spare, atMs, toMs, claimMs) === undefined) {
          excuse(judgement, 'idle behind a claim')
          continue
        }
        const but = told.patienceMs > 0 ? ', and longer than any header told' : ''
        const what = `load ${number} waited ${Math.round(toMs - fromMs)} ms though all its tokens were there${but}`
        judgement.violations.push({ checker: 'waiting', what, atMs })
        return
      }
    })
  })
  return judgement
}

/** Any call in flight may come to be an error, so that an error budget is a cap until one is. */
function capsOf({ caps, budgets = [] }: Scenario): readonly Cap[] {
  return budgets.length === 0
    ? caps
    : [...caps, ...budgets.map(({ name, limit, by }) => ({ name, limit: limit - 1, by }))]
}

/** When a budget of these labels heard of its first error: from then on it is left to another checker. */
function firstErrorAtMs({ budgets = [] }: Scenario, attempts: readonly Attempt[], labels: Labels): number {
  const keys = budgets.map(budget => keyOf(budget, labels))
  const error = attempts.find(
    each => !Number.isNaN(each.failedAtMs) && budgets.some((budget, at) => keyOf(budget, each.labels) === keys[at]),
  )
  return error?.sentAtMs ?? Number.POSITIVE_INFINITY
}

function grouped(attempts: readonly Attempt[], keys: Keys): Map<string, Attempt[]> {
  const groups = new Map<string, Attempt[]>()
  for (const attempt of attempts) {
    for (const key of keys.of(attempt.labels)) {
      if (key === undefined) continue
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [attempt])
      else group.push(attempt)
    }
  }
  return groups
}

function capOf(key: string, cap: Cap, attempts: readonly Attempt[]): Away {
  const away = new Away(cap.limit)
  for (const attempt of attempts) {
    if (keyOf(cap, attempt.labels) !== key) continue
    away.add(attempt.sentAtMs, Number.isNaN(attempt.endedAtMs) ? Number.POSITIVE_INFINITY : attempt.endedAtMs, 1)
  }
  return away
}

/** The first instant from which on all gates had tokens for longer than allowed. */
function freeFor(
  gates: readonly Away[],
  asleep: Away,
  cost: number,
  fromMs: number,
  toMs: number,
  patienceMs: number,
): number | undefined {
  let atMs = fromMs
  while (atMs + patienceMs < toMs) {
    let next = atMs
    for (const gate of gates) next = Math.max(next, gate.busyUntil(cost, next, next + patienceMs))
    next = Math.max(next, asleep.busyUntil(1, next, next + patienceMs))
    if (next === atMs) return atMs
    atMs = next
  }
  return undefined
}

/** Keys at which a life of the client was refused, and when first; or one before it that it remembers. */
function disturbedKeys(rules: readonly Rule[], log: RunLog, life: number, remembers: boolean): Map<string, number> {
  const keys = new Map<string, number>()
  for (const { verdict, labels, attempt, atMs } of log.arrivals) {
    if (verdict === 'accepted' || attempt === undefined) continue
    const { life: of } = attempt.call
    if (remembers ? of > life : of !== life) continue
    for (const rule of rules) {
      const key = keyOf(rule, labels)
      if (key !== undefined && !keys.has(key)) keys.set(key, atMs)
    }
  }
  return keys
}

/** A ban of a public call may be the address's, in words that tell no labels. */
function addressBannedAtMs({ arrivals }: RunLog, life: number, { ip }: Labels): number {
  const isPublic = (labels: Labels) => labels['uid'] === undefined
  const ban = arrivals.find(
    ({ verdict, labels, attempt }) =>
      verdict === 'banned' && attempt?.call.life === life && labels['ip'] === ip && isPublic(labels),
  )
  return ban?.atMs ?? Number.POSITIVE_INFINITY
}

/** When one of these limits was first set by hand, or these labels held. */
function changedAtMs(scenario: Scenario, log: RunLog, rules: readonly Rule[], labels: Labels): number {
  const names = new Set(rules.map(rule => rule.name.replace(/ burst$/, '')))
  const limits = faultsOf(scenario, 'limit', 'own-limit').filter(fault => names.has(fault.name))
  // Of a ban an account may hear through another one.
  const held = log.holds.filter(hold => carries(labels, hold.labels))
  return Math.min(...limits.map(({ atMs }) => atMs), ...held.map(({ fromMs }) => fromMs))
}

/** When the load had a call waiting and none of its calls went. */
function waitsOf(log: RunLog, load: number, life: number, endMs: number): [number, number][] {
  const events: { atMs: number; change: number; sent: boolean }[] = []
  for (const call of log.calls) {
    if (call.load !== load || call.life !== life || !(call.cameAtMs < endMs)) continue
    const sentAtMs = (call.coalesce === undefined ? call.attempts[0] : call.sharedBy)?.sentAtMs
    const left = sentAtMs ?? (Number.isNaN(call.settledAtMs) ? endMs : call.settledAtMs)
    events.push(
      { atMs: call.cameAtMs, change: 1, sent: false },
      { atMs: left, change: -1, sent: sentAtMs !== undefined },
    )
    for (const { again, sentAtMs: atMs } of call.attempts) {
      if (again === undefined || again.atMs >= endMs) continue
      events.push({ atMs: again.atMs, change: 1, sent: false }, { atMs, change: -1, sent: true })
    }
  }
  events.sort((a, b) => a.atMs - b.atMs || b.change - a.change)
  const waits: [number, number][] = []
  let many = 0
  let sinceMs = 0
  for (const { atMs, change, sent } of events) {
    if (many > 0 && (sent || many + change === 0) && atMs > sinceMs) waits.push([sinceMs, Math.min(atMs, endMs)])
    if (many === 0 || sent) sinceMs = atMs
    many += change
  }
  return waits
}
