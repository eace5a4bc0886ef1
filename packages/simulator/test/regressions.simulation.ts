import { expect, test } from 'vitest'
import { runSeed } from '../src/run-seed.ts'

/** Seeds that once broke a promise, each with what was wrong. */
const STORIES: readonly [seed: number, kind: 'core' | 'http', story: string][] = [
  [
    1007,
    'core',
    'a clock that ran 46 ppm fast brought the tokens of a 60 s window back before the server had let them go',
  ],
  [1142, 'core', 'the same at 182 ppm: a guard of 1 ms is less than two good clocks drift apart in a minute'],
  [
    1028,
    'core',
    'an answer came back quickly over one address and a request went quickly over another: less than either round trip',
  ],
  [1153, 'core', 'two addresses, one slow there and one slow back: the smaller floor of the two was still too long'],
  [
    1057,
    'core',
    'a call sent just before all went dark was taken for lost in a live network, and arrived when the light came back',
  ],
  [3080, 'core', 'the route became faster, but only cold connections noticed, and they taught nothing'],
  [
    5243,
    'core',
    'after a probe had taken the place of all lost calls, the next silence was counted from the one before it',
  ],
]

for (const [seed, kind, story] of STORIES) {
  test(`${kind} seed ${seed}: ${story}`, async () => {
    expect((await runSeed(seed, kind, 10)).violations).toEqual([])
  })
}
