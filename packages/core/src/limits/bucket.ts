import type { ColdStart, Gate } from '../ports/ledger.ts'
import type { Usage } from '../request.ts'
import { ColdTokens } from './cold-start.ts'
import { guardMs } from './guard.ts'
import type { Labels, TokenBucketLimit } from './limit.ts'
import { Reduction } from './reduction.ts'
import { type Reserve, reservedOf } from './reserve.ts'
import type { Route } from './route.ts'
import { TimeRing } from './time-ring.ts'
import { HeaderNews } from './usage.ts'
import { type WindowKind, windowKindOf } from './window-kind.ts'

/** Longer than any call runs: a route that has not drawn for so long and two windows has no token away. */
const FORGET_ROUTE_MS = 600_000

interface Draw {
  readonly route: Route
  atMs: number
}

const NONE: readonly Draw[] = Object.freeze([])

export interface BucketOptions {
  readonly limit: TokenBucketLimit
  readonly key: string
  /** Any labels that lead here. */
  readonly labels: Labels
  /** Tokens per window. */
  readonly tokens: number
  readonly windowMs: number
  readonly coldStart: ColdStart
  /** From when the cold start counts. */
  readonly bornAtMs: number
  readonly lostCallMs: number
  /** It keeps the limit's burst, not the limit itself. */
  readonly isBurst?: boolean
  /** Whether round trips may shorten the wait. */
  readonly useFloor: boolean
  /** Is told when the bucket is found to have its whole limit again. */
  readonly recovered?: (bucket: Bucket) => void
}

/**
 * One limit for one set of label values. A token is away from the moment it is taken until one window after the last
 * moment at which the server can have counted the call: `receivedAt − floor + windowMs + guard`.
 */
export class Bucket implements Gate {
  readonly kind = 'bucket'
  readonly limit: TokenBucketLimit
  readonly key: string
  readonly labels: Labels
  readonly isBurst: boolean
  windowMs: number
  /** Tokens per window, as documented or set. */
  tokens: number
  /** Tokens of calls that were sent and neither answered nor given up. */
  inFlight = 0
  /** Tokens of calls lost while their route was silent: nothing says yet when they come back. */
  silent = 0
  /** How many lanes, and calls that have not settled, refer to it: such a bucket is never dropped. */
  lanes = 0
  dropped = false
  reduction: Reduction | undefined
  /** Until then no more than half of it may be used. */
  halvedUntilMs = Number.NEGATIVE_INFINITY
  readonly #recovered: ((bucket: Bucket) => void) | undefined
  readonly #useFloor: boolean
  readonly #lostCallMs: number
  #routes: readonly Draw[] = NONE
  readonly #window: WindowKind
  /** When the answers were in, or what the kind of window makes of it, ascending; those before `#away` were free at the last look. */
  readonly #answers = new TimeRing()
  #away = 0
  /** Tokens that come back at a known instant: lost calls. */
  #known: TimeRing | undefined
  #news: HeaderNews | undefined
  /** Answers are kept for so much longer once headers are read: they speak of a window before now. */
  #keepMs = 0
  #coldTokens: ColdTokens | undefined

  constructor(options: BucketOptions) {
    this.limit = options.limit
    this.key = options.key
    this.labels = options.labels
    this.isBurst = options.isBurst ?? false
    this.tokens = options.tokens
    this.windowMs = options.windowMs
    this.#recovered = options.recovered
    this.#useFloor = options.useFloor
    this.#lostCallMs = options.lostCallMs
    this.#window = windowKindOf(options.limit, this.isBurst, options.windowMs, options.tokens)
    const { coldStart, tokens, windowMs, bornAtMs, lostCallMs } = options
    if (coldStart !== 'full') this.#coldTokens = ColdTokens.of(coldStart, tokens, windowMs, bornAtMs, lostCallMs)
  }

  get name(): string {
    return this.limit.name
  }

  get by(): readonly string[] {
    return this.limit.by
  }

  /** A smaller burst of the server's spreads calls out; what is kept of the limit itself goes through it in its turn. */
  get reserve(): readonly Reserve[] | undefined {
    return this.isBurst ? undefined : this.limit.reserve
  }

  /** Tokens that a call of this priority must leave: of what may be used now, for a halved limit must not shut it out. */
  reserved(priority: number, nowMs: number): number {
    const { reserve } = this
    return reserve === undefined ? 0 : reservedOf(reserve, priority, this.#capacity(nowMs))
  }

  /** Tokens per window for calls of this priority. */
  sizeFor(priority: number): number {
    const { reserve } = this
    return reserve === undefined ? this.tokens : this.tokens - reservedOf(reserve, priority, this.tokens)
  }

  /** A bucket has a floor as long as one route alone draws on it. */
  drawnBy(route: Route, nowMs: number): void {
    const routes = this.#routes
    for (const draw of routes) {
      if (draw.route !== route) continue
      draw.atMs = nowMs
      return
    }
    // An account that moved to another address must not keep the floor of the old one for ever.
    const isOld = (draw: Draw) => draw.route.dropped || draw.atMs < nowMs - 2 * this.windowMs - FORGET_ROUTE_MS
    const kept = routes.filter(draw => !isOld(draw) || draw.route.silentTokens(this) > 0)
    // Nearly always one. Neither pushed nor spread: an array that grows keeps room for 17.
    this.#routes = kept.concat({ route, atMs: nowMs })
  }

  /** A cold start that is not over goes on as if the bucket had begun with the new limit. */
  setTokens(tokens: number, nowMs: number): void {
    const isCold = this.#cold(nowMs) > 0
    this.tokens = tokens
    this.#pace(nowMs)
    if (isCold) this.#coldTokens = this.#coldTokens?.withTokens(tokens, this.windowMs)
  }

  /** Tokens that can be taken now; below 0 after the limit was lowered. */
  free(nowMs: number): number {
    this.#pace(nowMs)
    return (
      this.#capacity(nowMs) -
      this.inFlight -
      this.silent -
      // Before the answers: some kinds count a lost call among them from some time on.
      this.#awayUntilKnown(nowMs) -
      this.#awayAfterAnswers(nowMs) -
      // Whoever came before may be the one whom the headers tell of.
      Math.max(this.#cold(nowMs), this.#foreign(nowMs, nowMs))
    )
  }

  /** When `tokens` can be taken if no further answer comes; Infinity as long as that hangs on answers. */
  readyAtMs(tokens: number, nowMs: number): number {
    let missing = tokens - this.free(nowMs)
    if (missing <= 0 || tokens === 0) return nowMs
    const delayMs = this.#delayMs(nowMs)
    let answer = this.#away
    let known = 0
    const coldTokens = this.#coldTokens
    let cold = this.#cold(nowMs)
    let foreign = this.#foreign(nowMs, nowMs)
    let foreignMs = this.#fewerForeignMs(foreign, nowMs)
    let atMs = nowMs
    while (missing > 0) {
      const answerMs = answer < this.#answers.length ? this.#answers.at(answer) + delayMs : Number.POSITIVE_INFINITY
      const knownMs =
        this.#known !== undefined && known < this.#known.length
          ? this.#window.lostBackMs(this.#known.at(known))
          : Number.POSITIVE_INFINITY
      const coldMs =
        coldTokens !== undefined && cold > 0 ? coldTokens.backMs(coldTokens.tokens - cold) : Number.POSITIVE_INFINITY
      const nextMs = Math.min(answerMs, knownMs, coldMs, foreignMs)
      if (nextMs === Number.POSITIVE_INFINITY) break
      atMs = nextMs
      if (atMs === answerMs) {
        answer++
        missing--
      } else if (atMs === knownMs) {
        known++
        missing--
      } else {
        const others = Math.max(cold, foreign)
        if (atMs === coldMs) cold--
        else {
          foreign = this.#foreign(atMs, nowMs)
          foreignMs = this.#fewerForeignMs(foreign, atMs)
        }
        missing -= others - Math.max(cold, foreign)
      }
    }
    // The rest hangs on answers; a probe takes the place of lost calls only, so it waits for all that will come back.
    if (missing > 0) atMs = Math.max(atMs, this.#probeAtMs(missing, false))
    if (this.reduction !== undefined) atMs = Math.min(atMs, this.reduction.nextMs(this.tokens, nowMs))
    if (nowMs < this.halvedUntilMs) atMs = Math.min(atMs, this.halvedUntilMs)
    if (this.#news !== undefined) atMs = Math.min(atMs, this.#news.ceilingEndsMs(this.tokens, nowMs))
    return Math.max(atMs, nowMs)
  }

  /** No start of a call that needs `tokens` is possible before it, whatever the answers still under way bring. */
  earliestMs(tokens: number, nowMs: number): number {
    let atMs = this.readyAtMs(tokens, nowMs)
    atMs = Math.min(atMs, this.#window.soonestMs(this.inFlight > 0, nowMs, this.#delayMs(nowMs)))
    // The calls that keep a silent route from being probed can end at any moment, or be answered.
    if (this.silent > 0) atMs = Math.min(atMs, this.#probeAtMs(1, true))
    return Math.max(atMs, nowMs)
  }

  /** @param reserved tokens that stay, so that a probe leaves them too */
  take(tokens: number, nowMs: number, reserved = 0): void {
    // Halved, somebody else is at it, whose call may have begun a window before.
    if (this.#window.heedsTaking && this.reduction === undefined)
      this.#window.taken(this.free(nowMs) === this.#capacity(nowMs), nowMs, this.#delayMs(nowMs))
    if (this.silent > 0) this.#borrow(tokens, nowMs, reserved)
    this.inFlight += tokens
  }

  /** The call never left. */
  giveBack(tokens: number): void {
    this.inFlight -= tokens
  }

  /** The server has counted the call, at the latest at `receivedAtMs`. */
  giveBackAfter(receivedAtMs: number, tokens: number): void {
    this.inFlight -= tokens
    this.#changedFrom(this.#window.enter(this.#answers, receivedAtMs, tokens))
  }

  /**
   * The call that gave back after `receivedAtMs` has settled and was not refused: the server did count it.
   * @returns whether tokens come back earlier by it
   */
  proved(receivedAtMs: number, sentAtMs: number): boolean {
    const changedFromMs = this.#window.proved(this.#answers, receivedAtMs, sentAtMs)
    this.#changedFrom(changedFromMs)
    return changedFromMs < Number.POSITIVE_INFINITY
  }

  /** What {@link bringForward} may bring a token to that the server counted at `latestMs` of its own clock or before. */
  toldFromMs(latestMs: number, slidingMs: number, shiftMs: number): number {
    return this.#window.toldFromMs(latestMs, slidingMs, shiftMs)
  }

  /** The server has told that it counted the call earlier than `fromMs`. Tokens that are back already stay so. */
  bringForward(fromMs: number, toMs: number, tokens: number): void {
    // With two routes the answers wait for no floor, and what one route tells says nothing of the other.
    if (this.#routes.length > 1) return
    this.#changedFrom(this.#window.bringForward(this.#answers, fromMs, toMs, tokens))
  }

  giveBackAt(atMs: number, tokens: number): void {
    this.#known ??= new TimeRing()
    for (let i = 0; i < tokens; i++) this.#known.insert(atMs)
  }

  /** A refusal before the cold start was over proves a predecessor: the bucket empties for a window and what may still be under way. */
  refusedInColdStart(nowMs: number): boolean {
    if (this.#cold(nowMs) === 0) return false
    this.#coldTokens = ColdTokens.allAt(this.tokens, nowMs + this.windowMs + this.#lostCallMs)
    return true
  }

  /**
   * Halves what may be used, once per flight.
   * @returns whether it did
   */
  halve(sentAtMs: number, nowMs: number): boolean {
    if (this.reduction === undefined) this.reduction = new Reduction(this.tokens, this.windowMs, nowMs)
    else if (sentAtMs < this.reduction.sinceMs) return false
    else this.reduction.halve(this.tokens, nowMs)
    this.#pace(nowMs)
    return true
  }

  /**
   * Headers told of this bucket.
   * @returns whether more or fewer tokens are free by it
   */
  told(seen: Usage, sentAtMs: number, nowMs: number): boolean {
    this.#news ??= new HeaderNews()
    const tripMs = nowMs - sentAtMs
    this.#keepMs = Math.min(this.windowMs, Math.max(this.#keepMs, 2 * tripMs))
    // The server looked back from some moment between sending and now; when it counted what was answered then, it knows alone.
    const sinceMs = sentAtMs - tripMs - this.windowMs
    const ours = this.inFlight + this.silent + (this.#known?.length ?? 0) + this.#answers.countFrom(sinceMs)
    const { tokens, windowMs, limit } = this
    const mayRaise = limit.trustHeaders === 'raise'
    const isNews = this.#news.read(seen, { tokens, windowMs, mayRaise, sentAtMs, ours, sinceMs }, nowMs)
    this.#pace(nowMs)
    return isNews
  }

  /** Nothing would be forgotten if the bucket were made anew. */
  isIdle(nowMs: number): boolean {
    return (
      this.lanes === 0 &&
      this.inFlight === 0 &&
      this.silent === 0 &&
      this.free(nowMs) === this.tokens &&
      this.#answers.length === 0
    )
  }

  /**
   * When every token is lost and the route is silent, no answer would ever come to free one: a single call may then go in
   * the place of lost ones, as soon as those would be back had their routes been alive.
   * @param atBest as if nothing were under way on the silent routes
   */
  #probeAtMs(tokens: number, atBest: boolean): number {
    let missing = tokens
    for (const route of this.#silentRoutes()) {
      if (route.inFlight > 0 && !atBest) continue
      missing -= route.silentTokens(this)
      if (missing <= 0) return route.lastGivenUpAtMs + this.#lostCallMs + this.windowMs
    }
    return Number.POSITIVE_INFINITY
  }

  /** The routes whose first answer it waits for, the one that was given up first first. */
  #silentRoutes(): readonly Route[] {
    return this.#routes
      .map(draw => draw.route)
      .filter(route => route.silentTokens(this) > 0)
      .sort((a, b) => a.lastGivenUpAtMs - b.lastGivenUpAtMs)
  }

  /** Only a probe into a silent route is let through without free tokens. One token for one: below 0 others are missing too. */
  #borrow(tokens: number, nowMs: number, reserved: number): void {
    let missing = Math.min(tokens, tokens + reserved - this.free(nowMs))
    if (missing <= 0) return
    for (const route of this.#silentRoutes()) if (route.inFlight === 0) missing -= route.borrow(this, missing)
  }

  /** What others took at `atMs`, beyond what a halving leaves them already: both speak of the same others. */
  #foreign(atMs: number, nowMs: number): number {
    const foreign = this.#news?.foreign(atMs) ?? 0
    return foreign === 0 ? 0 : Math.max(0, foreign - (this.#ceiling(nowMs) - this.#capacity(nowMs)))
  }

  #fewerForeignMs(foreign: number, atMs: number): number {
    return foreign === 0 ? Number.POSITIVE_INFINITY : (this.#news as HeaderNews).fewerForeignMs(atMs)
  }

  #ceiling(nowMs: number): number {
    return this.#news === undefined ? this.tokens : this.#news.ceiling(this.tokens, nowMs)
  }

  #capacity(nowMs: number): number {
    // What headers tell may be more than is documented, but a server that halves says nothing of it there.
    let tokens = this.#ceiling(nowMs)
    if (nowMs < this.halvedUntilMs) tokens = Math.min(tokens, Math.max(1, Math.floor(this.tokens / 2)))
    if (this.reduction === undefined) return tokens
    const reduced = this.reduction.tokens(this.tokens, nowMs)
    if (reduced >= this.tokens) {
      this.reduction = undefined
      this.#recovered?.(this)
    }
    return Math.min(tokens, reduced)
  }

  /** At once where the limit changes: what is away until then came back at the old rate. */
  #pace(nowMs: number): void {
    if (this.#window.isPaced) this.#window.pace(this.#answers, this.#capacity(nowMs), nowMs - this.#delayMs(nowMs))
  }

  /** Instants that were changed among those judged free must be judged again. */
  #changedFrom(atMs: number): void {
    this.#away = Math.min(this.#away, this.#answers.length)
    while (this.#away > 0 && this.#answers.at(this.#away - 1) >= atMs) this.#away--
  }

  /** From an answer to its token: evaluated at judging, for the floor may have changed since. */
  #delayMs(nowMs: number): number {
    return this.windowMs + guardMs(this.windowMs) - this.#floorMs(nowMs)
  }

  /**
   * Two routes have no floor: the answer that comes quickly on one and the request that goes quickly on the other need less
   * than a round trip on either.
   */
  #floorMs(nowMs: number): number {
    const only = this.#useFloor && this.#routes.length === 1 ? this.#routes[0] : undefined
    return only === undefined ? 0 : only.route.floor.floorMs(nowMs)
  }

  #awayAfterAnswers(nowMs: number): number {
    const answers = this.#answers
    const delayMs = this.#delayMs(nowMs)
    // Both ways: a second, faster route lowers the floor, and what was free no longer is.
    while (this.#away < answers.length && answers.at(this.#away) + delayMs <= nowMs) this.#away++
    while (this.#away > 0 && answers.at(this.#away - 1) + delayMs > nowMs) this.#away--
    // Free even without a floor: free for good.
    while (this.#away > 0 && answers.at(0) + this.windowMs + guardMs(this.windowMs) + this.#keepMs <= nowMs) {
      this.#news?.forget(answers.at(0))
      answers.dropFirst()
      this.#away--
    }
    return answers.length - this.#away
  }

  #awayUntilKnown(nowMs: number): number {
    const known = this.#known
    if (known === undefined) return 0
    for (; known.length > 0 && this.#window.lostUntilMs(known.at(0)) <= nowMs; known.dropFirst())
      this.#window.enterLost(this.#answers, known.at(0), this.#floorMs(nowMs))
    return known.length
  }

  #cold(nowMs: number): number {
    if (this.#coldTokens === undefined) return 0
    const away = this.#coldTokens.away(nowMs)
    if (away === 0) this.#coldTokens = undefined
    return away
  }
}
