import type { TimeRing } from './time-ring.ts'
import type { WindowKind } from './window-kind.ts'

/** Each token is away for a window of its own. Safe under every other kind, so they change only what they know better. */
export class SlidingWindow implements WindowKind {
  readonly isPaced: boolean = false
  readonly heedsTaking: boolean = false

  taken(_isFirst: boolean, _nowMs: number, _delayMs: number): void {}

  enter(answers: TimeRing, fromMs: number, tokens: number): number {
    for (let i = 0; i < tokens; i++) answers.insert(fromMs)
    return fromMs
  }

  proved(_answers: TimeRing, _fromMs: number, _sentAtMs: number): number {
    return Number.POSITIVE_INFINITY
  }

  toldFromMs(_latestMs: number, slidingMs: number, _shiftMs: number): number {
    return slidingMs
  }

  bringForward(answers: TimeRing, fromMs: number, toMs: number, tokens: number): number {
    for (let i = 0; i < tokens; i++) if (answers.remove(fromMs)) answers.insert(toMs)
    return toMs
  }

  soonestMs(isAnyInFlight: boolean, nowMs: number, delayMs: number): number {
    return isAnyInFlight ? nowMs + delayMs : Number.POSITIVE_INFINITY
  }

  lostUntilMs(backAtMs: number): number {
    return backAtMs
  }

  lostBackMs(backAtMs: number): number {
    return backAtMs
  }

  enterLost(_answers: TimeRing, _backAtMs: number, _floorMs: number): void {}

  pace(_answers: TimeRing, _tokens: number, _freeMs: number): void {}
}
