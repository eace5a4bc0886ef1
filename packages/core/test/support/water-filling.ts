/** Someone who draws on limits: `cost` tokens from each, a call. */
export interface Drawer {
  readonly limits: readonly string[]
  readonly weight: number
  readonly cost: number
  /** Calls per second that it asks for. */
  readonly wants: number
}

/**
 * Calls per second for each when all rates rise together, tokens by weight, until a limit is used up: then those who draw
 * on it stop, and the others go on.
 * @param tokens what each limit gives, per second
 */
export function waterFilling(drawers: readonly Drawer[], tokens: ReadonlyMap<string, number>): number[] {
  const rates = drawers.map(() => 0)
  const left = new Map(tokens)
  const rising = new Set(drawers.keys())
  // How much for a weight of one until the limit is used up, if all that still rise go on.
  const levelOf = (limit: string) => {
    let weights = 0
    for (const index of rising) {
      const { limits, weight } = drawers[index] as Drawer
      if (limits.includes(limit)) weights += weight
    }
    return weights === 0 ? Number.POSITIVE_INFINITY : (left.get(limit) as number) / weights
  }
  while (rising.size > 0) {
    const levels = new Map([...left.keys()].map(limit => [limit, levelOf(limit)]))
    const stopsAt = (index: number) => {
      const { limits, wants, cost, weight } = drawers[index] as Drawer
      return Math.min((wants * cost) / weight, ...limits.map(limit => levels.get(limit) as number))
    }
    const stops = new Map([...rising].map(index => [index, stopsAt(index)]))
    const level = Math.min(...stops.values())
    for (const [index, atLevel] of stops) {
      if (atLevel > level * (1 + ROUNDED)) continue
      const { limits, weight, cost } = drawers[index] as Drawer
      rates[index] = (level * weight) / cost
      rising.delete(index)
      for (const limit of limits) left.set(limit, (left.get(limit) as number) - level * weight)
    }
  }
  return rates
}

/** Sums of fractions fall short of what they stand for. */
const ROUNDED = 1e-9
