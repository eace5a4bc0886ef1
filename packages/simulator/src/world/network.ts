import { draw, drawNormal } from '../draw.ts'
import { type FaultOf, faultsOf, type Leg, type Scenario } from '../scenario/scenario.ts'
import type { RunLog } from './log.ts'

export interface Fate {
  /** When the request reaches the server; Infinity: never. */
  readonly arrivesAtMs: number
  /** How long its answer needs from there, as the crow flies; Infinity: it is lost. */
  readonly backMs: number
  /** When the connection breaks under it, from sending; Infinity: it holds. */
  readonly breaksAfterMs: number
  /** From when on a blackout holds it up; NaN: none does. It may then arrive long after it was given up. */
  readonly stuckFromMs: number
}

/** Idle connections stay open this long; beyond it a call opens a new one, which costs round trips of its own. */
const KEEP_ALIVE_MS = 5_000
const HANDSHAKES = 2
/** A log-normal tail has no end; a network has. */
const LONGEST_LEG_MS = 30_000

/** When the light comes back, all that was stuck arrives within this. */
const HEAL_MS = 5

const SALT = { there: 1, back: 2, lot: 3, late: 4, heal: 5 } as const

/** Where requests and answers are between client and server. */
export class Network {
  readonly #scenario: Scenario
  readonly #injected: RunLog['injected']
  readonly #changes: readonly FaultOf<'route-change'>[]
  readonly #blackouts: readonly FaultOf<'blackout'>[]
  readonly #accidents: readonly FaultOf<'lost-request' | 'lost-answer' | 'late-arrival' | 'broken'>[]
  /** When each idle connection of a route was last used. */
  readonly #idle = new Map<string, number[]>()

  constructor(scenario: Scenario, injected: RunLog['injected']) {
    this.#scenario = scenario
    this.#injected = injected
    this.#changes = faultsOf(scenario, 'route-change').sort((a, b) => a.atMs - b.atMs)
    this.#blackouts = faultsOf(scenario, 'blackout')
    this.#accidents = faultsOf(scenario, 'lost-request', 'lost-answer', 'late-arrival', 'broken')
  }

  /** @param attempt a number of its own for every attempt of every call */
  send(ip: string, attempt: number, nowMs: number): Fate {
    const { seed, giveUpMs, timeoutMs, lostCallMs } = this.#scenario
    const { there, back } = this.#legsOf(ip, nowMs)
    const handshakeMs = this.#connect(ip, nowMs) ? 0 : HANDSHAKES * (there.baseMs + back.baseMs)
    let arrivesAtMs = nowMs + handshakeMs + this.#legMs(there, attempt, SALT.there)
    let backMs = this.#legMs(back, attempt, SALT.back)
    let breaksAfterMs = Number.POSITIVE_INFINITY
    const accident = this.#accidentOf(attempt, nowMs)
    const luck = draw(seed, attempt, SALT.late)
    if (accident === 'lost-request') arrivesAtMs = Number.POSITIVE_INFINITY
    else if (accident === 'lost-answer') backMs = Number.POSITIVE_INFINITY
    else if (accident === 'late-arrival') {
      arrivesAtMs = nowMs + (giveUpMs ?? timeoutMs) + lostCallMs * (luck < 0.3 ? 0.99 : luck)
    } else if (accident === 'broken') {
      breaksAfterMs = 1 + 500 * luck
      // Before it left, on its way, or after it was counted; what is on its way may take its time.
      if (luck < 0.3) arrivesAtMs = Number.POSITIVE_INFINITY
      else if (luck < 0.6) arrivesAtMs = nowMs + breaksAfterMs + lostCallMs * 0.99 * draw(seed, attempt, SALT.heal)
      backMs = Number.POSITIVE_INFINITY
    }
    const passedMs = this.passes(ip, attempt, nowMs, arrivesAtMs)
    return {
      arrivesAtMs: passedMs,
      backMs,
      breaksAfterMs,
      stuckFromMs: passedMs === arrivesAtMs ? Number.NaN : this.#darkFrom(ip, nowMs, arrivesAtMs),
    }
  }

  /** A blackout holds up all that is under way; at its end everything arrives, nearly at once. */
  passes(ip: string, attempt: number, fromMs: number, atMs: number): number {
    let passedMs = atMs
    for (const { atMs: darkMs, forMs, ip: which } of this.#blackouts) {
      const lightMs = darkMs + forMs
      if ((which !== null && which !== ip) || fromMs >= lightMs || atMs <= darkMs || atMs === Number.POSITIVE_INFINITY)
        continue
      passedMs = Math.max(passedMs, lightMs + HEAL_MS * draw(this.#scenario.seed, attempt, SALT.heal))
    }
    return passedMs
  }

  #darkFrom(ip: string, fromMs: number, atMs: number): number {
    const held = this.#blackouts.filter(
      ({ atMs: darkMs, forMs, ip: which }) =>
        // One that was over before it was due held up nothing.
        (which === null || which === ip) && fromMs < darkMs + forMs && atMs > darkMs && atMs < darkMs + forMs + HEAL_MS,
    )
    return Math.min(...held.map(blackout => blackout.atMs))
  }

  /** The answer is in: its connection waits for the next call. */
  free(ip: string, nowMs: number): void {
    const idle = this.#idle.get(ip)
    if (idle === undefined) this.#idle.set(ip, [nowMs])
    else idle.push(nowMs)
  }

  forgetConnections(): void {
    this.#idle.clear()
  }

  /** @returns whether an open connection was there */
  #connect(ip: string, nowMs: number): boolean {
    const last = this.#idle.get(ip)?.pop()
    if (last === undefined) return false
    if (last >= nowMs - KEEP_ALIVE_MS) return true
    // The one used last is too old, so all are.
    this.#idle.delete(ip)
    return false
  }

  #legsOf(ip: string, nowMs: number): { there: Leg; back: Leg } {
    let legs: { there: Leg; back: Leg } | undefined = this.#scenario.routes.find(route => route.ip === ip)
    for (const change of this.#changes) if (change.ip === ip && change.atMs <= nowMs) legs = change
    if (legs === undefined) throw new Error(`no route ${ip}`)
    return legs
  }

  #legMs({ baseMs, medianMs, sigma }: Leg, attempt: number, salt: number): number {
    return Math.min(
      LONGEST_LEG_MS,
      baseMs + medianMs * Math.exp(sigma * drawNormal(this.#scenario.seed, attempt, salt)),
    )
  }

  #accidentOf(attempt: number, nowMs: number): string | undefined {
    let lot = draw(this.#scenario.seed, attempt, SALT.lot)
    for (const { kind, atMs, forMs, share } of this.#accidents) {
      if (nowMs < atMs || nowMs >= atMs + forMs) continue
      if (lot < share) {
        this.#injected.set(kind, (this.#injected.get(kind) ?? 0) + 1)
        return kind
      }
      lot -= share
    }
    return undefined
  }
}
