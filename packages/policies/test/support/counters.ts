// How servers count, by the letter of their documents. Each is asked before it is charged, so that several agree or none.

export interface Counter {
  /** Whether so much still goes. */
  has(cost: number, atMs: number): boolean
  add(cost: number, atMs: number): void
  used(atMs: number): number
}

/** Sums of fractions. */
const NOISE = 1e-6

export function rolling(limit: number, windowMs: number): Counter {
  let calls: { cost: number; atMs: number }[] = []
  const used = (atMs: number) => {
    calls = calls.filter(call => call.atMs > atMs - windowMs + NOISE)
    return calls.reduce((sum, { cost }) => sum + cost, 0)
  }
  return {
    has: (cost, atMs) => used(atMs) + cost <= limit,
    add: (cost, atMs) => void calls.push({ cost, atMs }),
    used,
  }
}

/** Windows at the multiples of their length, or from the first call after the last one. */
export function windows(kind: 'aligned' | 'anchored', limit: number, windowMs: number): Counter & { endsMs(): number } {
  let fromMs = Number.NEGATIVE_INFINITY
  let total = 0
  const used = (atMs: number) => (atMs >= fromMs + windowMs - NOISE ? 0 : total)
  return {
    has: (cost, atMs) => used(atMs) + cost <= limit,
    add(cost, atMs) {
      if (atMs >= fromMs + windowMs - NOISE) {
        fromMs = kind === 'anchored' ? atMs : Math.floor((atMs + NOISE) / windowMs) * windowMs
        total = 0
      }
      total += cost
    },
    used,
    endsMs: () => fromMs + windowMs,
  }
}

/** Fills by what is taken, and loses so much a second. */
export function decaying(most: number, perSecond: number): Counter {
  let level = 0
  let lastMs = Number.NEGATIVE_INFINITY
  const used = (atMs: number) => Math.max(0, level - ((atMs - lastMs) * perSecond) / 1_000)
  return {
    has: (cost, atMs) => used(atMs) + cost <= most + NOISE,
    add(cost, atMs) {
      level = used(atMs) + cost
      lastMs = atMs
    },
    used,
  }
}

/** A counter for each key. */
export function keyed<T extends Counter>(make: () => T): (key: string) => T {
  const counters = new Map<string, T>()
  return key => {
    const counter = counters.get(key) ?? make()
    counters.set(key, counter)
    return counter
  }
}
