import { draw } from '../draw.ts'
import {
  type Budget,
  carries,
  type FaultOf,
  faultsOf,
  Keys,
  keyOf,
  type Labels,
  type Rule,
  type Scenario,
} from '../scenario/scenario.ts'
import { type Counter, counterOf, Sliding } from './counters.ts'
import type { ArrivalLog, Attempt } from './log.ts'

export interface Verdict {
  readonly verdict: 'accepted' | 'refused' | 'banned'
  /** What a ban's words say, in the server's milliseconds; NaN: no time. */
  readonly toldUntilMs: number
  /** What a ban speaks of. */
  readonly by: readonly string[] | undefined
}

/** What is used of a limit, as the server would tell it in headers. */
export interface UsageCount {
  readonly limit: number
  readonly used: number
  /** Until the next token comes free. */
  readonly resetMs: number
}

/** How many refusals within how long become a ban, and how long that is (facts: about 5 minutes; the number is a guess). */
const BAN_AFTER = 20
const BAN_WINDOW_MS = 10_000
const BAN_MS = 300_000

/** Counts at arrival, by the letter of its rules, and refuses what is over. Knows nothing of the client. */
export class Server {
  readonly arrivals: ArrivalLog[]
  readonly #seed: number
  #limits: readonly Rule[]
  #rules: Rule[]
  #keys: Keys
  readonly #counters = new Map<string, Counter>()
  readonly #epochMs: number
  readonly #bans: { labels: Labels; fromMs: number; untilMs: number; tells: FaultOf<'ban'>['tells'] }[]
  readonly #refusals = new Map<string, number[]>()
  readonly #budgets: readonly Budget[]
  readonly #errors = new Map<string, number[]>()

  constructor(scenario: Scenario, arrivals: ArrivalLog[]) {
    this.arrivals = arrivals
    this.#seed = scenario.seed
    this.#epochMs = scenario.serverEpochMs ?? 0
    this.#limits = scenario.limits
    this.#rules = withBursts(this.#limits)
    this.#keys = new Keys(this.#rules)
    this.#budgets = scenario.budgets ?? []
    this.#bans = faultsOf(scenario, 'ban').map(({ atMs, forMs, labels, tells }) => ({
      labels,
      fromMs: atMs,
      untilMs: atMs + forMs,
      tells,
    }))
  }

  setLimit(name: string, limit: number, atMs: number): void {
    for (const before of this.#rules) {
      if (before.name.replace(/ burst$/, '') !== name) continue
      for (const [key, counter] of this.#counters) if (key.split('|')[0] === before.name) counter.changes(before, atMs)
    }
    this.#limits = this.#limits.map(rule => (rule.name === name ? { ...rule, limit } : rule))
    this.#rules = withBursts(this.#limits)
    // Below its burst, a limit is one rule and not two.
    this.#keys = new Keys(this.#rules)
  }

  arrive(labels: Labels, cost: number, atMs: number, attempt: Attempt | undefined): Verdict {
    const verdict = this.#judge(labels, cost, atMs, attempt)
    this.arrivals.push({ atMs, labels, cost, verdict: verdict.verdict, attempt })
    return verdict
  }

  /** An answer is an error: too many of them in a window are a ban. */
  failed(labels: Labels, code: string, atMs: number): void {
    for (const budget of this.#budgets) {
      const { limit, windowMs, banMs, by, count } = budget
      const key = keyOf(budget, labels)
      if (key === undefined) continue
      const counted = `${key}|${count === 'apart' ? code : ''}`
      const errors = (this.#errors.get(counted) ?? []).filter(each => each > atMs - windowMs)
      errors.push(atMs)
      this.#errors.set(counted, errors)
      if (errors.length <= limit) continue
      this.#errors.delete(counted)
      const banned = Object.fromEntries(by.map(name => [name, labels[name] ?? '']))
      this.#bans.push({ labels: banned, fromMs: atMs, untilMs: atMs + banMs, tells: 'truth' })
    }
  }

  /** Undefined where the limit does not apply, or is no sliding one, or nothing was ever counted. */
  usage(name: string, labels: Labels, atMs: number): UsageCount | undefined {
    const index = this.#rules.findIndex(rule => rule.name === name)
    const rule = this.#rules[index]
    const counter = this.#counters.get(this.#keys.of(labels)[index] ?? '')
    if (rule === undefined || !(counter instanceof Sliding)) return undefined
    return { limit: rule.limit, used: counter.used(rule, atMs), resetMs: counter.resetAtMs(rule, atMs) - atMs }
  }

  #judge(labels: Labels, cost: number, atMs: number, attempt: Attempt | undefined): Verdict {
    if (attempt !== undefined) {
      for (const ban of this.#bans) {
        if (atMs < ban.fromMs || atMs >= ban.untilMs || !carries(labels, ban.labels)) continue
        return { verdict: 'banned', toldUntilMs: this.#told(ban, attempt, atMs), by: Object.keys(ban.labels) }
      }
    }
    const touched: [Counter, Rule][] = []
    let isOver = false
    const keys = this.#keys.of(labels)
    for (const [index, rule] of this.#rules.entries()) {
      const key = keys[index]
      if (key === undefined) continue
      let counter = this.#counters.get(key)
      if (counter === undefined) {
        counter = counterOf(rule, this.#epochMs)
        this.#counters.set(key, counter)
      }
      if (counter.isOver(rule, cost, atMs)) isOver = true
      touched.push([counter, rule])
    }
    if (!isOver) {
      for (const [counter, rule] of touched) counter.count(rule, cost, atMs)
      return { verdict: 'accepted', toldUntilMs: Number.NaN, by: undefined }
    }
    if (attempt !== undefined) this.#refuse(labels, atMs)
    return { verdict: 'refused', toldUntilMs: Number.NaN, by: undefined }
  }

  #told(ban: { untilMs: number; tells: FaultOf<'ban'>['tells'] }, attempt: Attempt, atMs: number): number {
    if (ban.tells === 'nothing') return Number.NaN
    if (ban.tells === 'truth') return ban.untilMs
    return atMs + (ban.untilMs - atMs) * (0.3 + 0.7 * draw(this.#seed, 0xba, attempt.call.id))
  }

  /** Those who go on are banned at that endpoint. */
  #refuse(labels: Labels, atMs: number): void {
    const { uid = '', endpoint = '' } = labels
    const key = `${uid}|${endpoint}`
    const refusals = this.#refusals.get(key) ?? []
    this.#refusals.set(key, refusals)
    refusals.push(atMs)
    while ((refusals[0] as number) <= atMs - BAN_WINDOW_MS) refusals.shift()
    if (refusals.length < BAN_AFTER) return
    refusals.length = 0
    this.#bans.push({ labels: { uid, endpoint }, fromMs: atMs, untilMs: atMs + BAN_MS, tells: 'truth' })
  }
}

/** A limit with a burst is two: the burst keeps its own window. */
export function withBursts(rules: readonly Rule[]): Rule[] {
  return rules.flatMap(rule => {
    const { burst, ...whole } = rule
    if (burst === undefined || burst >= rule.limit) return [whole]
    const windowMs = (burst * rule.windowMs) / rule.limit
    // Whatever the window of the whole.
    const { window: _, ...sliding } = whole
    return [whole, { ...sliding, name: `${rule.name} burst`, limit: burst, windowMs }]
  })
}
