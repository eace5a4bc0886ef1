export type Kind = 'sliding' | 'aligned' | 'anchored' | 'decay'

/** A server that counts at arrival by the letter of its documents, and refuses what is over. Knows nothing of the client. */
export interface KindServer {
  setLimit(limit: number, atMs: number): void
  /** @returns whether the call was let in, and counted */
  arrive(atMs: number, cost?: number): boolean
}

/** Virtual time is a sum of floats; its noise stays far below this, and every real lateness far above. */
const NOISE = 1e-6

export function kindServer(kind: Kind, limit: number, windowMs: number): KindServer {
  if (kind === 'decay') return decayingServer(limit, windowMs)
  return kind === 'sliding' ? slidingServer(limit, windowMs) : windowServer(kind, limit, windowMs)
}

function slidingServer(limit: number, windowMs: number): KindServer {
  let calls: { atMs: number; cost: number }[] = []
  let most = limit
  return {
    setLimit(tokens) {
      most = tokens
    },
    arrive(atMs, cost = 1) {
      calls = calls.filter(call => call.atMs > atMs - windowMs + NOISE)
      if (calls.reduce((sum, call) => sum + call.cost, cost) > most) return false
      calls.push({ atMs, cost })
      return true
    },
  }
}

/** Windows that begin at multiples of their length, or with the first call after the last one ended. */
function windowServer(kind: 'aligned' | 'anchored', limit: number, windowMs: number): KindServer {
  let fromMs = Number.NEGATIVE_INFINITY
  let used = 0
  let most = limit
  return {
    setLimit(tokens) {
      most = tokens
    },
    arrive(atMs, cost = 1) {
      if (cost === 0) return true
      if (atMs >= fromMs + windowMs - NOISE) {
        fromMs = kind === 'anchored' ? atMs : Math.floor((atMs + NOISE) / windowMs) * windowMs
        used = 0
      }
      if (used + cost > most) return false
      used += cost
      return true
    },
  }
}

function decayingServer(limit: number, windowMs: number): KindServer {
  let level = 0
  let lastMs = Number.NEGATIVE_INFINITY
  let most = limit
  const decay = (atMs: number) => {
    level = Math.max(0, level - ((atMs - lastMs) * most) / windowMs)
    lastMs = atMs
  }
  return {
    setLimit(tokens, atMs) {
      decay(atMs)
      most = tokens
    },
    arrive(atMs, cost = 1) {
      decay(atMs)
      if (level + cost > most + NOISE) return false
      level += cost
      return true
    },
  }
}
