import type { Random } from './random.ts'

/** How long a request needs to the exchange, and its answer back: each leg `baseMs` plus a log-normal part. */
export interface Latency {
  /** The part that every leg needs, in milliseconds. */
  baseMs: number
  /** Median of the log-normal part, in milliseconds. */
  jitterMs: number
  /** Sigma of the log-normal part's logarithm: 0 is constant, 1 an ordinary network, 2 a very bad one. */
  sigma: number
}

/** A log-normal tail has no end; a test has. Longer legs are cut to this. */
const longestLegMs = 60_000

/** Draws the length of one leg after the other, in milliseconds. Without a latency every leg takes 0. */
export function createLegs(latency: Latency | undefined, random: Random): () => number {
  if (latency === undefined) return () => 0
  const { baseMs, jitterMs, sigma } = latency
  return () => Math.min(longestLegMs, baseMs + jitterMs * Math.exp(sigma * standardNormal(random)))
}

/** Box and Muller's method; 1 − u keeps the logarithm away from 0. */
function standardNormal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
