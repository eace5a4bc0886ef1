import { faultsOf, keyOf, type Labels, type Rule, type Scenario } from '../scenario/scenario.ts'
import type { Attempt } from '../world/log.ts'

/** A ceiling that headers told is good for so many windows; what others took is back within one. */
const WINDOWS = 2
/** Reset times come rounded. */
const ROUNDED_MS = 1_000
/** What makes a true header tell of calls that the client does not know as its own. */
const OTHERS = ['foreign', 'crash', 'limit'] as const

interface Patience {
  readonly patienceMs: number
  /** Parts of a wait in which none went of those that headers speak of. */
  cut(wait: readonly [number, number]): [number, number][]
}

const NONE: Patience = { patienceMs: 0, cut: ([fromMs, toMs]) => [[fromMs, toMs]] }

/**
 * What headers told one life of the client, and for how long who believes them may stand still. Numbers that can't be
 * those of the limit they name are nothing to wait for.
 */
export class Headers {
  readonly #rules: readonly Rule[]
  readonly #attempts: readonly Attempt[]
  readonly #told: ReadonlySet<string>

  constructor(scenario: Scenario, attempts: readonly Attempt[], life: number) {
    this.#rules = scenario.limits
    this.#attempts = attempts
    const hasOthers = life > 0 || faultsOf(scenario, ...OTHERS).length > 0
    const told = new Set<string>()
    for (const { usage, labels } of attempts) {
      if (usage === undefined || !usage.isBelievable || (usage.isTrue && !hasOthers)) continue
      const rule = scenario.limits.find(({ name }) => name === usage.name)
      const key = rule && keyOf(rule, labels)
      if (key !== undefined) told.add(key)
    }
    this.#told = told
  }

  of(labels: Labels): Patience {
    if (this.#told.size === 0) return NONE
    const rules = this.#rules.filter(rule => this.#told.has(keyOf(rule, labels) ?? ''))
    if (rules.length === 0) return NONE
    const keys = rules.map(rule => keyOf(rule, labels))
    const sent = this.#attempts
      .filter(each => rules.some((rule, at) => keyOf(rule, each.labels) === keys[at]))
      .map(({ sentAtMs }) => sentAtMs)
    return {
      patienceMs: WINDOWS * Math.max(...rules.map(({ windowMs }) => windowMs)) + ROUNDED_MS,
      cut([fromMs, toMs]) {
        const times = [fromMs, ...sent.filter(atMs => atMs > fromMs && atMs < toMs), toMs]
        return times.slice(1).map((atMs, at) => [times[at] as number, atMs])
      },
    }
  }
}
