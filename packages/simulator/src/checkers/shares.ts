import {
  carries,
  clientLimits,
  faultsOf,
  Keys,
  keyOf,
  type Pattern,
  type PollPlan,
  type Rule,
  reservedOf,
  type Scenario,
} from '../scenario/scenario.ts'
import type { PollLog, PollRun, RunLog } from '../world/log.ts'
import { withBursts } from '../world/server.ts'
import { latestTimerMs } from './away.ts'
import { inherited } from './inherited.ts'
import { isAgain } from './polls.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** "Pollers leave a bucket no faster than one per 0.9·windowMs/limit" (design, section 3). */
const FASTEST = 0.9
const ROUNDED_MS = 0.01
/** Only they go on where nothing is to disturb the shares. */
const QUIET: readonly string[] = ['wall-step', 'drift', 'timers']
/** Who gets less than this of what it asks for goes without some. */
const SATISFIED = 0.8
/** Of its time under way with its own call, who waits for itself is short of nothing else. */
const BUSY = 0.4
/** A place is kept for so many who wait for another limit. */
const KEPT = 2
/** Calls at the edges of the stretch, and one by which turns at one limit are uneven; with several limits two (poll's tests). */
const EDGE = 1
/** Whose timer is late now and then misses a turn. */
const LATE = 0.01
/** Places that nobody can keep, with several limits and few pollers, are not half of them. */
const ENOUGH = 0.5

/**
 * Pollers leave a limit one by one, and where it gives less than all of them want, nobody gets more than who goes without:
 * max-min fair by weight.
 */
export const shares: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'shares', what, atMs })
  if ((scenario.pollers ?? []).length === 0 || (scenario.clients ?? 1) > 1) return judgement
  const { again, elsewhere } = checkPace(scenario, log, say)
  if (again > 0) excuse(judgement, 'a poll again after a refusal, at its own time', again)
  if (elsewhere > 0) excuse(judgement, 'a poll beside one that had stood at a gate', elsewhere)
  checkEven(scenario, log, say)
  return judgement
}

type Say = (what: string, atMs: number) => void
type Run = PollRun & { readonly plan: PollPlan; readonly isAgain: boolean }

/** @returns what was excused */
function checkPace(scenario: Scenario, log: RunLog, say: Say): { again: number; elsewhere: number } {
  const excused = { again: 0, elsewhere: 0 }
  const changes = faultsOf(scenario, 'limit', 'own-limit')
  const rules = withBursts(clientLimits(scenario))
  // A place that is kept is not moved when a timer comes late for the one before it.
  const lateMs = latestTimerMs(scenario)
  const holds = [...log.holds, ...inherited(scenario, log)]
  const keys = new Keys([...rules, ...scenario.caps, ...(scenario.budgets ?? [])])
  for (let life = 0; life < log.lives.length; life++) {
    const byKey = new Map<string, Run[]>()
    for (const poll of log.polls) {
      if (poll.life !== life) continue
      const plan = scenario.pollers?.[poll.plan] as PollPlan
      for (const [at, run] of poll.runs.entries()) {
        const own = { ...run, plan, isAgain: isAgain(plan, poll.runs[at - 1], run) }
        if (own.isAgain) excused.again++
        for (const key of keys.of(plan.labels).slice(0, rules.length)) {
          if (key === undefined) continue
          const known = byKey.get(key)
          if (known === undefined) byKey.set(key, [own])
          else known.push(own)
        }
      }
    }
    for (const rule of rules) {
      const name = rule.name.replace(/ burst$/, '')
      const limits = changes.filter(change => change.name === name).map(({ limit }) => limit)
      const leastMs = (FASTEST * rule.windowMs) / Math.max(rule.limit, ...limits)
      for (const [key, runs] of byKey) {
        if (key.split('|')[0] !== rule.name) continue
        runs.sort((a, b) => a.attempt.order - b.attempt.order)
        const held = holds.filter(
          hold => hold.life === life && runs.some(({ plan }) => carries(plan.labels, hold.labels)),
        )
        const others = new Set(runs.flatMap(({ plan }) => keys.of(plan.labels).slice(0, rules.length)))
        const caps = new Set(runs.flatMap(({ plan }) => keys.of(plan.labels).slice(rules.length)))
        for (const set of [others, caps]) set.delete(undefined)
        others.delete(key)
        const priorities = new Set(runs.map(({ plan }) => plan.priority))
        const ways = new Set(held.map(hold => JSON.stringify(hold.labels)))
        const besides = KEPT * others.size + caps.size + priorities.size - 1 + ways.size
        // One place is kept ahead, also when the one before it has to wait; plain calls make it wait, at any of its gates.
        const isMixed = scenario.loads.some(({ labels, pattern }) => !isSilent(pattern) && keyOf(rule, labels) === key)
        const many = 1 + besides * (isMixed ? 2 : 1)
        excused.elsewhere += checkGate(key, runs, leastMs, many, lateMs, say)
      }
    }
  }
  return excused
}

/**
 * One after the other. But who has its place here and stands at another gate goes when that one lets it, beside the next:
 * two for each other limit, one for each cap. So does whoever comes with a higher priority to a gate where one stands.
 * @returns how many did
 */
function checkGate(
  key: string,
  runs: readonly Run[],
  leastMs: number,
  others: number,
  lateMs: number,
  say: Say,
): number {
  const mostCost = Math.max(...runs.map(({ plan }) => plan.cost))
  let nextMs = Number.NEGATIVE_INFINITY
  let elsewhere = 0
  for (const { startedClientMs, plan, isAgain: wasRefused, attempt } of runs) {
    if (wasRefused) continue
    const earlyMs = nextMs - startedClientMs
    if (earlyMs > ROUNDED_MS) elsewhere++
    if (earlyMs > others * mostCost * leastMs + lateMs + ROUNDED_MS) {
      say(
        `${key}: a poll left ${earlyMs.toFixed(1)} ms too early, where one goes each ${leastMs.toFixed(1)} ms`,
        attempt.sentAtMs,
      )
      return elsewhere
    }
    nextMs = Math.max(nextMs, startedClientMs) + leastMs * plan.cost
  }
  return elsewhere
}

function isSilent(pattern: Pattern): boolean {
  return pattern.kind === 'saturating' && pattern.width === 0
}

function checkEven(scenario: Scenario, log: RunLog, say: Say): void {
  const { pollers = [], loads, caps, faults, durationMs } = scenario
  const isQuiet =
    caps.length === 0 &&
    faults.every(({ kind }) => QUIET.includes(kind)) &&
    loads.every(({ pattern }) => isSilent(pattern)) &&
    pollers.every(({ coalesce }) => coalesce === undefined) &&
    log.arrivals.every(({ verdict }) => verdict === 'accepted')
  if (!isQuiet) return
  const rules = withBursts(clientLimits(scenario))
  const fromMs =
    Math.max(...pollers.map(plan => plan.fromMs)) +
    2 * Math.max(...rules.map(rule => rule.windowMs)) +
    scenario.lostCallMs
  const toMs = durationMs
  // Of unequal shares one is kept only by who is back for each place that may be its own; of equal ones there is time.
  const isEqual = new Set(pollers.map(({ weight, cost }) => weight / cost)).size === 1
  const all = log.polls
    .filter(poll => poll.endedAtMs >= toMs && poll.beganAtMs <= fromMs)
    // What is reserved from it may be more than it needs.
    .filter(poll => fits(pollers[poll.plan] as PollPlan, rules))
    .map(poll => countOf(poll, pollers[poll.plan] as PollPlan, rules, fromMs, toMs))
  const isRanked = new Set(pollers.map(plan => plan.priority)).size > 1
  for (const one of all) {
    const least = isRanked ? 0 : leastOf(one, all, rules, toMs - fromMs)
    if (one.calls < least) say(`a poller went ${one.calls} times, where ${least.toFixed(1)} were the least`, toMs)
    if (one.calls * one.plan.everyMs > SATISFIED * (toMs - fromMs) || one.busyMs > BUSY * (toMs - fromMs)) continue
    // What a higher priority leaves is given out by age, which asks for no weight.
    if (all.some(({ plan, keys }) => plan.priority > one.plan.priority && keys.some(key => one.keys.includes(key))))
      continue
    if (!isEqual && Math.max(one.plan.everyMs, one.longestMs) > FASTEST * one.spacingMs) continue
    for (const other of all) {
      if (other.plan.priority > one.plan.priority || !one.keys.every(key => other.keys.includes(key))) continue
      const edge = EDGE * Math.max(1, Math.max(one.keys.length, other.keys.length))
      const most = one.share * (1 + LATE) + edge * (one.step + other.step) + one.missed
      if (other.share <= most) continue
      say(
        `a poller got ${one.share.toFixed(1)} tokens for its weight and went without, where another got ${other.share.toFixed(1)}`,
        toMs,
      )
      return
    }
  }
}

function fits(plan: PollPlan, rules: readonly Rule[]): boolean {
  return rules.every(
    rule => keyOf(rule, plan.labels) === undefined || plan.cost <= rule.limit - reservedOf(rule, plan.priority),
  )
}

/** Half of what it asks for, or of its share of the limit that gives it least, however slow its calls are. */
function leastOf(
  { plan, keys, longestMs }: ReturnType<typeof countOf>,
  all: readonly ReturnType<typeof countOf>[],
  rules: readonly Rule[],
  forMs: number,
): number {
  const gapsMs = [plan.everyMs, longestMs]
  for (const rule of rules) {
    const key = keyOf(rule, plan.labels)
    if (key === undefined || !keys.includes(key)) continue
    const weights = all.filter(each => each.keys.includes(key)).reduce((sum, each) => sum + each.plan.weight, 0)
    const tokensPerMs = (rule.limit - reservedOf(rule, plan.priority)) / rule.windowMs
    gapsMs.push((plan.cost * weights) / (tokensPerMs * plan.weight))
  }
  return ENOUGH * (forMs / Math.max(...gapsMs) - EDGE) - EDGE
}

function countOf({ runs }: PollLog, plan: PollPlan, rules: readonly Rule[], fromMs: number, toMs: number) {
  const own = runs.filter(({ attempt }) => attempt.sentAtMs >= fromMs && attempt.sentAtMs < toMs)
  const calls = own.length
  const step = plan.cost / plan.weight
  const gapMs = (toMs - fromMs) / Math.max(1, calls)
  const durations = own.map(({ attempt, overAtMs }) => Math.min(overAtMs, toMs) - attempt.sentAtMs)
  return {
    plan,
    calls,
    step,
    share: calls * step,
    longestMs: Math.max(0, ...durations),
    spacingMs: Math.max(
      ...rules.filter(rule => keyOf(rule, plan.labels) !== undefined).map(({ windowMs, limit }) => windowMs / limit),
    ),
    busyMs: durations.reduce((sum, ms) => sum + ms, 0),
    // Turns that it was away for, with a call that took longer than from one turn to the next.
    missed: durations.reduce((sum, ms) => sum + Math.max(0, (ms / gapMs - 0.5) * step), 0),
    keys: rules.map(rule => keyOf(rule, plan.labels)).filter(key => key !== undefined),
  }
}
