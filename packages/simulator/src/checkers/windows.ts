import { carries, faultsOf, keyOf, type Rule, type Scenario } from '../scenario/scenario.ts'
import type { ArrivalLog, Attempt, RunLog } from '../world/log.ts'
import { withBursts } from '../world/server.ts'
import { Once } from './once.ts'
import { type Checker, excuse, fresh } from './violation.ts'
import { NOISE, WindowTally } from './window-tally.ts'

const FASTER = 'faster than ever seen'
/** For so long the way to the server is remembered by the server's clock (`limits/arrival.ts`). */
const LEAD_KEPT_MS = 100_000
/** Some quick answer gives a clock away that was set, no later than that. */
const UNSEEN_MS = 30_000

/** Two clocks of common quality drift apart by less (crystals: up to 100 ppm each). */
const MOST_PPM = 200

interface Window {
  readonly rule: Rule
  readonly key: string
  /** Counted, oldest first: all that can have to do with what comes now. */
  readonly counted: readonly ArrivalLog[]
  /** Tokens that these of them use now. */
  used(of: readonly ArrivalLog[]): number
}

/**
 * No window over its limit. Counts anew what the server counted; each call of ours that came when a window was full needs
 * an excuse that the documents give.
 */
export const windows: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'windows', what, atMs })
  let limits = scenario.limits
  let rules = withBursts(limits)
  const changes = faultsOf(scenario, 'limit')
    .map(fault => ({ ...fault, atMs: fault.atMs + (fault.first === 'server' ? 0 : fault.lagMs) }))
    .sort((a, b) => a.atMs - b.atMs)
  const tallies = new Map<string, WindowTally>()
  const excuses = new Excuses(scenario, log)
  const once = new Once()
  let change = 0
  for (const arrival of log.arrivals) {
    const { atMs, labels, cost, verdict, attempt } = arrival
    for (; change < changes.length && (changes[change]?.atMs as number) <= atMs; change++) {
      const { name, limit, atMs: changedAtMs } = changes[change] as (typeof changes)[number]
      limits = limits.map(rule => (rule.name === name ? { ...rule, limit } : rule))
      rules = withBursts(limits)
      for (const tally of tallies.values()) if (tally.name === name) tally.changes(limit, changedAtMs)
    }
    if (verdict === 'banned') continue
    const full: Window[] = []
    const touched: WindowTally[] = []
    for (const rule of rules) {
      const key = keyOf(rule, labels)
      if (key === undefined) continue
      let tally = tallies.get(key)
      if (tally === undefined) {
        tally = new WindowTally(rule, scenario.serverEpochMs ?? 0)
        tallies.set(key, tally)
      }
      const { windowMs } = rule
      tally.forget(atMs, windowMs)
      touched.push(tally)
      const own = tally
      const used = (of: readonly ArrivalLog[]) => own.used(of, atMs, windowMs)
      if (used(tally.counted) + cost > rule.limit + NOISE) full.push({ rule, key, counted: tally.counted, used })
    }
    if (full.length > 0 !== (verdict === 'refused')) say(`the server and the checker count differently`, atMs)
    if (verdict === 'accepted') for (const tally of touched) tally.counted.push(arrival)
    if (attempt === undefined || full.length === 0) continue
    for (const window of full) {
      const why = excuses.of(attempt, atMs, window)
      if (why === undefined) {
        const { key, rule, counted, used } = window
        const kind = rule.window === undefined ? '' : `, ${rule.window}`
        say(
          `${key}: ${+used(counted).toFixed(2)} of ${rule.limit} in ${rule.windowMs} ms${kind}, and one more came`,
          atMs,
        )
      } else {
        excuse(judgement, why)
        if (why === FASTER) {
          once.add(attempt, window.key, window.rule.limit, excuses.smallestSeen(window.rule, attempt), say)
        }
      }
    }
  }
  return judgement
}

export function sum(counted: readonly ArrivalLog[]): number {
  let total = 0
  for (const { cost } of counted) total += cost
  return total
}

/** What the documents excuse a call for that came when a window was full. */
export class Excuses {
  readonly #scenario: Scenario
  readonly #log: RunLog
  readonly #byIp = new Map<string, Attempt[]>()

  constructor(scenario: Scenario, log: RunLog) {
    this.#scenario = scenario
    this.#log = log
  }

  of(attempt: Attempt, atMs: number, window: Window): string | undefined {
    const { counted, rule, used } = window
    const ours = counted.filter(each => each.attempt !== undefined)
    // Where a window begins with a call, whose that is counts; else how many there are.
    const isBegun = rule.window === 'anchored'
    if (used(ours) + attempt.cost <= rule.limit || (isBegun && ours.length < counted.length)) return 'foreign'
    const own = ours.filter(each => !this.#isOfAnotherLife(each, attempt, atMs))
    const over = used(own) + attempt.cost - rule.limit
    if (over <= 0 || (isBegun && own.length < ours.length)) return 'of another life'
    if (this.#isLowered(rule, atMs, attempt)) return 'limit lowered without notice'
    if (this.#isLoweredInTheDark(rule, own, attempt)) return 'stuck since before a limit was lowered'
    if (over <= this.#probes(own, attempt, atMs, window)) return 'probe of a silent route'
    if (over <= this.#stuckElsewhere(own, attempt, atMs, window)) return 'stuck on a route while another answered'
    if (over <= this.#toldByAnotherClock(own)) return "the server's clock was set behind a slow answer"
    if (this.#isFaster(own, over, attempt, atMs, window)) return FASTER
    return this.#driftsTooMuch() ? 'told by a clock that drifts more than clocks do' : undefined
  }

  /** Whoever is told the time by a worse clock than clocks are gets the windows of that clock. */
  #driftsTooMuch(): boolean {
    const ppmOf = (faults: readonly { ppm: number }[]) => Math.max(0, ...faults.map(({ ppm }) => Math.abs(ppm)))
    const server = ppmOf(faultsOf(this.#scenario, 'server-clock'))
    return server > 0 && server + ppmOf(faultsOf(this.#scenario, 'drift')) > MOST_PPM
  }

  /** A `paced` start takes chances with what went before it; a `spent` one may rely on lost calls arriving within their time. */
  #isOfAnotherLife({ attempt: counted, atMs: countedAtMs }: ArrivalLog, attempt: Attempt, atMs: number): boolean {
    const [older, newer] = [counted?.call.life ?? 0, attempt.call.life].sort((x, y) => x - y) as [number, number]
    if (older === newer) return false
    const arrivedAtMs = older === attempt.call.life ? atMs : countedAtMs
    const late = arrivedAtMs > (this.#log.lives[older]?.diedAtMs as number) + this.#scenario.lostCallMs
    return late || this.#log.lives.slice(older + 1, newer + 1).some(({ coldStart }) => coldStart === 'paced')
  }

  /** The server knew of a lower limit before the client, or the client of a higher one before the server. */
  #isLowered(rule: Rule, atMs: number, attempt: Attempt): boolean {
    const name = rule.name.replace(/ burst$/, '')
    return faultsOf(this.#scenario, 'limit').some(fault => {
      if (fault.name !== name) return false
      const { giveUpMs, timeoutMs, lostCallMs } = this.#scenario
      const settledMs = rule.windowMs + lostCallMs + (giveUpMs ?? timeoutMs) + 30_000
      return atMs >= fault.atMs && attempt.sentAtMs < fault.atMs + fault.lagMs + settledMs && !this.#isOrderly(fault)
    })
  }

  /** What was sent under the higher limit, and was stuck, comes when the lower one holds. Nobody can call it back. */
  #isLoweredInTheDark(rule: Rule, own: readonly ArrivalLog[], attempt: Attempt): boolean {
    const name = rule.name.replace(/ burst$/, '')
    const calls = [...own.map(each => each.attempt as Attempt), attempt]
    return faultsOf(this.#scenario, 'limit', 'own-limit').some(fault => {
      const knownAtMs = fault.atMs + (fault.kind === 'limit' && fault.first === 'server' ? fault.lagMs : 0)
      const isOlder = ({ stuckFromMs, outcome, sentAtMs }: Attempt) =>
        !Number.isNaN(stuckFromMs) && outcome === 'lost' && sentAtMs < knownAtMs
      return fault.name === name && calls.some(isOlder)
    })
  }

  #isOrderly(fault: Extract<Scenario['faults'][number], { kind: 'limit' }>): boolean {
    const before = this.#scenario.limits.find(rule => rule.name === fault.name)?.limit ?? 0
    return fault.limit < before ? fault.first === 'client' && fault.lagMs >= 30_000 : fault.first === 'server'
  }

  /**
   * A silent route is probed by one call at a time, in the place of a lost one: as many may come too many when all that
   * was stuck arrives. A probe goes a lost call's time and a window after a call was given up, and before its route answers.
   * One that the server turned away is not counted, and yet its place goes to the next call when its answer is in.
   * @returns their tokens
   */
  #probes(own: readonly ArrivalLog[], attempt: Attempt, atMs: number, { rule, key }: Window): number {
    const calls = [...own.map(each => each.attempt as Attempt), attempt]
    const stuck = calls.filter(each => !Number.isNaN(each.stuckFromMs) && each.outcome === 'lost')
    if (stuck.length === 0) return 0
    for (const each of this.#attemptsOver(attempt.labels['ip'] as string)) {
      const isHeard = each.answeredAtMs > atMs - rule.windowMs && each.answeredAtMs < attempt.sentAtMs
      if (isHeard && each.verdict !== 'accepted' && keyOf(rule, each.labels) === key) calls.push(each)
    }
    const apartMs = (this.#scenario.lostCallMs + rule.windowMs) * 0.999
    let tokens = 0
    for (const { sentAtMs, cost } of calls) {
      const isProbe = stuck.some(
        ({ endedAtMs, labels }) =>
          sentAtMs >= endedAtMs + apartMs && !this.#hasAnswered(labels['ip'] as string, endedAtMs, sentAtMs),
      )
      if (isProbe) tokens += cost
    }
    return tokens
  }

  /**
   * Lost calls are waited for beyond their time only while the whole exchange is silent. One that was stuck on its own way
   * while the others answered is given up, and comes too many when that way heals. So is a probe that had taken another's
   * place, also where the server counted the other instead.
   * @returns their tokens
   */
  #stuckElsewhere(own: readonly ArrivalLog[], { labels, sentAtMs }: Attempt, atMs: number, window: Window): number {
    const { rule, key } = window
    const calls = own.map(each => each.attempt as Attempt)
    for (const each of this.#log.attempts) {
      if (each.sentAtMs >= sentAtMs) break
      const isIn = each.arrivedAtMs > atMs - rule.windowMs && each.arrivedAtMs < atMs
      if (isIn && each.verdict !== 'accepted' && keyOf(rule, each.labels) === key) calls.push(each)
    }
    let tokens = 0
    for (const lost of calls) {
      if (lost.outcome !== 'lost' || lost.arrivedAtMs <= lost.endedAtMs + this.#scenario.lostCallMs) continue
      const ip = lost.labels['ip'] as string
      const others = this.#scenario.routes.filter(route => route.ip !== ip)
      const isAlone = others.some(route => this.#hasAnswered(route.ip, lost.endedAtMs, sentAtMs))
      if (isAlone && labels['exchange'] === lost.labels['exchange']) tokens += lost.cost
    }
    return tokens
  }

  /**
   * Set back by less than a round trip takes, the server's clock tells of such a call that it was counted earlier: nothing
   * contradicts that.
   * @returns their tokens
   */
  #toldByAnotherClock(own: readonly ArrivalLog[]): number {
    const steps = faultsOf(this.#scenario, 'server-clock').filter(({ byMs }) => byMs < 0)
    let tokens = 0
    for (const { attempt, atMs, cost } of own) {
      if (attempt === undefined) continue
      const tripMs = attempt.answeredAtMs - attempt.sentAtMs
      if (steps.some(step => step.atMs <= atMs && attempt.sentAtMs < step.atMs + UNSEEN_MS && tripMs >= -step.byMs))
        tokens += cost
    }
    return tokens
  }

  #hasAnswered(ip: string, fromMs: number, toMs: number): boolean {
    return this.#attemptsOver(ip).some(({ answeredAtMs }) => answeredAtMs > fromMs && answeredAtMs < toMs)
  }

  /**
   * Some call needed less there, and the answer to an older one less back over the same route, than any round trip seen
   * before: nobody could know. The call that came too early may have been let in, and the next one pays.
   */
  #isFaster(own: readonly ArrivalLog[], over: number, attempt: Attempt, atMs: number, { rule }: Window): boolean {
    const calls = own.map(each => ({ attempt: each.attempt as Attempt, atMs: each.atMs, cost: each.cost }))
    calls.push({ attempt, atMs, cost: attempt.cost })
    const backMs = new Map<string, number>()
    const hear = ({ labels, answeredAtMs }: Attempt, arrivedAtMs: number) => {
      const ip = labels['ip'] as string
      const ms = answeredAtMs - arrivedAtMs
      if (ms >= 0) backMs.set(ip, Math.min(ms, backMs.get(ip) ?? Number.POSITIVE_INFINITY))
    }
    for (const each of calls.slice(0, -1)) hear(each.attempt, each.atMs)
    // Where those that were counted were given up, a refusal was all that was heard.
    for (const each of this.#attemptsOver(attempt.labels['ip'] as string)) {
      if (each.arrivedAtMs > atMs - rule.windowMs && each.arrivedAtMs < atMs && each.verdict !== 'accepted')
        hear(each, each.arrivedAtMs)
    }
    let early = 0
    // In a sliding window the first half of them only make room for the rest.
    const from = rule.window === undefined ? Math.max(0, calls.length / 2 - 1) : 0
    for (const { attempt: each, atMs: arrivedAtMs, cost } of calls.slice(from)) {
      if (this.#isSoonerThere(each, arrivedAtMs, calls[0]?.attempt.answeredAtMs ?? 0)) {
        early += cost
        continue
      }
      const seenMs = this.smallestSeen(rule, each)
      // Who has seen nothing has nothing to be misled by.
      if (
        seenMs < Number.POSITIVE_INFINITY &&
        arrivedAtMs - each.sentAtMs + (backMs.get(each.labels['ip'] as string) ?? Number.NaN) < seenMs
      )
        early += cost
    }
    return early >= over
  }

  /**
   * Where answers tell the server's time, a token is back when a request sent then cannot arrive too soon: by the way
   * there, of which clocks that drift let only the last minutes count, and none from before a clock was set or stood still.
   * That was decided when the older call was answered.
   */
  #isSoonerThere({ call, labels, sentAtMs }: Attempt, arrivedAtMs: number, knownAtMs: number): boolean {
    if (this.#scenario.kind !== 'http' && this.#scenario.tellsTime !== true) return false
    const parted = [
      ...faultsOf(this.#scenario, 'suspend').map(({ atMs, forMs }) => atMs + forMs),
      ...faultsOf(this.#scenario, 'server-clock').map(({ atMs }) => atMs),
    ]
    const fromMs = Math.max(sentAtMs - LEAD_KEPT_MS, ...parted.filter(atMs => atMs <= sentAtMs))
    const seen = this.#attemptsOver(labels['ip'] as string).filter(
      each =>
        each.call.life === call.life &&
        each.answeredAtMs <= knownAtMs &&
        each.answeredAtMs > fromMs &&
        !Number.isNaN(each.arrivedAtMs),
    )
    return seen.length > 0 && seen.every(each => arrivedAtMs - sentAtMs < each.arrivedAtMs - each.sentAtMs)
  }

  /** The shortest round trip before a call on the routes that its bucket draws on; Infinity: none. */
  smallestSeen(rule: Rule, { call, labels, sentAtMs: beforeMs }: Attempt): number {
    const wanted = Object.fromEntries(rule.by.map(name => [name, labels[name] ?? '']))
    const ips = new Set<string>()
    let busyUntilMs = Number.NEGATIVE_INFINITY
    for (const each of this.#log.attempts) {
      if (each.sentAtMs > beforeMs) break
      if (each.call.life !== call.life || !carries(each.labels, wanted)) continue
      // Who drew on a bucket that is whole again no longer matters. No token is back sooner than a window after its sending.
      if (each.sentAtMs >= busyUntilMs) ips.clear()
      ips.add(each.labels['ip'] as string)
      busyUntilMs = Math.max(busyUntilMs, each.sentAtMs + rule.windowMs)
    }
    return Math.min(...[...ips].map(ip => this.#smallestOf(ip, call.life, beforeMs)))
  }

  #smallestOf(ip: string, life: number, beforeMs: number): number {
    let smallestMs = Number.POSITIVE_INFINITY
    for (const { call, sentAtMs, answeredAtMs, succeeded } of this.#attemptsOver(ip)) {
      // Only successes teach: an edge server refuses in no time.
      if (call.life === life && succeeded && answeredAtMs < beforeMs)
        smallestMs = Math.min(smallestMs, answeredAtMs - sentAtMs)
    }
    return smallestMs
  }

  #attemptsOver(ip: string): readonly Attempt[] {
    let attempts = this.#byIp.get(ip)
    if (attempts === undefined) {
      attempts = this.#log.attempts.filter(each => each.labels['ip'] === ip)
      this.#byIp.set(ip, attempts)
    }
    return attempts
  }
}
