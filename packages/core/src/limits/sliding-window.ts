import { TimeRing } from './time-ring.ts'

/**
 * The tokens of one bucket that were answered, and how the server counts them, as far as it says when they come back. Kept are
 * instants, ascending: a token is back one window after its own. What an instant is, the kind of window says; here each token
 * is away for a window of its own. That is safe under every other kind, so they change only what they know better.
 *
 * Methods that change instants tell from which on they did, Infinity for none.
 */
export class SlidingWindow extends TimeRing {
  /** Whether the instants depend on how many tokens there are. */
  get isPaced(): boolean {
    return false
  }

  /** Whether it is to be told of every taking. */
  get heedsTaking(): boolean {
    return false
  }

  /** A call takes tokens. @param isFirst the whole bucket is free @param delayMs from an instant to its return */
  taken(_isFirst: boolean, _nowMs: number, _delayMs: number): void {}

  /** Our clock stood still for a while, the server's did not: what is kept is longer ago. */
  slept(): void {}

  /** The server has counted `tokens`, at `fromMs` at the latest. */
  enter(fromMs: number, tokens: number): number {
    for (let i = 0; i < tokens; i++) this.insert(fromMs)
    return fromMs
  }

  /** The server has surely counted the call, at `fromMs` at the latest: until it settled, it could have been refused. */
  proved(_fromMs: number, _sentAtMs: number): number {
    return Number.POSITIVE_INFINITY
  }

  /**
   * The instant of a token that the server counted at `latestMs` of its own clock or before.
   * @param slidingMs its instant under a sliding window
   * @param shiftMs what to add to an instant of the server's clock for one of ours
   */
  toldFromMs(_latestMs: number, slidingMs: number, _shiftMs: number): number {
    return slidingMs
  }

  /** Tokens of one call have got an earlier instant. */
  bringForward(fromMs: number, toMs: number, tokens: number): number {
    for (let i = 0; i < tokens; i++) if (this.remove(fromMs)) this.insert(toMs)
    return toMs
  }

  /** The earliest at which a token can be back, whatever is still learned; Infinity: only as the instants say. */
  soonestMs(isAnyInFlight: boolean, nowMs: number, delayMs: number): number {
    return isAnyInFlight ? nowMs + delayMs : Number.POSITIVE_INFINITY
  }

  /** Until when a lost call's token has no instant: `backAtMs`, when it is back under a sliding window, or before. */
  lostUntilMs(backAtMs: number): number {
    return backAtMs
  }

  /** When it is back, at the earliest. */
  lostBackMs(backAtMs: number): number {
    return backAtMs
  }

  /** A lost call's token has been without an instant for as long as it had to be. */
  enterLost(_backAtMs: number, _floorMs: number): void {}

  /** So many tokens there are from now on. @param freeMs instants up to it are free */
  pace(_tokens: number, _freeMs: number): void {}
}
