import { AlignedWindow } from './aligned-window.ts'
import { AnchoredWindow } from './anchored-window.ts'
import { DecayingCounter } from './decaying-counter.ts'
import type { TokenBucketLimit } from './limit.ts'
import { SlidingWindow } from './sliding-window.ts'

/** A window of the kind that a limit names. What a `burst` allows is always a sliding one. */
export function windowOf(limit: TokenBucketLimit, isBurst: boolean, windowMs: number, tokens: number): SlidingWindow {
  const kind = isBurst ? 'sliding' : (limit.window ?? 'sliding')
  if (kind === 'decay') return new DecayingCounter(windowMs, tokens)
  if (kind === 'anchored') return new AnchoredWindow(windowMs)
  return kind === 'aligned' ? new AlignedWindow(windowMs) : new SlidingWindow()
}
