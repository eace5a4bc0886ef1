import { faultsOf, type Scenario } from '../scenario/scenario.ts'

/** How long the client's machine slept between two instants; two sleeps at once may count twice. */
export function asleepMs(scenario: Scenario, fromMs: number, toMs: number): number {
  let asleep = 0
  for (const { atMs, forMs } of faultsOf(scenario, 'suspend'))
    asleep += Math.max(0, Math.min(toMs, atMs + forMs) - Math.max(fromMs, atMs))
  return asleep
}
