import { carries, keyOf, type Labels, type Scenario } from '../scenario/scenario.ts'
import type { GateLog, RunLog, SnapshotLog } from '../world/log.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/**
 * Nobody has more than one call waiting or running for each that was made, and each poller. Tokens are neither made nor lost: what is away for calls in flight is what is in flight, and after the end and a quiet
 * time everything is back.
 */
export const conservation: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'conservation', what, atMs })
  for (const snapshot of log.snapshots) {
    const { queued, running, wanted, atMs } = snapshot
    // Over HTTP the client asks for the server's time of its own accord.
    if (scenario.kind === 'core' && queued + running > wanted)
      say(`${queued} calls wait and ${running} run, where ${wanted} calls and pollers are under way`, atMs)
    for (const gate of [...snapshot.buckets, ...snapshot.caps]) {
      const { free, limit, inFlight } = gate
      if (free < 0 || free + inFlight > Math.max(limit, inFlight))
        say(`${name(gate)}: ${free} free and ${inFlight} in flight of ${limit}`, snapshot.atMs)
      if (inFlight !== openAt(snapshot, gate))
        say(`${name(gate)}: ${inFlight} in flight, and the world knows of ${openAt(snapshot, gate)}`, snapshot.atMs)
    }
  }
  const end = log.atEnd
  if (end === undefined) {
    if (scenario.durationMs > 0) say('no end', scenario.durationMs)
    return judgement
  }
  for (const gate of [...end.buckets, ...end.caps]) {
    const missing = gate.limit - gate.free
    if (gate.inFlight === 0 && missing > 0 && missing <= stillLost(scenario, log, gate, end.atMs)) {
      excuse(judgement, 'lost on a way that nobody took again')
      continue
    }
    if (missing !== 0 || gate.inFlight !== 0)
      say(
        `${name(gate)}: ${gate.free} of ${gate.limit} free and ${gate.inFlight} in flight after all was over`,
        end.atMs,
      )
  }
  if (end.queued + end.running > 0) say(`${end.queued} queued and ${end.running} running after all was over`, end.atMs)
  if (log.timersLeft > 0) say(`${log.timersLeft} timers long after the scheduler was closed`, end.atMs)
  for (const call of log.calls) {
    if (call.scheduledAtMs < log.epilogueAtMs || call.attempts.length > 0 || call.how === 'NeverFitsError') continue
    say(`call ${call.id} could not go after all was over: ${call.how}`, call.scheduledAtMs)
  }
  return judgement
}

/** Tokens of calls lost on ways that have not answered since: others take their place where they are needed. */
function stillLost({ clients = 1 }: Scenario, { attempts, lives }: RunLog, gate: GateLog, endMs: number): number {
  const mine = attempts.filter(({ call }) => call.life === lives.length - 1)
  // Each of several clients knows only what it hears itself.
  const clientOf = ({ uid = '' }: Labels) => (Number(uid.slice(1)) || 0) % clients
  let tokens = 0
  for (const { outcome, labels, cost, endedAtMs } of mine) {
    if (outcome !== 'lost' || !carries(labels, gate.labels)) continue
    const isHeard = mine.some(
      each =>
        each.labels['ip'] === labels['ip'] &&
        each.answeredAtMs > endedAtMs &&
        // Not what pollers hear once more, after it was counted.
        !(each.answeredAtMs > endMs) &&
        clientOf(each.labels) === clientOf(labels),
    )
    if (!isHeard) tokens += cost
  }
  return tokens
}

function openAt({ openCost }: SnapshotLog, gate: GateLog): number {
  return openCost.get(keyOf({ name: gate.name, by: Object.keys(gate.labels) }, gate.labels) as string) ?? 0
}

function name(gate: GateLog): string {
  return `${gate.name} ${JSON.stringify(gate.labels)}`
}
