import type {
  Decision,
  Decisions,
  Gate,
  GateState,
  Head,
  Ledger,
  LedgerSession,
  LedgerSetup,
  Outcome,
  Passage,
  SpentBudget,
  Ticket,
} from '../ports/ledger.ts'
import type { Lasting } from '../ports/memory.ts'
import type { Refusal, Seen, Usage } from '../request.ts'
import type { Bucket } from './bucket.ts'
import { costAt } from './costs.ts'
import { Curbs, isCountedBy } from './curbs.ts'
import type { Spent } from './error-budget.ts'
import { holdState, stateOf } from './gate-state.ts'
import { Gates, type MemoryPassage } from './gates.ts'
import { Halving, mostSpecific } from './halving.ts'
import type { Hold } from './hold.ts'
import { HoldPasses } from './hold-passes.ts'
import { Holds } from './holds.ts'
import { pick } from './keys.ts'
import type { Labels } from './limit.ts'
import { Returns } from './returns.ts'
import type { MemoryGate } from './shelf.ts'
import { SleepWatch } from './sleep-watch.ts'
import { MemoryTicket } from './ticket.ts'

const NOTHING_SEEN: Seen = Object.freeze({})

/** So rarely that it costs a call nothing to speak of; keys that nobody uses any more go all the same. */
const DECISIONS_PER_LOOK = 8

/** The ledger of one process: buckets, caps and holds in memory. Answers at once. */
export function memoryLedger(): Ledger {
  return { open: setup => new MemoryLedger(setup) }
}

class MemoryLedger implements LedgerSession {
  readonly #setup: LedgerSetup
  readonly #gates: Gates
  readonly #curbs = new Curbs()
  readonly #holds = new Holds()
  readonly #holdPasses: HoldPasses
  readonly #returns: Returns
  readonly #halving: Halving
  /** Undefined: however long a clock stands still, no limit lets more through for it. */
  readonly #sleep: SleepWatch | undefined
  #decisions = 0

  constructor(setup: LedgerSetup) {
    this.#setup = setup
    this.#gates = new Gates(setup, this.#curbs)
    this.#holdPasses = new HoldPasses(setup, this.#holds)
    this.#returns = new Returns(setup)
    this.#halving = new Halving(setup)
    const isUnsafe = setup.limits.some(limit => limit.kind === 'token-bucket' && limit.window === 'anchored')
    this.#sleep = isUnsafe ? new SleepWatch(setup.epochMs, setup.nowMs()) : undefined
  }

  resolve(labels: Labels): Passage {
    return this.#gates.resolve(labels)
  }

  retain(passage: Passage): void {
    this.#fresh(passage as MemoryPassage)
    for (const gate of (passage as MemoryPassage).gates) gate.lanes++
  }

  release(passage: Passage): void {
    for (const gate of (passage as MemoryPassage).gates) gate.lanes--
  }

  decide(heads: readonly Head[], nowMs: number): Decisions {
    this.#heedSleep(nowMs)
    const [first] = heads
    const isOne = first !== undefined && heads.length === 1
    const decisions = isOne ? [this.#decideOne(first, nowMs)] : heads.map(head => this.#decideOne(head, nowMs))
    if (++this.#decisions % DECISIONS_PER_LOOK === 0) this.#gates.dropSomeIdle(nowMs)
    this.#gates.tellRecovered()
    return decisions
  }

  readyAtMs(gate: Gate, tokens: number, nowMs: number): number {
    return gate.kind === 'hold' ? (gate as Hold).readyAtMs(nowMs) : (gate as MemoryGate).readyAtMs(tokens, nowMs)
  }

  costOf(gate: Gate, head: Head): number {
    const passage = head.passage as MemoryPassage
    const index = passage.gates.indexOf(gate as MemoryGate)
    return index < 0 ? 1 : costAt(passage, index, head.cost)
  }

  reservedOf(gate: Gate, head: Head, nowMs: number): number {
    return gate.kind === 'bucket' ? (gate as Bucket).reserved(head.priority ?? 0, nowMs) : 0
  }

  sizeOf(gate: Gate, head?: Head): number {
    if (gate.kind === 'hold') return Number.POSITIVE_INFINITY
    return head === undefined ? (gate as MemoryGate).tokens : sizeFor(gate as MemoryGate, head)
  }

  earliestMs(head: Head, nowMs: number): number {
    const passage = this.#fresh(head.passage as MemoryPassage)
    let earliestMs = nowMs
    passage.gates.forEach((gate, index) => {
      const cost = costAt(passage, index, head.cost)
      if (cost > 0) earliestMs = Math.max(earliestMs, gate.earliestMs(cost + this.reservedOf(gate, head, nowMs), nowMs))
    })
    for (const hold of this.#holds.matching(passage.labels)) {
      const readyAtMs = hold.readyAtMs(nowMs)
      if (readyAtMs !== Number.POSITIVE_INFINITY) earliestMs = Math.max(earliestMs, readyAtMs)
    }
    return earliestMs
  }

  neverFits(head: Head): Gate | undefined {
    const passage = this.#fresh(head.passage as MemoryPassage)
    const { gates } = passage
    for (let i = 0; i < gates.length; i++) {
      const gate = gates[i] as MemoryGate
      if (costAt(passage, i, head.cost) > sizeFor(gate, head)) return gate
    }
    return undefined
  }

  spent(head: Head, nowMs: number): SpentBudget | undefined {
    for (const budget of this.#fresh(head.passage as MemoryPassage).budgets) {
      const spent = budget.spent(nowMs)
      if (spent !== undefined) return { limit: budget.name, errorCode: spent.code, untilMs: spent.untilMs }
    }
    return undefined
  }

  counted(given: Ticket, nowMs: number, seen: Seen): void {
    const ticket = given as MemoryTicket
    if (ticket.settled) return
    this.#heedSleep(nowMs)
    if (!ticket.isCounted) this.#returns.received(ticket, nowMs, seen.reusedConnection)
    if (seen.serverTimeMs !== undefined && this.#setup.useFloor) this.#returns.told(ticket, seen.serverTimeMs)
  }

  refused(given: Ticket, nowMs: number, refusal: Refusal): void {
    const ticket = given as MemoryTicket
    if (ticket.settled) return
    const { labels } = ticket.passage
    const names = (refusal.by ?? mostSpecific(ticket.gates)?.by ?? []).filter(name => Object.hasOwn(labels, name))
    if (refusal.by !== undefined && names.length < refusal.by.length) {
      throw new TypeError(
        `refused: option "by": expected names of labels the request carries (${Object.keys(labels).join(', ')}), got ${refusal.by.join(', ')}`,
      )
    }
    this.counted(ticket, nowMs, NOTHING_SEEN)
    ticket.refused = true
    ticket.passage.route.floor.doubt(ticket.receivedAtMs - ticket.sentAtMs, nowMs)
    let hold: Hold | undefined
    if (refusal.holdMs !== undefined) {
      hold = this.#close(pick(names, labels), refusal.holdMs, refusal.reason ?? 'refused', nowMs)
      // Before anybody hears of it: whoever does may be the one who kills the process.
      this.#setup.lastingChanged('at once')
    }
    this.#setup.emit({
      type: 'refused',
      labels,
      ...(refusal.holdMs !== undefined && { holdMs: refusal.holdMs }),
      ...(refusal.reason !== undefined && { reason: refusal.reason }),
    })
    if (hold !== undefined) this.#held(hold, refusal.holdMs as number, refusal.reason ?? 'refused')
    else this.#halving.refused(ticket, refusal.by === undefined ? undefined : names, nowMs)
  }

  failed(given: Ticket, nowMs: number, code: string): void {
    const ticket = given as MemoryTicket
    if (ticket.settled) return
    this.counted(ticket, nowMs, {})
    for (const gate of ticket.gates) {
      if (gate.kind !== 'budget') continue
      if (!ticket.hasFailed) gate.inFlight--
      if (gate.failed(code, nowMs)) {
        const { code: errorCode, untilMs } = gate.spent(nowMs) as Spent
        const labels = pick(gate.by, ticket.passage.labels)
        this.#setup.emit({ type: 'budget-spent', labels, limit: gate.name, errorCode, forMs: untilMs - nowMs })
        this.#setup.spent(gate)
      }
      this.#setup.changed(gate)
    }
    ticket.hasFailed = true
  }

  usage(given: Ticket, nowMs: number, seen: Usage): void {
    const ticket = given as MemoryTicket
    if (ticket.settled) return
    this.counted(ticket, nowMs, {})
    const gate = ticket.gates.find(({ kind, name }) => kind === 'bucket' && name === seen.limit)
    if (gate?.kind !== 'bucket') {
      const names = ticket.gates.filter(({ kind }) => kind === 'bucket').map(({ name }) => `"${name}"`)
      throw new TypeError(
        `usage: option "limit": expected the name of a token bucket of this call (${names.join(', ')}), got "${seen.limit}"`,
      )
    }
    if (gate.told(seen, ticket.sentAtMs, nowMs)) this.#setup.changed(gate)
  }

  settled(given: Ticket, nowMs: number, outcome: Outcome): void {
    const ticket = given as MemoryTicket
    if (ticket.settled) return
    if (outcome === 'answered' || outcome === 'failed') this.counted(ticket, nowMs, NOTHING_SEEN)
    ticket.settled = true
    const { route } = ticket.passage
    if (ticket.isCounted) {
      if (outcome === 'answered' && !ticket.refused) {
        route.floor.learn(ticket.receivedAtMs - ticket.sentAtMs, ticket.warm, nowMs)
        this.#returns.proved(ticket)
      }
    } else {
      route.inFlight--
      if (outcome === 'lost') this.#returns.lost(ticket, nowMs)
    }
    const { gates, costs } = ticket
    for (let i = 0; i < gates.length; i++) {
      const gate = gates[i] as MemoryGate
      if (gate.kind === 'bucket') gate.lanes--
      if (gate.kind === 'cap') gate.inFlight--
      else if (gate.kind === 'budget') gate.inFlight -= ticket.hasFailed ? 0 : 1
      else if (outcome === 'unsent' && !ticket.isCounted) gate.giveBack(costs[i] as number)
      else continue
      this.#setup.changed(gate)
    }
    // A silent route lets a probe through once nothing is under way on it.
    if (route.inFlight === 0 && route.isSilenced)
      for (const bucket of route.silentBuckets()) this.#setup.changed(bucket)
    this.#holdPasses.left(ticket, nowMs, outcome)
  }

  hold(labels: Labels, forMs: number, reason: string, nowMs: number): void {
    const hold = this.#close(labels, forMs, reason, nowMs)
    this.#setup.lastingChanged()
    this.#held(hold, forMs, reason)
  }

  releaseHolds(labels: Labels, _nowMs: number): void {
    const wasHalved = this.#curbs.release(labels)
    const hold = this.#holds.take(labels)
    hold?.release()
    if (wasHalved || hold !== undefined) this.#setup.lastingChanged()
    if (wasHalved) for (const bucket of this.#curbed(labels)) this.#setup.changed(bucket)
    if (hold === undefined) return
    this.#setup.emit({ type: 'released', labels: hold.labels, reason: hold.reason })
    this.#setup.changed(hold)
  }

  setLimit(name: string, limit: number, nowMs: number): void {
    for (const gate of this.#gates.setLimit(name, limit, nowMs)) this.#setup.changed(gate)
  }

  halve(labels: Labels, forMs: number, reason: string, nowMs: number): void {
    this.#curbs.halve({ labels, reason, untilMs: nowMs + forMs }, nowMs)
    this.#setup.lastingChanged()
    for (const bucket of this.#curbed(labels)) {
      const tokens = Math.max(1, Math.floor(bucket.tokens / 2))
      this.#setup.emit({ type: 'halved', labels: bucket.labels, limit: bucket.name, tokens })
    }
  }

  lasting(nowMs: number): Lasting {
    return {
      holds: [...this.#holds.all()].map(({ labels, reason, untilMs }) => ({ labels, reason, untilMs })),
      reductions: this.#curbs.reductions(this.#gates.buckets(), nowMs),
      halvings: this.#curbs.halvings(nowMs),
    }
  }

  restore({ holds, reductions, halvings }: Lasting, nowMs: number): void {
    for (const { labels, reason, untilMs } of holds) {
      const hold = this.#holds.over(labels, reason, nowMs)
      hold.restore(untilMs, nowMs)
      this.#setup.emit({ type: 'held', labels: hold.labels, forMs: Math.max(0, hold.untilMs - nowMs), reason })
    }
    for (const reduction of reductions) this.#curbs.inherit(reduction)
    for (const halving of halvings) this.#curbs.halve(halving, nowMs)
  }

  explain(head: Head, nowMs: number): readonly GateState[] {
    const passage = this.#fresh(head.passage as MemoryPassage)
    return [
      ...passage.gates.map((gate, index) => {
        const cost = costAt(passage, index, head.cost)
        return stateOf(gate, cost, nowMs, cost === 0 ? 0 : this.reservedOf(gate, head, nowMs))
      }),
      ...this.#holds.matching(passage.labels).map(hold => holdState(hold, nowMs)),
    ]
  }

  gates(nowMs: number): readonly GateState[] {
    return [...this.#gates.all()]
      .map(gate => stateOf(gate, 1, nowMs))
      .concat([...this.#holds.all()].map(hold => holdState(hold, nowMs)))
  }

  #heedSleep(nowMs: number): void {
    if (this.#sleep?.hasSlept(nowMs)) for (const bucket of this.#gates.buckets()) bucket.slept()
  }

  #close(labels: Labels, forMs: number, reason: string, nowMs: number): Hold {
    const hold = this.#holds.over(labels, reason, nowMs)
    hold.close(forMs, reason, nowMs)
    return hold
  }

  #held(hold: Hold, forMs: number, reason: string): void {
    this.#setup.emit({ type: 'held', labels: hold.labels, forMs, reason })
    this.#setup.changed(hold)
  }

  /** The buckets counted by these labels, halved as they now shall be. */
  #curbed(labels: Labels): readonly Bucket[] {
    const buckets = [...this.#gates.buckets()].filter(bucket => isCountedBy(bucket, labels))
    for (const bucket of buckets) this.#curbs.apply(bucket)
    return buckets
  }

  #decideOne(head: Head, nowMs: number): Decision {
    const passage = this.#fresh(head.passage as MemoryPassage)
    const { gates } = passage
    let worst: Gate | undefined
    let worstMs = nowMs
    for (let i = 0; i < gates.length; i++) {
      const gate = gates[i] as MemoryGate
      const cost = costAt(passage, i, head.cost)
      if (cost === 0) continue
      // Before judging: this route's floor counts for the token that its own call takes.
      if (gate.kind === 'bucket') gate.drawnBy(passage.route, nowMs)
      const needed = cost + this.reservedOf(gate, head, nowMs)
      if (gate.free(nowMs) >= needed) continue
      const readyAtMs = gate.readyAtMs(needed, nowMs)
      if (readyAtMs > worstMs) {
        worst = gate
        worstMs = readyAtMs
      }
    }
    const holds = this.#holds.matching(passage.labels)
    for (const hold of holds) {
      const readyAtMs = hold.readyAtMs(nowMs)
      if (readyAtMs > worstMs) {
        worst = hold
        worstMs = readyAtMs
      }
    }
    if (worst !== undefined) return { gate: worst, readyAtMs: worstMs }
    return this.#charge(head, passage, holds, nowMs)
  }

  #charge(head: Head, passage: MemoryPassage, holds: readonly Hold[], nowMs: number): Ticket {
    const { gates, route } = passage
    const costs =
      head.cost === undefined ? passage.usualCosts : gates.map((_, index) => costAt(passage, index, head.cost))
    for (let i = 0; i < gates.length; i++) {
      const gate = gates[i] as MemoryGate
      const cost = costs[i] as number
      if (gate.kind !== 'bucket') {
        gate.inFlight++
        continue
      }
      // Until it settles the call refers to it, also where it takes nothing or its tokens are back: its refusal may halve it.
      gate.lanes++
      if (cost > 0) gate.take(cost, nowMs, this.reservedOf(gate, head, nowMs))
    }
    const ticket = new MemoryTicket(passage, costs, nowMs, route.isWarm(nowMs))
    route.inFlight++
    if (holds.length > 0) this.#holdPasses.passed(ticket, holds)
    return ticket
  }

  /** Gates that were dropped for being idle are looked up again: one key never has two buckets. */
  #fresh(passage: MemoryPassage): MemoryPassage {
    if (passage.route.dropped) this.#gates.refresh(passage)
    for (const gate of passage.gates) {
      if (!gate.dropped) continue
      this.#gates.refresh(passage)
      break
    }
    return passage
  }
}

function sizeFor(gate: MemoryGate, head: Head): number {
  return gate.kind === 'bucket' ? gate.sizeFor(head.priority ?? 0) : gate.tokens
}
