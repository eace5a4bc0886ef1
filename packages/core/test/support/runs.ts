import process from 'node:process'

/**
 * How often fast-check runs a property: `n` times HEADGATE_RUNS (default 1), so that a nightly run can look harder.
 * HEADGATE_SEED replays a failure with the seed that it printed.
 */
export function runs(n: number): { numRuns: number; seed?: number } {
  const seed = process.env['HEADGATE_SEED']
  return {
    numRuns: Math.max(1, Math.round(n * fromEnvironment('HEADGATE_RUNS', process.env['HEADGATE_RUNS'] || '1'))),
    ...(seed ? { seed: fromEnvironment('HEADGATE_SEED', seed) } : {}),
  }
}

function fromEnvironment(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isFinite(value)) throw new TypeError(`${name}: expected a number, got ${text}`)
  return value
}
