import { logNormal, seededRandom } from '@headgate/core/testing'

/** One way over an ordinary network: 10 ms and a log-normal part with a median of 5 ms, sigma 1. Whole, as timers are. */
export function ordinaryNetwork(seed: number): () => number {
  const random = seededRandom(seed)
  return () => Math.round(10 + logNormal(random, 5, 1))
}
