import type { Attempt } from '../world/log.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** Once the exchange has called an account's key wrong, nothing more goes out with it until somebody resumes the account. */
export const stopped: Checker = (_scenario, log) => {
  const judgement = fresh()
  const stops = new Map<string, { fromMs: number; toMs: number }[]>()
  for (const attempt of log.attempts) {
    const { errorKind, failedAtMs, sentAtMs } = attempt
    if (errorKind !== 'key' || Number.isNaN(failedAtMs)) continue
    // Of the time before somebody resumed, an answer says nothing any more.
    if (log.resumes.some(atMs => atMs >= sentAtMs && atMs <= failedAtMs)) continue
    const toMs = Math.min(...log.resumes.filter(atMs => atMs > failedAtMs))
    const key = keyOf(attempt)
    const known = stops.get(key) ?? []
    stops.set(key, known)
    known.push({ fromMs: failedAtMs, toMs })
  }
  for (const attempt of log.attempts) {
    const { sentAtMs, call, labels } = attempt
    const stop = stops.get(keyOf(attempt))?.find(({ fromMs, toMs }) => sentAtMs > fromMs && sentAtMs < toMs)
    if (labels['uid'] === undefined || stop === undefined) continue
    const what = `call ${call.id} went out with ${labels['uid']}'s key, ${Math.round(sentAtMs - stop.fromMs)} ms after it was called wrong`
    judgement.violations.push({ checker: 'stopped', what, atMs: sentAtMs })
  }
  const many = [...stops.values()].reduce((sum, each) => sum + new Set(each.map(({ toMs }) => toMs)).size, 0)
  if (many > 0) excuse(judgement, 'an account was stopped', many)
  return judgement
}

/** A client speaks from one address and knows only what it was told itself. */
function keyOf({ labels, call }: Attempt): string {
  return `${call.life}|${labels['ip']}|${labels['uid']}`
}
