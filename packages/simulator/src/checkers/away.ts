import { faultsOf, type Rule, type Scenario } from '../scenario/scenario.ts'
import type { Attempt } from '../world/log.ts'

/** Two clocks that are both right, and the guard on top: a share of the window, and a few milliseconds. */
export const DRIFT = 1e-3
export const GUARD_MS = 5

/** Tokens away over time, at one gate. */
export class Away {
  readonly limit: number
  readonly #changes: { atMs: number; by: number }[] = []
  #times: number[] | undefined
  #used: number[] = []

  constructor(limit: number) {
    this.limit = limit
  }

  add(fromMs: number, toMs: number, cost: number): void {
    this.#changes.push({ atMs: fromMs, by: cost }, { atMs: toMs, by: -cost })
  }

  /** `fromMs` when there is room for `cost` all the time; else an instant after which it may be worth while to look again. */
  busyUntil(cost: number, fromMs: number, toMs: number): number {
    const times = this.#lay()
    let low = 0
    let high = times.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((times[middle] as number) <= fromMs) low = middle + 1
      else high = middle
    }
    let busyMs = fromMs
    for (let i = Math.max(0, low - 1); i < times.length && (times[i] as number) < toMs; i++) {
      if ((this.#used[i] as number) + cost <= this.limit) continue
      busyMs = times[i + 1] ?? Number.POSITIVE_INFINITY
    }
    return busyMs
  }

  #lay(): number[] {
    if (this.#times !== undefined) return this.#times
    this.#changes.sort((a, b) => a.atMs - b.atMs)
    this.#times = []
    let used = 0
    for (const { atMs, by } of this.#changes) {
      used += by
      if (this.#times.at(-1) === atMs) this.#used[this.#used.length - 1] = used
      else {
        this.#times.push(atMs)
        this.#used.push(used)
      }
    }
    return this.#times
  }
}

/** When each route answered. */
export class Routes {
  readonly #answers = new Map<string, number[]>()
  readonly #sent = new Map<string, number[]>()
  readonly #lost = new Map<string, Attempt[]>()
  readonly #trips = new Map<string, number[]>()
  /** Each round trip over a warm connection that was shorter than all before it, and when it was known. */
  readonly #records = new Map<string, { atMs: number; tripMs: number }[]>()

  constructor(attempts: readonly Attempt[]) {
    for (const attempt of attempts) {
      const { labels, sentAtMs, answeredAtMs, outcome } = attempt
      const ip = labels['ip'] as string
      add(this.#sent, ip, sentAtMs)
      if (outcome === 'lost') add(this.#lost, ip, attempt)
      if (Number.isNaN(answeredAtMs)) continue
      add(this.#answers, ip, answeredAtMs)
      add(this.#trips, ip, answeredAtMs - sentAtMs)
    }
    for (const [ip, times] of this.#answers) this.#records.set(ip, recordsOf(attempts, ip, times.toSorted(ascending)))
    for (const times of [...this.#answers.values(), ...this.#trips.values()]) times.sort(ascending)
  }

  /** Since when a route can have been silent: since its last answer where a lost call was under way, else since the next call. */
  silentSince(ip: string, atMs: number, latestMs: number): number {
    const lost = this.#lost.get(ip) ?? []
    if (lost.some(({ sentAtMs, endedAtMs }) => sentAtMs <= atMs && endedAtMs > atMs)) return atMs
    const sent = this.#sent.get(ip) ?? []
    return Math.min(latestMs, sent[firstFrom(sent, atMs)] ?? latestMs)
  }

  /** Nine of ten round trips are shorter; of few, all. Who has seen few knows no better than the shortest of them. */
  usualMs(ip: string, atMs: number): number {
    const trips = this.#trips.get(ip) ?? []
    const usualMs = trips[trips.length < 200 ? trips.length - 1 : Math.floor(trips.length * 0.9)] ?? 0
    const known = this.#records.get(ip)?.findLast(record => record.atMs <= atMs)
    return Math.max(usualMs, 0.9 * (known?.tripMs ?? 0))
  }

  /** The last answer before an instant. */
  before(ip: string, atMs: number): number {
    const answers = this.#answers.get(ip) ?? []
    return answers[firstFrom(answers, atMs) - 1] ?? Number.NEGATIVE_INFINITY
  }

  /** The first answer after it: one at the same instant, as at the end of a sleep, may have been heard before. */
  after(ip: string, atMs: number): number {
    const answers = this.#answers.get(ip) ?? []
    let at = firstFrom(answers, atMs)
    while (answers[at] === atMs) at++
    return answers[at] ?? Number.POSITIVE_INFINITY
  }
}

const ascending = (a: number, b: number) => a - b

/** A connection is warm when the call went within 2 s after an answer (design, section 2). */
const WARM_MS = 2_000

function recordsOf(attempts: readonly Attempt[], ip: string, answers: readonly number[]) {
  const records: { atMs: number; tripMs: number }[] = []
  const answered = attempts
    .filter(({ labels, succeeded, answeredAtMs }) => succeeded && labels['ip'] === ip && !Number.isNaN(answeredAtMs))
    .sort((a, b) => a.answeredAtMs - b.answeredAtMs)
  for (const { sentAtMs, answeredAtMs } of answered) {
    const beforeMs = answers[firstFrom(answers, sentAtMs) - 1] ?? Number.NEGATIVE_INFINITY
    const tripMs = answeredAtMs - sentAtMs
    if (sentAtMs - beforeMs > WARM_MS || tripMs >= (records.at(-1)?.tripMs ?? Number.POSITIVE_INFINITY)) continue
    records.push({ atMs: answeredAtMs, tripMs })
  }
  return records
}

/** The place of the first of ascending times that is not before. */
function firstFrom(times: readonly number[], atMs: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] as number) < atMs) low = middle + 1
    else high = middle
  }
  return low
}

function add<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [item])
  else list.push(item)
}

/** The latest instant at which the documents let a call's token come back. */
export function awayUntil(attempt: Attempt, rule: Rule, scenario: Scenario, routes: Routes): number {
  const windowMs = rule.windowMs * (1 + DRIFT) + GUARD_MS
  const { sentAtMs, endedAtMs, outcome, labels } = attempt
  if (outcome === 'unsent') return sentAtMs
  if (outcome === 'answered') {
    // A quick answer proves no quick request: a token is never back before nine tenths of a usual round trip have gone by.
    // Asleep while it was under way, the client saw no more of the trip than its clock did.
    const usualAtMs = slept(scenario, sentAtMs, sentAtMs + routes.usualMs(labels['ip'] as string, sentAtMs))
    const countedAtMs = Math.max(endedAtMs, usualAtMs)
    return slept(scenario, endedAtMs, countedAtMs + windowMs)
  }
  if (outcome !== 'lost') return Number.POSITIVE_INFINITY
  // A lost call's waits for the route's next answer, and for as long again as the route was silent before it.
  const afterMs = routes.after(labels['ip'] as string, endedAtMs)
  const beforeMs = routes.before(labels['ip'] as string, sentAtMs)
  const silenceMs = afterMs - routes.silentSince(labels['ip'] as string, beforeMs, sentAtMs)
  const knownMs = afterMs + Math.max(scenario.lostCallMs, silenceMs) * (1 + DRIFT) + windowMs
  // No answer of it tells how far back it was counted; a counter that decays is not told later that a second route has no floor.
  const floorMs = rule.window === 'decay' ? routes.usualMs(labels['ip'] as string, endedAtMs) : 0
  return slept(scenario, endedAtMs, knownMs + floorMs)
}

/** How late a timer may come, at the most. */
export function latestTimerMs(scenario: Scenario): number {
  return Math.max(0, ...faultsOf(scenario, 'timers').map(fault => fault.lateMs + 2 * fault.tickMs))
}

/** A clock that stands still while its machine sleeps puts everything off. */
export function slept(scenario: Scenario, fromMs: number, untilMs: number): number {
  let atMs = untilMs
  for (const fault of faultsOf(scenario, 'suspend')) {
    if (!fault.counted && fault.atMs < atMs && fault.atMs + fault.forMs > fromMs) atMs += fault.forMs
  }
  return atMs
}
