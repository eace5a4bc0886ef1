import { Arrival } from './arrival.ts'
import type { Bucket } from './bucket.ts'
import { Floor } from './floor.ts'

/** A connection is surely open this long after an answer (common servers keep an idle one for 5 s). */
const WARM_MS = 2_000

/** After so long without a call nothing is known of a route any more: its floor is that of the last hour. */
const FORGET_MS = 3_600_000

// Not frozen: to find a frozen array empty takes ten times as long, and every answer does.
const NONE: readonly Bucket[] = []

/** A call that was given up. */
interface Loss {
  tokens: number
  /** When its token is back if the route proves to be alive; undefined: it was silent already. */
  readonly backAtMs: number | undefined
}

/** One way to a server: an exchange as seen from one IP. Knows how fast it is, and whether it answers at all. */
export class Route {
  readonly floor = new Floor()
  readonly arrival = new Arrival()
  /** Calls that were sent and neither answered nor given up. */
  inFlight = 0
  lastAnswerAtMs = Number.NEGATIVE_INFINITY
  lastGivenUpAtMs = Number.NEGATIVE_INFINITY
  dropped = false
  /** When it told of calls, for itself alone, it was too early for requests by other ways: by so much at most. */
  mostLagMs = 0
  /** The routes of every bucket on which it alone draws. */
  readonly alone: readonly Route[] = Object.freeze([this])
  readonly #bornAtMs: number
  #silentSinceMs = Number.POSITIVE_INFINITY
  /** Calls that were given up since the last answer: their tokens wait for the next one, for nobody knows what became of the route. */
  readonly #losses = new Map<Bucket, Loss[]>()

  constructor(nowMs: number) {
    this.#bornAtMs = nowMs
  }

  isWarm(nowMs: number): boolean {
    return nowMs - this.lastAnswerAtMs <= WARM_MS
  }

  /** Whether nothing was heard that would tell a call sent then, and given up now, from a dead network. */
  isSilent(sentAtMs: number, nowMs: number, lostCallMs: number): boolean {
    return this.lastAnswerAtMs < Math.max(sentAtMs, nowMs - lostCallMs)
  }

  lose(bucket: Bucket, tokens: number, sentAtMs: number, nowMs: number, lostCallMs: number): void {
    const backAtMs = this.isSilent(sentAtMs, nowMs, lostCallMs) ? undefined : nowMs + lostCallMs + bucket.windowMs
    this.#silentSinceMs = Math.min(this.#silentSinceMs, Math.max(sentAtMs, this.lastAnswerAtMs))
    bucket.silent += tokens
    const losses = this.#losses.get(bucket)
    if (losses === undefined) this.#losses.set(bucket, [{ tokens, backAtMs }])
    else losses.push({ tokens, backAtMs })
  }

  /** Tokens of the bucket that wait for this route's next answer. */
  silentTokens(bucket: Bucket): number {
    let tokens = 0
    for (const loss of this.#losses.get(bucket) ?? []) tokens += loss.tokens
    return tokens
  }

  /**
   * A probe into the silence takes the place of calls lost in it.
   * @returns how many tokens it could take
   */
  borrow(bucket: Bucket, tokens: number): number {
    const losses = this.#losses.get(bucket) ?? []
    let taken = 0
    for (let loss = losses[0]; loss !== undefined && taken < tokens; loss = losses[0]) {
      const some = Math.min(tokens - taken, loss.tokens)
      taken += some
      loss.tokens -= some
      if (loss.tokens === 0) losses.shift()
    }
    if (losses.length === 0) this.#losses.delete(bucket)
    bucket.silent -= taken
    return taken
  }

  /** Whether any bucket waits for this route's next answer. */
  get isSilenced(): boolean {
    return this.#losses.size > 0
  }

  /** Buckets that wait for this route's next answer. */
  silentBuckets(): Iterable<Bucket> {
    return this.#losses.keys()
  }

  isIdle(nowMs: number): boolean {
    const lastAtMs = Math.max(this.#bornAtMs, this.lastAnswerAtMs, this.lastGivenUpAtMs)
    return this.inFlight === 0 && this.#losses.size === 0 && nowMs - lastAtMs > FORGET_MS
  }

  /** @returns the buckets that now know when their lost tokens come back. */
  answered(nowMs: number, lostCallMs: number): readonly Bucket[] {
    const silenceMs = nowMs - this.#silentSinceMs
    this.lastAnswerAtMs = nowMs
    // Also where a probe took the place of all that was lost: the next silence begins anew.
    this.#silentSinceMs = Number.POSITIVE_INFINITY
    if (this.#losses.size === 0) return NONE
    // What was stuck for so long may need as long again to arrive.
    const healedAtMs = nowMs + Math.max(lostCallMs, silenceMs)
    const losses = [...this.#losses]
    this.#losses.clear()
    for (const [bucket, ofBucket] of losses) {
      for (const { tokens, backAtMs } of ofBucket) {
        bucket.silent -= tokens
        const isKnown = backAtMs !== undefined && silenceMs <= lostCallMs
        bucket.giveBackAt(isKnown ? backAtMs : healedAtMs + bucket.windowMs, tokens)
      }
    }
    return losses.map(([bucket]) => bucket)
  }
}
