import type { Load, Scenario } from '../scenario/scenario.ts'
import type { Attempt, CallLog, RunLog } from '../world/log.ts'
import { type Checker, fresh } from './violation.ts'

/** What may pass, so that a read is repeated after a pause (READMEs of the packages, the table of kinds). */
const PASSING: ReadonlySet<unknown> = new Set(['transient', 'lost'])
/** From so many errors on a budget may be spent: half of 20 of one code (facts, 2026). */
const BUDGET = 10

/** A read that failed for what may pass has gone as often as it may, be it that others asked for the same and shared its attempts. */
export const retries: Checker = (scenario, log) => {
  const judgement = fresh()
  if (scenario.kind !== 'http') return judgement
  for (const call of log.calls) {
    const { id, settled, outcome, went, maxWaitMs, settledAtMs, load } = call
    const kind = (outcome as { kind?: unknown } | undefined)?.kind
    if (settled === 0 || !PASSING.has(kind) || maxWaitMs < Number.POSITIVE_INFINITY) continue
    const most = 1 + (scenario.loads[load] as Load).retries
    if (went >= most || errorsOf(scenario, log, call) >= BUDGET) continue
    const what = `call ${id} ended as ${kind} after ${went} attempts, where ${most} were to be made`
    judgement.violations.push({ checker: 'retries', what, atMs: settledAtMs })
  }
  return judgement
}

/** How many errors of its kind of call the client had been told of. */
function errorsOf({ loads }: Scenario, { attempts }: RunLog, { load, life, settledAtMs }: CallLog): number {
  const { uid, ip, endpoint } = loads[load]?.labels ?? {}
  const isSame = ({ labels, call, failedAtMs }: Attempt) =>
    call.life === life &&
    labels['endpoint'] === endpoint &&
    labels['uid'] === uid &&
    (uid !== undefined || labels['ip'] === ip) &&
    failedAtMs <= settledAtMs
  return attempts.filter(isSame).length
}
