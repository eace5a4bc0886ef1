import { expect, test } from 'vitest'
import { runSeed } from '../src/run-seed.ts'

/** The same few worlds every time: fresh ones are what `pnpm simulate` is for. */
for (const [kind, seeds] of [
  ['core', 20],
  ['http', 3],
] as const) {
  test(`${seeds} worlds of ten minutes break no promise (${kind})`, async () => {
    let requests = 0
    for (let seed = 1; seed <= seeds; seed++) {
      const result = await runSeed(seed, kind, 10)
      expect(result.violations, `pnpm simulate --seed ${seed} --kind ${kind}`).toEqual([])
      requests += result.arrivals
    }
    expect(requests).toBeGreaterThan(1_000)
  })
}
