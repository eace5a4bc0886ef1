import type { Bucket } from './bucket.ts'
import { Floor } from './floor.ts'

/** A connection is surely open this long after an answer (common servers keep an idle one for 5 s). */
const WARM_MS = 2_000

/** Tokens of a call that was given up while its whole route was silent: they wait for the route's first answer. */
interface SilentLoss {
  readonly bucket: Bucket
  readonly tokens: number
}

/** One way to a server: an exchange as seen from one IP. Knows how fast it is, and whether it answers at all. */
export class Route {
  readonly floor = new Floor()
  /** Calls that were sent and neither answered nor given up. */
  inFlight = 0
  lastAnswerAtMs = Number.NEGATIVE_INFINITY
  lastGivenUpAtMs = Number.NEGATIVE_INFINITY
  #silentSinceMs = Number.POSITIVE_INFINITY
  readonly #silentLosses: SilentLoss[] = []

  isWarm(nowMs: number): boolean {
    return nowMs - this.lastAnswerAtMs <= WARM_MS
  }

  /** Whether nothing was heard that would tell a call sent then, and given up now, from a dead network. */
  isSilent(sentAtMs: number, nowMs: number, lostCallMs: number): boolean {
    return this.lastAnswerAtMs < Math.max(sentAtMs, nowMs - lostCallMs)
  }

  loseInSilence(bucket: Bucket, tokens: number, sentAtMs: number): void {
    this.#silentSinceMs = Math.min(this.#silentSinceMs, Math.max(sentAtMs, this.lastAnswerAtMs))
    bucket.silent += tokens
    this.#silentLosses.push({ bucket, tokens })
  }

  /**
   * A probe into the silence takes the place of calls lost in it.
   * @returns how many tokens it could take
   */
  borrow(bucket: Bucket, tokens: number): number {
    let open = tokens
    for (let i = 0; i < this.#silentLosses.length && open > 0; i++) {
      const loss = this.#silentLosses[i] as SilentLoss
      if (loss.bucket !== bucket) continue
      const taken = Math.min(open, loss.tokens)
      open -= taken
      if (taken === loss.tokens) this.#silentLosses.splice(i--, 1)
      else this.#silentLosses[i] = { bucket, tokens: loss.tokens - taken }
    }
    bucket.silent -= tokens - open
    return tokens - open
  }

  /** Buckets that wait for this route's first answer. */
  silentBuckets(): readonly Bucket[] {
    return this.#silentLosses.map(loss => loss.bucket)
  }

  /** @returns the buckets that now know when their tokens lost in silence come back. */
  answered(nowMs: number, lostCallMs: number): readonly Bucket[] {
    this.lastAnswerAtMs = nowMs
    if (this.#silentLosses.length === 0) return []
    // What was stuck for so long may need as long again to arrive.
    const healingMs = Math.max(lostCallMs, nowMs - this.#silentSinceMs)
    this.#silentSinceMs = Number.POSITIVE_INFINITY
    const losses = this.#silentLosses.splice(0)
    for (const { bucket, tokens } of losses) {
      bucket.silent -= tokens
      bucket.giveBackAt(nowMs + healingMs + bucket.windowMs, tokens)
    }
    return losses.map(loss => loss.bucket)
  }
}
