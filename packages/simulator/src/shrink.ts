import type { Violation } from './checkers/violation.ts'
import { runScenario } from './run-seed.ts'
import { silent } from './scenario/make-pollers.ts'
import type { Scenario } from './scenario/scenario.ts'

/** A run of a scenario costs up to seconds, and a failing seed is no use if its story is not told today. */
const MOST_RUNS = 200
const MOST_MS = 40_000

/** The smallest scenario found that still breaks a promise of the same checker: fewer faults, loads and pollers, a shorter run. */
export async function shrink(
  scenario: Scenario,
  violation: Violation,
): Promise<{ scenario: Scenario; violation: Violation }> {
  let best = { scenario, violation }
  let runs = 0
  const endMs = performance.now() + MOST_MS
  const fails = async (smaller: Scenario): Promise<boolean> => {
    if (runs++ >= MOST_RUNS || performance.now() > endMs) return false
    const { result } = await runScenario(smaller)
    const again = result.violations.find(({ checker }) => checker === violation.checker)
    if (again !== undefined) best = { scenario: smaller, violation: again }
    return again !== undefined
  }
  await halve(
    () => best.scenario.faults,
    faults => fails({ ...best.scenario, faults }),
  )
  await halve(
    () => best.scenario.loads,
    loads => fails(withLoads(best.scenario, loads)),
  )
  await halve(
    () => best.scenario.pollers ?? [],
    pollers => fails({ ...best.scenario, pollers }),
  )
  for (let durationMs = best.scenario.durationMs / 2; durationMs > 1_000; durationMs /= 2) {
    if (!(await fails({ ...best.scenario, durationMs }))) break
  }
  await halve(
    () => best.scenario.faults,
    faults => fails({ ...best.scenario, faults }),
  )
  return best
}

/** Leaves out halves, then quarters, and so on, as long as it still fails without them. */
async function halve<T>(items: () => readonly T[], fails: (fewer: readonly T[]) => Promise<boolean>): Promise<void> {
  for (let size = Math.ceil(items().length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < items().length; ) {
      const all = items()
      const fewer = [...all.slice(0, from), ...all.slice(from + size)]
      if (!(await fails(fewer))) from += size
    }
  }
}

/** Its number decides a load's draws, so one that is left out leaves a silent load in its place. */
function withLoads(scenario: Scenario, loads: Scenario['loads']): Scenario {
  const kept = new Set(loads)
  return {
    ...scenario,
    loads: scenario.loads
      .map(load => (kept.has(load) ? load : silent(load)))
      .slice(0, Math.max(1, scenario.loads.findLastIndex(load => kept.has(load)) + 1)),
  }
}
