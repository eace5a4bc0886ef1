import type { Scenario } from '../scenario/scenario.ts'
import type { RunLog } from '../world/log.ts'
import { ageing } from './ageing.ts'
import { bounds } from './bounds.ts'
import { budgets } from './budgets.ts'
import { clock } from './clock.ts'
import { coalescing } from './coalescing.ts'
import { conservation } from './conservation.ts'
import { fairness } from './fairness.ts'
import { holds } from './holds.ts'
import { overflow } from './overflow.ts'
import { ownLimits } from './own-limits.ts'
import { polls } from './polls.ts'
import { priority } from './priority.ts'
import { reopening } from './reopening.ts'
import { reserves } from './reserves.ts'
import { retries } from './retries.ts'
import { secrets } from './secrets.ts'
import { settlement } from './settlement.ts'
import { shares } from './shares.ts'
import { stopped } from './stopped.ts'
import { type Checker, fresh, type Judgement } from './violation.ts'
import { waiting } from './waiting.ts'
import { windows } from './windows.ts'

const CHECKERS: readonly Checker[] = [
  windows,
  ownLimits,
  reserves,
  bounds,
  holds,
  reopening,
  budgets,
  stopped,
  clock,
  settlement,
  retries,
  conservation,
  waiting,
  fairness,
  priority,
  overflow,
  ageing,
  coalescing,
  polls,
  shares,
  secrets,
]

export function judge(scenario: Scenario, log: RunLog): Judgement {
  const whole = fresh()
  for (const checker of CHECKERS) {
    const { violations, excuses } = checker(scenario, log)
    whole.violations.push(...violations)
    for (const [why, times] of excuses) whole.excuses.set(why, (whole.excuses.get(why) ?? 0) + times)
  }
  whole.violations.sort((a, b) => a.atMs - b.atMs)
  return whole
}
