import type { ExchangeName, Usage } from './dialect.ts'
import { SlidingWindow } from './sliding-window.ts'

/** One limit as it applies to one call: the rule, and whose window it is. */
export interface AppliedLimit {
  readonly exchange: ExchangeName
  readonly name: string
  readonly key: string
  readonly limit: number
  readonly windowMs: number
  /** Calls per window for now, below `limit`, while a rule has lowered it. */
  readonly lowered?: number
}

/** What one limit saw for one key. */
export interface LimitStats extends AppliedLimit {
  /** Calls that this window counted. */
  accepted: number
  /** Calls refused while this window was full (another one may have been full as well). */
  refused: number
  /** The largest number of counted calls that any one window held; never above `limit`. */
  peak: number
}

interface Page {
  /** As large as the limit unlowered, so that it remembers enough when the limit is whole again. */
  window: SlidingWindow
  stats: LimitStats
}

/** All windows of the exchange. */
export interface LimitBook {
  /** Judges a call against all its limits, and only if all have room counts it in all. */
  admit(limits: readonly AppliedLimit[], nowMs: number): boolean
  usage(limit: AppliedLimit, nowMs: number): Usage
  stats(): LimitStats[]
}

/** Above so many windows the idle ones are dropped, with their counts. */
const sweepAbove = 10_000

export function createLimitBook(options: { countRefused: boolean }): LimitBook {
  const pages = new Map<string, Page>()
  let nextSweep = sweepAbove

  function pageOf(limit: AppliedLimit): Page {
    const { exchange, name, key, limit: size, windowMs } = limit
    const id = `${exchange}|${name}|${key}`
    let page = pages.get(id)
    if (page === undefined) {
      page = {
        window: new SlidingWindow(size, windowMs),
        stats: { exchange, name, key, limit: size, windowMs, accepted: 0, refused: 0, peak: 0 },
      }
      pages.set(id, page)
    }
    return page
  }

  function sweep(nowMs: number): void {
    for (const [id, page] of pages) if (page.window.used(nowMs) === 0) pages.delete(id)
    // Doubling keeps the cost of sweeping constant per call when most windows are busy.
    nextSweep = Math.max(sweepAbove, pages.size * 2)
  }

  return {
    admit(limits, nowMs) {
      // Before any page is taken up: a page that is swept away while it is held would be counted for nobody.
      if (pages.size >= nextSweep) sweep(nowMs)
      const touched = limits.map(pageOf)
      const full = touched.filter(({ window }, index) => window.used(nowMs) >= (limits[index]?.lowered ?? window.limit))
      for (const page of full) page.stats.refused++
      if (full.length > 0 && !options.countRefused) return false
      for (const page of touched) {
        page.window.push(nowMs)
        page.stats.peak = Math.max(page.stats.peak, page.window.used(nowMs))
        if (full.length === 0) page.stats.accepted++
      }
      return full.length === 0
    },
    usage(limit, nowMs) {
      const { window } = pageOf(limit)
      const size = limit.lowered ?? window.limit
      return { remaining: Math.max(0, size - window.used(nowMs)), resetMs: window.resetMs(nowMs) }
    },
    stats: () => Array.from(pages.values(), page => ({ ...page.stats })),
  }
}
