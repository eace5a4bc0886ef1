import type { NaiveRoute } from './naive-route.ts'

/** One token that was taken. */
export interface NaiveToken {
  state: 'in flight' | 'answered' | 'back at' | 'silent'
  /** Answered: the last moment at which the server can have counted the call. Back at: when it is back. */
  atMs: number
  /** Silent: the route of the call, and when it is back if that proves to have been alive. */
  route?: NaiveRoute
  ifAliveAtMs?: number | undefined
}

export interface NaiveOptions {
  readonly tokens: number
  readonly windowMs: number
  readonly coldStart: 'paced' | 'full' | 'spent'
  readonly bornAtMs: number
  readonly lostCallMs: number
  readonly useFloor: boolean
}

/** Roundings of sums of fractions. */
const ROUNDING_MS = 1e-6

/** The token rule by the letter: a list of tokens, each looked at whenever somebody asks. */
export class NaiveBucket {
  tokens: number
  windowMs: number
  taken: NaiveToken[] = []
  /** Instants at which the tokens of a predecessor are back. */
  cold: number[] = []
  /** The routes that drew since all tokens were back. */
  drawn: NaiveRoute[] = []
  /** The limit as of the last halving, and the quiet time since. */
  halved: { limit: number; sinceMs: number; quietMs: number } | undefined
  readonly options: NaiveOptions
  #pacedFromMs: number | undefined

  constructor(options: NaiveOptions) {
    const { tokens, windowMs, coldStart, bornAtMs, lostCallMs } = options
    this.options = options
    this.tokens = tokens
    this.windowMs = windowMs
    if (coldStart === 'spent') this.cold = Array(tokens).fill(bornAtMs + windowMs + lostCallMs)
    if (coldStart === 'paced') this.#pace(bornAtMs)
  }

  /** Evenly over two windows, the first after `min(2·windowMs/limit, windowMs)`. */
  #pace(fromMs: number): void {
    this.#pacedFromMs = fromMs
    const stepMs = Math.min((2 * this.windowMs) / this.tokens, this.windowMs)
    this.cold = Array.from({ length: this.tokens }, (_, index) => fromMs + (index + 1) * stepMs)
  }

  delayMs(nowMs: number): number {
    const only = this.options.useFloor && this.drawn.length === 1 ? this.drawn[0] : undefined
    return this.windowMs + Math.max(1, this.windowMs * 200e-6) - (only === undefined ? 0 : only.floorMs(nowMs))
  }

  drawnBy(route: NaiveRoute, nowMs: number): void {
    this.settle(nowMs)
    if (this.taken.length === 0) this.drawn = [route]
    else if (!this.drawn.includes(route)) {
      for (const token of this.taken) if (token.state === 'answered') token.atMs += this.#lagMs
      this.drawn.push(route)
    }
  }

  /** What is true of requests by the only route alone. */
  get #lagMs(): number {
    return this.drawn.length === 1 ? (this.drawn[0] as NaiveRoute).mostLagMs : 0
  }

  /** What is surely back is forgotten: nothing that is learned later calls it away again. */
  settle(nowMs: number): void {
    this.taken = this.taken.filter(token => {
      if (token.state === 'back at') return token.atMs > nowMs
      if (token.state !== 'answered') return true
      return token.atMs + this.windowMs + Math.max(1, this.windowMs * 200e-6) + this.#lagMs > nowMs
    })
    if (this.#coldAway(nowMs) === 0) this.cold = []
    if (this.halved !== undefined && this.capacity(nowMs) >= this.tokens) this.halved = undefined
  }

  capacity(nowMs: number): number {
    const { halved, tokens } = this
    if (halved === undefined) return tokens
    let limit = halved.limit
    for (let atMs = halved.sinceMs + halved.quietMs; atMs <= nowMs + ROUNDING_MS && limit < tokens; ) {
      limit += tokens / 20
      atMs += halved.quietMs
    }
    return Math.floor(Math.min(limit, tokens) + ROUNDING_MS)
  }

  free(nowMs: number): number {
    this.settle(nowMs)
    return this.#freeAt(nowMs, nowMs)
  }

  /** The first of all instants at which anything comes back that has enough; failing that, the instant of a probe. */
  readyAtMs(cost: number, nowMs: number): number {
    if (cost === 0 || this.free(nowMs) >= cost) return nowMs
    const instants = [...this.taken.map(token => this.#backAtMs(token, nowMs)), ...this.cold]
    const returns = instants.filter(atMs => atMs > nowMs && atMs < Number.POSITIVE_INFINITY).sort((a, b) => a - b)
    const enough = returns.find(atMs => this.#freeAt(atMs, nowMs) >= cost)
    const allBackMs = Math.max(nowMs, ...returns)
    const readyAtMs = enough ?? Math.max(allBackMs, this.#probeAtMs(cost - this.#freeAt(allBackMs, nowMs)))
    return Math.max(nowMs, Math.min(readyAtMs, this.#stepAtMs(nowMs)))
  }

  take(cost: number, nowMs: number): NaiveToken[] {
    // A probe goes in the place of lost calls, those of the route first that was given up first.
    let missing = Math.min(cost, cost - this.free(nowMs))
    for (const route of this.#probeable()) {
      for (const lost of this.silentOn(route)) {
        if (missing-- > 0) this.taken.splice(this.taken.indexOf(lost), 1)
      }
    }
    const tokens = Array.from({ length: cost }, (): NaiveToken => ({ state: 'in flight', atMs: Number.NaN }))
    this.taken.push(...tokens)
    return tokens
  }

  unsend(tokens: readonly NaiveToken[]): void {
    this.taken = this.taken.filter(token => !tokens.includes(token))
  }

  setTokens(tokens: number, nowMs: number): void {
    const isCold = this.#coldAway(nowMs) > 0
    this.tokens = tokens
    if (!isCold) return
    if (this.#pacedFromMs === undefined) this.cold = Array(tokens).fill(this.cold[0])
    else this.#pace(this.#pacedFromMs)
  }

  /** @returns whether a predecessor explains it */
  refusedInColdStart(nowMs: number): boolean {
    if (this.#coldAway(nowMs) === 0) return false
    this.#pacedFromMs = undefined
    this.cold = Array(this.tokens).fill(nowMs + this.windowMs + this.options.lostCallMs)
    return true
  }

  halve(sentAtMs: number, nowMs: number): boolean {
    const { halved, tokens } = this
    if (halved === undefined) {
      const quietMs = Math.min(60_000, Math.max(1_000, this.windowMs))
      this.halved = { limit: Math.max(1, tokens / 2), sinceMs: nowMs, quietMs }
      return true
    }
    if (sentAtMs < halved.sinceMs) return false
    let limit = halved.limit
    for (let atMs = halved.sinceMs + halved.quietMs; atMs <= nowMs + ROUNDING_MS; atMs += halved.quietMs) {
      limit = Math.min(tokens, limit + tokens / 20)
    }
    const quietMs = Math.min(60_000, 2 * halved.quietMs)
    this.halved = { limit: Math.max(1, Math.min(tokens, limit) / 2), sinceMs: nowMs, quietMs }
    return true
  }

  get inFlight(): number {
    return this.taken.filter(token => token.state === 'in flight').length
  }

  silentOn(route: NaiveRoute): NaiveToken[] {
    return this.taken.filter(token => token.state === 'silent' && token.route === route)
  }

  /** Nothing would be lost if it were made anew. */
  isIdle(nowMs: number): boolean {
    this.settle(nowMs)
    return this.taken.length === 0 && this.cold.length === 0 && this.halved === undefined
  }

  #backAtMs(token: NaiveToken, nowMs: number): number {
    if (token.state === 'back at') return token.atMs
    return token.state === 'answered' ? token.atMs + this.delayMs(nowMs) : Number.POSITIVE_INFINITY
  }

  /** What will be free at an instant as far as is known now. */
  #freeAt(atMs: number, nowMs: number): number {
    const away = this.taken.filter(token => this.#backAtMs(token, nowMs) > atMs).length
    return this.capacity(nowMs) - away - this.#coldAway(atMs)
  }

  #coldAway(atMs: number): number {
    return this.cold.filter(backAtMs => backAtMs > atMs + ROUNDING_MS).length
  }

  #silentRoutes(): NaiveRoute[] {
    const routes = this.drawn.filter(route => this.silentOn(route).length > 0)
    return routes.sort((a, b) => a.lastGivenUpAtMs - b.lastGivenUpAtMs)
  }

  #probeable(): NaiveRoute[] {
    return this.#silentRoutes().filter(route => route.inFlight === 0)
  }

  #probeAtMs(missing: number): number {
    let lent = 0
    for (const route of this.#probeable()) {
      lent += this.silentOn(route).length
      if (lent >= missing) return route.lastGivenUpAtMs + this.options.lostCallMs + this.windowMs
    }
    return Number.POSITIVE_INFINITY
  }

  /** When a halved limit has its next whole token. */
  #stepAtMs(nowMs: number): number {
    const { halved } = this
    if (halved === undefined) return Number.POSITIVE_INFINITY
    const now = this.capacity(nowMs)
    let atMs = halved.sinceMs
    while (this.capacity(atMs) <= now) atMs += halved.quietMs
    return atMs
  }
}
