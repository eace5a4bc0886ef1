import { AlignedWindow } from './aligned-window.ts'
import { AnchoredWindow } from './anchored-window.ts'
import { DecayingCounter } from './decaying-counter.ts'
import type { TokenBucketLimit } from './limit.ts'
import { SlidingWindow } from './sliding-window.ts'
import type { TimeRing } from './time-ring.ts'

/**
 * How a server counts, as far as it says when answered tokens come back. A bucket keeps their instants in a ring: a token is
 * back one window after its own. The kind says what that instant is. Methods that change the ring tell from which instant on
 * it is changed, Infinity for nowhere.
 */
export interface WindowKind {
  /** Whether the instants depend on how many tokens there are. */
  readonly isPaced: boolean
  /** Whether it is to be told of every taking. */
  readonly heedsTaking: boolean
  /** A call takes tokens. @param isFirst the whole bucket is free @param delayMs from an instant in the ring to its return */
  taken(isFirst: boolean, nowMs: number, delayMs: number): void
  /** The server has counted `tokens`, at `fromMs` at the latest. */
  enter(answers: TimeRing, fromMs: number, tokens: number): number
  /** The server has surely counted the call, at `fromMs` at the latest: until it settled, it could have been refused. */
  proved(answers: TimeRing, fromMs: number, sentAtMs: number): number
  /**
   * The instant of a token that the server counted at `latestMs` of its own clock or before.
   * @param slidingMs its instant under a sliding window
   * @param shiftMs what to add to an instant of the server's clock for one in the ring
   */
  toldFromMs(latestMs: number, slidingMs: number, shiftMs: number): number
  /** Tokens of one call have got an earlier instant. */
  bringForward(answers: TimeRing, fromMs: number, toMs: number, tokens: number): number
  /** The earliest at which a token can be back, whatever is still learned; Infinity: only as the ring says. */
  soonestMs(isAnyInFlight: boolean, nowMs: number, delayMs: number): number
  /** Until when a lost call's token stays out of the ring: `backAtMs`, when it is back under a sliding window, or before. */
  lostUntilMs(backAtMs: number): number
  /** When it is back, at the earliest. */
  lostBackMs(backAtMs: number): number
  /** A lost call's token has been out of the ring for as long as it had to be. */
  enterLost(answers: TimeRing, backAtMs: number, floorMs: number): void
  /** So many tokens there are from now on. @param freeMs instants up to it are free */
  pace(answers: TimeRing, tokens: number, freeMs: number): void
}

/** Keeps nothing: one serves all. */
const SLIDING = Object.freeze(new SlidingWindow())

/** The kind of a limit's own window. What a `burst` allows is always a sliding one. */
export function windowKindOf(limit: TokenBucketLimit, isBurst: boolean, windowMs: number, tokens: number): WindowKind {
  const kind = isBurst ? 'sliding' : (limit.window ?? 'sliding')
  if (kind === 'decay') return new DecayingCounter(windowMs, tokens)
  if (kind === 'anchored') return new AnchoredWindow(windowMs)
  return kind === 'aligned' ? new AlignedWindow(windowMs) : SLIDING
}
