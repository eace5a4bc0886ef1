import type { Scenario } from '../scenario/scenario.ts'
import type { CallLog, RunLog } from '../world/log.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** So many drops tell whether the right ones go. */
const MOST = 500

/**
 * No more wait than may, and of those who would, the right one goes: the newcomer, whoever has waited longest, or of the
 * lowest priority the last.
 */
export const overflow: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'overflow', what, atMs })
  const { maxQueued, clients = 1 } = scenario
  // A call that goes again after a refusal has its place whatever there is.
  if (log.arrivals.every(({ verdict }) => verdict === 'accepted'))
    for (const { queued, atMs } of log.snapshots)
      if (queued > maxQueued * clients) say(`${queued} wait where ${maxQueued * clients} may`, atMs)
  const dropped = log.calls.filter(({ how, coalesce }) => how === 'QueueFullError' && coalesce === undefined)
  if (dropped.length === 0) return judgement
  excuse(judgement, 'turned away from a full queue', dropped.length)
  if (scenario.overflow === undefined || scenario.overflow === 'reject') {
    const late = dropped.find(({ scheduledAtMs, settledAtMs }) => settledAtMs > scheduledAtMs)
    if (late !== undefined) say(`call ${late.id} had its place, and lost it`, late.settledAtMs)
  } else if (clients === 1) checkDropped(scenario, log, dropped, say)
  return judgement
}

function checkDropped(
  { loads, overflow: how }: Scenario,
  log: RunLog,
  dropped: readonly CallLog[],
  say: (what: string, atMs: number) => void,
): void {
  const priorityOf = ({ load }: CallLog) => loads[load]?.priority ?? 0
  const leavesAtMs = ({ attempts, settledAtMs }: CallLog) =>
    attempts[0]?.sentAtMs ?? (Number.isNaN(settledAtMs) ? Number.POSITIVE_INFINITY : settledAtMs)
  const calls = log.calls.filter(({ coalesce, cameAtMs }) => coalesce === undefined && !Number.isNaN(cameAtMs))
  let from = 0
  for (const one of [...dropped].sort((a, b) => a.settledAtMs - b.settledAtMs).slice(0, MOST)) {
    const { settledAtMs: atMs, scheduledAtMs, attempts, life } = one
    // One that waits again has its first place.
    if (attempts.length > 0) continue
    while (from < calls.length && leavesAtMs(calls[from] as CallLog) < atMs) from++
    for (let i = from; i < calls.length; i++) {
      const other = calls[i] as CallLog
      if (other.scheduledAtMs >= atMs) break
      // Of what comes and goes at the same instant nobody knows the order.
      if (other.life !== life || leavesAtMs(other) <= atMs || other === one) continue
      const [own, its] = [priorityOf(one), priorityOf(other)]
      const isWrong =
        how === 'drop-oldest'
          ? other.scheduledAtMs < scheduledAtMs
          : its < own || (its === own && other.scheduledAtMs > scheduledAtMs)
      if (!isWrong) continue
      say(`call ${one.id} lost its place by ${how}, and call ${other.id} kept it`, atMs)
      return
    }
  }
}
