import type { Random } from '../ports/random.ts'

/** The host's randomness. */
export const systemRandom: Random = () => Math.random()
