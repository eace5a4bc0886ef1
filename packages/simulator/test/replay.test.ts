import { describe, expect, test } from 'vitest'
import { commandOf } from '../src/cli/command.ts'
import { runScenario, runSeed, scenarioOf } from '../src/run-seed.ts'

describe('the same seed', () => {
  for (const kind of ['core', 'http'] as const) {
    test(`gives the same run, request by request (${kind})`, async () => {
      for (const seed of [11, 12, 13]) {
        const first = await runSeed(seed, kind, 2)
        const second = await runSeed(seed, kind, 2)
        expect(second).toStrictEqual(first)
        expect(first.arrivals).toBeGreaterThan(0)
      }
    })
  }

  test('gives another run than the next seed', async () => {
    const [one, other] = await Promise.all([runSeed(21, 'core', 1), runSeed(22, 'core', 1)])
    expect(one.trace).not.toBe(other.trace)
  })
})

test('what a failing seed prints is what replays it', () => {
  expect(commandOf({ seed: 7, kind: 'http', minutes: 2.5 })).toBe(
    'npx pnpm@12 simulate --seed 7 --kind http --minutes 2.5',
  )
})

test('a scenario is plain data: what comes back from JSON runs the same', async () => {
  const scenario = scenarioOf(31, 'core', 2)
  const { result } = await runScenario(JSON.parse(JSON.stringify(scenario)))
  expect(result).toStrictEqual((await runScenario(scenario)).result)
})

test('a fault that is left out changes nothing before it', async () => {
  const scenario = scenarioOf(47, 'core', 3)
  const last = scenario.faults.at(-1)
  const atMs = last?.atMs ?? 0
  const all = await runScenario(scenario)
  const fewer = await runScenario({ ...scenario, faults: scenario.faults.slice(0, -1) })
  const before = ({ log }: typeof all) =>
    log.arrivals.filter(each => each.atMs < atMs).map(({ atMs, verdict }) => ({ atMs, verdict }))
  expect(before(fewer)).toStrictEqual(before(all))
})
