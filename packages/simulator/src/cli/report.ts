import pc from 'picocolors'
import { runScenario, scenarioOf } from '../run-seed.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { shrink } from '../shrink.ts'
import type { RunLog } from '../world/log.ts'

const SHOWN = 40

/** Runs one seed again, makes it as small as it gets, and tells its story. */
export async function replay(seed: number, kind: Scenario['kind'], minutes: number): Promise<boolean> {
  const scenario = scenarioOf(seed, kind, minutes)
  const { result } = await runScenario(scenario)
  console.log(`seed ${seed} ${kind}: ${result.calls} calls, ${result.refused} refused, trace ${result.trace}`)
  const [violation] = result.violations
  if (violation === undefined) {
    console.log(pc.green('no promise was broken'))
    return true
  }
  for (const { checker, what, atMs } of result.violations)
    console.log(pc.red(`  ${checker} at ${atMs.toFixed(3)}: ${what}`))
  const small = await shrink(scenario, violation)
  const { log } = await runScenario(small.scenario)
  console.log(`\nshrunk to ${small.scenario.faults.length} faults: ${small.violation.what}`)
  console.log(JSON.stringify(small.scenario))
  console.log(trace(log, small.violation.atMs))
  return false
}

/** The last requests before something went wrong. */
function trace(log: RunLog, atMs: number): string {
  const before = log.attempts.filter(({ sentAtMs }) => sentAtMs <= atMs).slice(-SHOWN)
  const time = (ms: number) => (Number.isNaN(ms) ? '-' : ms.toFixed(2)).padStart(12)
  return before
    .map(({ call, labels, sentAtMs, arrivedAtMs, verdict, endedAtMs, outcome }) =>
      [
        `${call.id}`.padStart(10),
        Object.values(labels).join(' '),
        time(sentAtMs),
        time(arrivedAtMs),
        verdict,
        time(endedAtMs),
        outcome,
      ].join('  '),
    )
    .join('\n')
}
