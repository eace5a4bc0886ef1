import type { ColdStart } from '@headgate/core'
import { NaiveBucket, type NaiveToken } from './naive-bucket.ts'
import { NaiveRoute } from './naive-route.ts'

export interface NaiveLimit {
  readonly name: string
  readonly limit: number
  /** 0: a cap on calls in flight. */
  readonly windowMs: number
  readonly by: readonly string[]
  readonly burst?: number | undefined
}

export interface NaiveSetup {
  readonly limits: readonly NaiveLimit[]
  readonly coldStart: ColdStart
  readonly lostCallMs: number
  readonly useFloor: boolean
}

export type Labels = Readonly<Record<string, string>>

/** A bucket (or its burst) or a cap, for one set of label values. */
export interface NaiveGate {
  readonly limit: NaiveLimit
  readonly isBurst: boolean
  bucket: NaiveBucket | undefined
  /** Of a cap. */
  inFlight: number
}

export interface NaiveCall {
  readonly labels: Labels
  readonly route: NaiveRoute
  readonly sentAtMs: number
  readonly took: { gate: NaiveGate; cost: number; tokens: NaiveToken[] }[]
  isWarm: boolean
  receivedAtMs: number | undefined
  refused: boolean
}

export type NaiveCost = number | Readonly<Record<string, number>>

/** What a ledger keeps, by the letter: every gate that was ever met, every route, and plain lists of tokens. */
export class NaiveLedger {
  nowMs = 0
  readonly setup: NaiveSetup
  readonly limits = new Map<string, number>()
  readonly gates = new Map<string, NaiveGate>()
  readonly routes = new Map<string, NaiveRoute>()
  /** Refusals that named no time and no labels, at what several accounts share. */
  readonly refusals: { gate: NaiveGate; uid: string; atMs: number }[] = []

  constructor(setup: NaiveSetup) {
    this.setup = setup
    for (const { name, limit } of setup.limits) this.limits.set(name, limit)
  }

  route(labels: Labels): NaiveRoute {
    const name = labels['ip'] ?? ''
    const route = this.routes.get(name) ?? new NaiveRoute(name)
    this.routes.set(name, route)
    return route
  }

  gatesOf(labels: Labels): NaiveGate[] {
    return this.setup.limits.flatMap(limit => {
      if (!limit.by.every(name => name in labels)) return []
      const kinds = limit.burst === undefined ? [false] : [false, true]
      return kinds.map(isBurst => {
        const key = `${limit.name} ${isBurst} ${limit.by.map(name => labels[name])}`
        const gate = this.gates.get(key) ?? { limit, isBurst, bucket: undefined, inFlight: 0 }
        this.gates.set(key, gate)
        if (gate.bucket === undefined && limit.windowMs > 0) this.renew(gate)
        return gate
      })
    })
  }

  /** As it would be if it were met for the first time. */
  renew(gate: NaiveGate): void {
    const { coldStart, lostCallMs, useFloor } = this.setup
    gate.bucket = new NaiveBucket({ ...this.#size(gate), bornAtMs: 0, coldStart, lostCallMs, useFloor })
  }

  costOf(gate: NaiveGate, cost: NaiveCost): number {
    if (gate.limit.windowMs === 0) return 1
    return typeof cost === 'number' ? cost : (cost[gate.limit.name] ?? 1)
  }

  tokensOf(gate: NaiveGate): number {
    return this.#size(gate).tokens
  }

  free(gate: NaiveGate): number {
    return gate.bucket?.free(this.nowMs) ?? this.tokensOf(gate) - gate.inFlight
  }

  readyAtMs(gate: NaiveGate, cost: number): number {
    if (gate.bucket !== undefined) return gate.bucket.readyAtMs(cost, this.nowMs)
    return this.free(gate) >= cost ? this.nowMs : Number.POSITIVE_INFINITY
  }

  /** A route that asks counts for the floor, whether its call goes or not. */
  asks(labels: Labels, cost: NaiveCost): void {
    for (const gate of this.gatesOf(labels)) {
      if (this.costOf(gate, cost) > 0) gate.bucket?.drawnBy(this.route(labels), this.nowMs)
    }
  }

  /** Only when every gate agrees. */
  charge(labels: Labels, cost: NaiveCost): NaiveCall {
    const route = this.route(labels)
    const took = this.gatesOf(labels).map(gate => {
      const tokens = gate.bucket?.take(this.costOf(gate, cost), this.nowMs) ?? []
      if (gate.bucket === undefined) gate.inFlight++
      return { gate, cost: this.costOf(gate, cost), tokens }
    })
    route.inFlight++
    const isWarm = this.nowMs - route.lastAnswerAtMs <= 2_000
    return { labels, route, sentAtMs: this.nowMs, took, isWarm, receivedAtMs: undefined, refused: false }
  }

  counted(call: NaiveCall, reusedConnection?: boolean): void {
    if (call.receivedAtMs !== undefined) return
    const { nowMs } = this
    const { route } = call
    call.receivedAtMs = nowMs
    call.isWarm = reusedConnection ?? call.isWarm
    route.inFlight--
    const earliestMs = call.sentAtMs + (this.setup.useFloor ? route.ceilingMs(nowMs) : 0)
    for (const token of call.took.flatMap(({ tokens }) => tokens)) {
      token.state = 'answered'
      token.atMs = Math.max(nowMs, earliestMs)
    }
    this.#heard(route)
  }

  settled(call: NaiveCall, outcome: 'answered' | 'failed' | 'lost' | 'unsent'): void {
    const { nowMs } = this
    const { route } = call
    if (outcome === 'answered' || outcome === 'failed') this.counted(call)
    for (const { gate } of call.took) if (gate.bucket === undefined) gate.inFlight--
    if (call.receivedAtMs !== undefined) {
      if (outcome !== 'answered' || call.refused) return
      route.samples.push({ roundTripMs: call.receivedAtMs - call.sentAtMs, isWarm: call.isWarm, atMs: nowMs })
      return
    }
    route.inFlight--
    if (outcome === 'unsent') for (const { gate, tokens } of call.took) gate.bucket?.unsend(tokens)
    else this.#lose(call)
  }

  /** Nobody knows what became of it until the route is heard of again. */
  #lose({ route, sentAtMs, took }: NaiveCall): void {
    const { nowMs } = this
    const { lostCallMs } = this.setup
    route.lastGivenUpAtMs = nowMs
    const heardSince = route.lastAnswerAtMs >= sentAtMs && route.lastAnswerAtMs >= nowMs - lostCallMs
    for (const { gate, tokens } of took) {
      if (tokens.length > 0) {
        route.silentSinceMs = Math.min(route.silentSinceMs, Math.max(sentAtMs, route.lastAnswerAtMs))
      }
      for (const token of tokens) {
        token.state = 'silent'
        token.route = route
        token.ifAliveAtMs = heardSince ? nowMs + lostCallMs + (gate.bucket as NaiveBucket).windowMs : undefined
      }
    }
  }

  /** What was stuck for so long may need as long again to arrive. */
  #heard(route: NaiveRoute): void {
    const { nowMs } = this
    const { lostCallMs } = this.setup
    const silenceMs = nowMs - route.silentSinceMs
    route.lastAnswerAtMs = nowMs
    route.silentSinceMs = Number.POSITIVE_INFINITY
    for (const { bucket } of this.gates.values()) {
      for (const token of bucket?.silentOn(route) ?? []) {
        const stuckMs = nowMs + Math.max(lostCallMs, silenceMs) + (bucket as NaiveBucket).windowMs
        token.state = 'back at'
        token.atMs = silenceMs <= lostCallMs ? (token.ifAliveAtMs ?? stuckMs) : stuckMs
      }
    }
  }

  /** @returns the gates that it halved */
  refused(call: NaiveCall, by: readonly string[] | undefined): NaiveGate[] {
    this.counted(call)
    call.refused = true
    call.route.doubt((call.receivedAtMs as number) - call.sentAtMs, this.nowMs)
    const buckets = call.took.map(({ gate }) => gate).filter(({ limit }) => limit.windowMs > 0)
    const most = Math.max(...buckets.map(({ limit }) => limit.by.length))
    const meant =
      by === undefined
        ? buckets.filter(({ limit }) => limit.by.length === most).slice(0, 1)
        : buckets.filter(({ limit }) => [...limit.by].sort().join() === [...by].sort().join())
    if (by === undefined) meant.push(...this.#suspects(call, meant, buckets))
    return meant.filter(({ bucket }) => {
      if (bucket?.refusedInColdStart(this.nowMs)) return false
      return bucket?.halve(call.sentAtMs, this.nowMs)
    })
  }

  /** The closest bucket that several accounts share, where another one was refused within its window. */
  #suspects(call: NaiveCall, meant: readonly NaiveGate[], buckets: readonly NaiveGate[]): NaiveGate[] {
    const { nowMs } = this
    const shared = buckets.filter(({ limit }) => !limit.by.includes('uid'))
    const most = Math.max(...shared.map(({ limit }) => limit.by.length))
    const gate = shared.find(({ limit }) => limit.by.length === most)
    const uid = call.labels['uid']
    if (gate === undefined || uid === undefined || meant.includes(gate)) return []
    const last = this.refusals.findLast(each => each.gate === gate)
    this.refusals.push({ gate, uid, atMs: nowMs })
    const isOther = last !== undefined && last.uid !== uid && nowMs - last.atMs <= (gate.bucket?.windowMs ?? 0)
    return isOther ? [gate] : []
  }

  setLimit(name: string, limit: number): void {
    this.limits.set(name, limit)
    for (const gate of this.gates.values()) {
      if (gate.limit.name !== name || gate.bucket === undefined) continue
      const { tokens, windowMs } = this.#size(gate)
      gate.bucket.windowMs = windowMs
      gate.bucket.setTokens(tokens, this.nowMs)
    }
  }

  #size({ limit, isBurst }: NaiveGate): { tokens: number; windowMs: number } {
    const tokens = this.limits.get(limit.name) as number
    if (!isBurst) return { tokens, windowMs: limit.windowMs }
    const burst = Math.min(limit.burst as number, tokens)
    return { tokens: burst, windowMs: (burst * limit.windowMs) / tokens }
  }
}
