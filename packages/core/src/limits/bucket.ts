import type { ColdStart, Gate } from '../ports/ledger.ts'
import type { Usage } from '../request.ts'
import { ColdTokens } from './cold-start.ts'
import { guardMs } from './guard.ts'
import type { TokenBucketLimit } from './limit.ts'
import { LimitGate } from './limit-gate.ts'
import { Lowered } from './lowered.ts'
import { borrow, probeAtMs } from './probe.ts'
import { Reduction } from './reduction.ts'
import { type Reserve, reservedOf } from './reserve.ts'
import type { Route } from './route.ts'
import type { SlidingWindow } from './sliding-window.ts'
import { TimeRing } from './time-ring.ts'
import { windowOf } from './window-kind.ts'

const NONE: readonly Route[] = Object.freeze([])

/** What all buckets of one limit and one size have in common. Kept once: there may be very many buckets. */
export interface BucketTerms {
  readonly limit: TokenBucketLimit
  /** Tells the buckets of one limit from those of others. */
  readonly id: string
  /** Tokens per window, as documented or set. */
  readonly tokens: number
  readonly windowMs: number
  /** They keep the limit's burst, not the limit itself. */
  readonly isBurst: boolean
  readonly coldStart: ColdStart
  /** From when the cold start counts. */
  readonly bornAtMs: number
  readonly lostCallMs: number
  /** Whether round trips may shorten the wait. */
  readonly useFloor: boolean
  /** Is told when a bucket is found to have its whole limit again. */
  readonly recovered?: (bucket: Bucket) => void
}

/**
 * One limit for one set of label values. A token is away from the moment it is taken until one window after the last
 * moment at which the server can have counted the call: `receivedAt − floor + windowMs + guard`.
 */
export class Bucket extends LimitGate implements Gate {
  /** Tokens of calls lost while their route was silent: nothing says yet when they come back. */
  silent = 0
  #terms: BucketTerms
  /** Those that draw on it. */
  #routes = NONE
  /** Answered tokens; those before `#away` were free at the last look. */
  readonly #answers: SlidingWindow
  #away = 0
  /** Tokens that come back at a known instant: lost calls. */
  #known: TimeRing | undefined
  #coldTokens: ColdTokens | undefined
  #lowered: Lowered | undefined

  constructor(terms: BucketTerms, values: string) {
    super(values)
    this.#terms = terms
    const { limit, isBurst, coldStart, tokens, windowMs, bornAtMs, lostCallMs } = terms
    this.#answers = windowOf(limit, isBurst, windowMs, tokens)
    if (coldStart !== 'full') this.#coldTokens = ColdTokens.of(coldStart, tokens, windowMs, bornAtMs, lostCallMs)
  }

  get kind(): 'bucket' {
    return 'bucket'
  }

  get terms(): BucketTerms {
    return this.#terms
  }

  get limit(): TokenBucketLimit {
    return this.#terms.limit
  }

  get isBurst(): boolean {
    return this.#terms.isBurst
  }

  get tokens(): number {
    return this.#terms.tokens
  }

  get windowMs(): number {
    return this.#terms.windowMs
  }

  protected get id(): string {
    return this.#terms.id
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

  get reduction(): Reduction | undefined {
    return this.#lowered?.reduction
  }

  /** It goes on with what an earlier process knew. */
  inherit(reduction: Reduction): void {
    this.#lowered ??= new Lowered()
    this.#lowered.reduction = reduction
  }

  /** Until then no more than half of it may be used. */
  halveUntil(atMs: number): void {
    if (this.#lowered === undefined && atMs === Number.NEGATIVE_INFINITY) return
    this.#lowered ??= new Lowered()
    this.#lowered.halvedUntilMs = atMs
  }

  /** A bucket has a floor as long as one route alone draws on it. */
  drawnBy(route: Route, nowMs: number): void {
    const routes = this.#routes
    if (routes === route.alone) return
    // An account that moved to another address must not keep the floor of the old one for ever.
    if (this.#isAllBack(nowMs)) this.#routes = route.alone
    else if (!routes.includes(route)) {
      // As for the floor: what was true of the only way there was, is not of both.
      this.#answers.postpone(this.#lagMs)
      const others = routes.filter(other => !other.dropped)
      this.#routes = others.length === 0 ? route.alone : others.concat(route)
    }
  }

  /** Whether all that is away went by one way, and nothing yet by another. */
  get hasOneRoute(): boolean {
    return this.#routes.length === 1
  }

  /** A cold start that is not over goes on as if the bucket had begun with the new limit. */
  renew(terms: BucketTerms, nowMs: number): void {
    const isCold = this.#cold(nowMs) > 0
    this.#terms = terms
    this.#pace(nowMs)
    if (isCold) this.#coldTokens = this.#coldTokens?.withTokens(terms.tokens, terms.windowMs)
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
          ? this.#answers.lostBackMs(this.#known.at(known))
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
    if (this.#lowered !== undefined) atMs = Math.min(atMs, this.#lowered.moreAtMs(this.tokens, nowMs))
    return Math.max(atMs, nowMs)
  }

  /** No start of a call that needs `tokens` is possible before it, whatever the answers still under way bring. */
  earliestMs(tokens: number, nowMs: number): number {
    let atMs = this.readyAtMs(tokens, nowMs)
    atMs = Math.min(atMs, this.#answers.soonestMs(this.inFlight > 0, nowMs, this.#delayMs(nowMs)))
    // The calls that keep a silent route from being probed can end at any moment, or be answered.
    if (this.silent > 0) atMs = Math.min(atMs, this.#probeAtMs(1, true))
    return Math.max(atMs, nowMs)
  }

  /** @param reserved tokens that stay, so that a probe leaves them too */
  take(tokens: number, nowMs: number, reserved = 0): void {
    // Halved, somebody else is at it, whose call may have begun a window before.
    if (this.#answers.heedsTaking && this.reduction === undefined)
      this.#answers.taken(this.free(nowMs) === this.#capacity(nowMs), nowMs, this.#delayMs(nowMs))
    // Only a probe into a silent route is let through without free tokens. One for one: below 0 others are missing too.
    if (this.silent > 0) borrow(this, this.#routes, Math.min(tokens, tokens + reserved - this.free(nowMs)))
    this.inFlight += tokens
  }

  /** The machine slept, and the clock with it, but the server's did not. */
  slept(): void {
    this.#answers.slept()
  }

  /** The call never left. */
  giveBack(tokens: number): void {
    this.inFlight -= tokens
  }

  /** The server has counted the call, at the latest at `receivedAtMs`. */
  giveBackAfter(receivedAtMs: number, tokens: number): void {
    this.inFlight -= tokens
    this.#changedFrom(this.#answers.enter(receivedAtMs, tokens))
  }

  /**
   * The call that gave back after `receivedAtMs` has settled and was not refused: the server did count it.
   * @returns whether tokens come back earlier by it
   */
  proved(receivedAtMs: number, sentAtMs: number): boolean {
    const changedFromMs = this.#answers.proved(receivedAtMs, sentAtMs)
    if (changedFromMs === Number.POSITIVE_INFINITY) return false
    this.#changedFrom(changedFromMs)
    return true
  }

  /** What {@link bringForward} may bring a token to that the server counted at `latestMs` of its own clock or before. */
  toldFromMs(latestMs: number, slidingMs: number, shiftMs: number): number {
    return this.#answers.toldFromMs(latestMs, slidingMs, shiftMs)
  }

  /** The server has told that it counted the call earlier than `fromMs`. Tokens that are back already stay so. */
  bringForward(fromMs: number, toMs: number, tokens: number): void {
    this.#changedFrom(this.#answers.bringForward(fromMs, toMs, tokens))
  }

  giveBackAt(atMs: number, tokens: number): void {
    this.#known ??= new TimeRing()
    for (let i = 0; i < tokens; i++) this.#known.insert(atMs)
  }

  /** A refusal before the cold start was over proves a predecessor: the bucket empties for a window and what may still be under way. */
  refusedInColdStart(nowMs: number): boolean {
    if (this.#cold(nowMs) === 0) return false
    this.#coldTokens = ColdTokens.allAt(this.tokens, nowMs + this.windowMs + this.#terms.lostCallMs)
    return true
  }

  /**
   * Halves what may be used, once per flight.
   * @returns whether it did
   */
  halve(sentAtMs: number, nowMs: number): boolean {
    const { reduction } = this
    if (reduction === undefined) this.inherit(new Reduction(this.tokens, this.windowMs, nowMs))
    else if (sentAtMs < reduction.sinceMs) return false
    else reduction.halve(this.tokens, nowMs)
    this.#pace(nowMs)
    return true
  }

  /**
   * Headers told of this bucket.
   * @returns whether more or fewer tokens are free by it
   */
  told(seen: Usage, sentAtMs: number, nowMs: number): boolean {
    this.#lowered ??= new Lowered()
    const tripMs = nowMs - sentAtMs
    this.#lowered.keepMs = Math.min(this.windowMs, Math.max(this.#lowered.keepMs, 2 * tripMs))
    // The server looked back from some moment between sending and now; when it counted what was answered then, it knows alone.
    const sinceMs = sentAtMs - tripMs - this.windowMs
    const ours = this.inFlight + this.silent + (this.#known?.length ?? 0) + this.#answers.countFrom(sinceMs)
    const { tokens, windowMs, limit } = this
    const mayRaise = limit.trustHeaders === 'raise'
    const isNews = this.#lowered.read(seen, { tokens, windowMs, mayRaise, sentAtMs, ours, sinceMs }, nowMs)
    this.#pace(nowMs)
    return isNews
  }

  /** Nothing would be forgotten if the bucket were made anew. */
  isIdle(nowMs: number): boolean {
    return this.lanes === 0 && this.#isAllBack(nowMs) && this.free(nowMs) === this.tokens
  }

  /** No token is away that was taken here, and nothing that is still learned can make it so. */
  #isAllBack(nowMs: number): boolean {
    if (this.inFlight > 0 || this.silent > 0 || this.#awayUntilKnown(nowMs) > 0) return false
    this.#awayAfterAnswers(nowMs)
    return this.#answers.length === 0
  }

  #probeAtMs(tokens: number, atBest: boolean): number {
    return probeAtMs(this, this.#routes, tokens, this.#terms.lostCallMs + this.windowMs, atBest)
  }

  #foreign(atMs: number, nowMs: number): number {
    return this.#lowered === undefined ? 0 : this.#lowered.foreign(this.tokens, atMs, nowMs)
  }

  #fewerForeignMs(foreign: number, atMs: number): number {
    return foreign === 0 ? Number.POSITIVE_INFINITY : (this.#lowered as Lowered).fewerForeignMs(atMs)
  }

  #capacity(nowMs: number): number {
    const lowered = this.#lowered
    if (lowered === undefined) return this.tokens
    const wasReduced = lowered.reduction !== undefined
    const capacity = lowered.capacity(this.tokens, nowMs)
    if (wasReduced && lowered.reduction === undefined) this.#terms.recovered?.(this)
    return capacity
  }

  /** At once where the limit changes: what is away until then came back at the old rate. */
  #pace(nowMs: number): void {
    if (this.#answers.isPaced) this.#answers.pace(this.#capacity(nowMs), nowMs - this.#delayMs(nowMs))
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
    const only = this.#terms.useFloor && this.#routes.length === 1 ? this.#routes[0] : undefined
    return only === undefined ? 0 : only.floor.floorMs(nowMs)
  }

  /** How much too early its instants are for another route than its only one. */
  get #lagMs(): number {
    return this.#routes.length === 1 ? (this.#routes[0] as Route).mostLagMs : 0
  }

  #awayAfterAnswers(nowMs: number): number {
    const answers = this.#answers
    const delayMs = this.#delayMs(nowMs)
    const keepMs = (this.#lowered === undefined ? 0 : this.#lowered.keepMs) + this.#lagMs
    // Both ways: a second, faster route lowers the floor, and what was free no longer is.
    this.#away = answers.countBack(delayMs, nowMs, this.#away)
    // Free even without a floor, and by any way: free for good.
    while (this.#away > 0 && answers.at(0) + this.windowMs + guardMs(this.windowMs) + keepMs <= nowMs) {
      this.#lowered?.forget(answers.at(0))
      answers.dropFirst()
      this.#away--
    }
    return answers.length - this.#away
  }

  #awayUntilKnown(nowMs: number): number {
    const known = this.#known
    if (known === undefined) return 0
    for (; known.length > 0 && this.#answers.lostUntilMs(known.at(0)) <= nowMs; known.dropFirst())
      this.#answers.enterLost(known.at(0), this.#floorMs(nowMs))
    return known.length
  }

  #cold(nowMs: number): number {
    if (this.#coldTokens === undefined) return 0
    const away = this.#coldTokens.away(nowMs)
    if (away === 0) this.#coldTokens = undefined
    return away
  }
}
