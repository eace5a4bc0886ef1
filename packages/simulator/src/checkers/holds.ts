import { carries, clientLimits, faultsOf, keyOf } from '../scenario/scenario.ts'
import type { Attempt, KnownHold } from '../world/log.ts'
import { inherited } from './inherited.ts'
import { type Checker, excuse, fresh } from './violation.ts'

/** Two clocks that are both right drift apart by less than this share. */
const DRIFT = 400e-6

/**
 * Nothing goes into a hold that is known; once it has run out, one probe at a time until one is answered, then one more in
 * flight for every answer. A client with a memory is born into the holds that were known before it crashed.
 */
export const holds: Checker = (scenario, log) => {
  const judgement = fresh()
  const say = (what: string, atMs: number) => judgement.violations.push({ checker: 'holds', what, atMs })
  const scopes = new Map<string, KnownHold[]>()
  const born = inherited(scenario, log)
  if (born.length > 0) excuse(judgement, 'held over a crash', born.length)
  for (const hold of [...log.holds, ...born]) {
    const scope = `${hold.life} ${JSON.stringify(hold.labels)}`
    const same = scopes.get(scope)
    if (same === undefined) scopes.set(scope, [hold])
    else same.push(hold)
  }
  // A sleeping client's clock may stand still: it then holds for longer, never for less.
  const ppm = faultsOf(scenario, 'drift').length > 0 ? DRIFT : 0
  for (const given of scopes.values()) {
    const { labels, life } = given[0] as KnownHold
    // A release ends whatever holds exactly these labels.
    const releases = given.map(each => each.releasedAtMs)
    const known = given.map(each => ({
      ...each,
      releasedAtMs: Math.min(...releases.filter(atMs => atMs >= each.fromMs), Number.POSITIVE_INFINITY),
    }))
    const own = log.attempts.filter(({ call, labels: each }) => call.life === life && carries(each, labels))
    const until = ends(known)
    const isBorn = given.some(hold => born.includes(hold))
    for (const attempt of own) {
      const { sentAtMs, call } = attempt
      const hold = known.find(
        ({ fromMs, untilMs, releasedAtMs }) =>
          sentAtMs > fromMs && sentAtMs < untilMs - (untilMs - fromMs) * ppm && sentAtMs < releasedAtMs,
      )
      if (hold !== undefined) {
        const whose = born.includes(given[known.indexOf(hold)] as KnownHold)
          ? 'a hold that was known before the crash,'
          : 'a known hold'
        say(
          `call ${call.id} went into ${whose} over ${JSON.stringify(labels)}, ${Math.round(hold.untilMs - sentAtMs)} ms before its end`,
          sentAtMs,
        )
      }
    }
    if (known.some(({ releasedAtMs }) => releasedAtMs < Number.POSITIVE_INFINITY)) continue
    // It is over once it lets through as many as a bucket inside its scope, or else any of the call's.
    const enough = Math.min(
      ...clientLimits(scenario)
        .filter(rule => own[0] && keyOf(rule, own[0].labels))
        .flatMap(rule => [rule.limit, rule.burst ?? rule.limit]),
      ...faultsOf(scenario, 'own-limit', 'limit').map(({ limit }) => limit),
    )
    for (const [fromMs, toMs] of until) {
      checkProbes(own, fromMs, toMs, enough, (what, atMs) =>
        say(`${JSON.stringify(labels)}: ${what}${isBorn ? ' since the crash' : ''}`, atMs),
      )
    }
    excuse(judgement, 'told of a ban', known.filter(({ by }) => by === 'server').length)
  }
  return judgement
}

/** Ends of holds, each with the instant at which the next is known. */
function ends(known: readonly KnownHold[]): [number, number][] {
  const sorted = [...known].sort((a, b) => a.fromMs - b.fromMs)
  return sorted.map(({ untilMs, fromMs }, index) => {
    const latestMs = Math.max(...sorted.slice(0, index + 1).map(each => each.untilMs))
    const next = sorted[index + 1]?.fromMs ?? Number.POSITIVE_INFINITY
    return [Math.max(latestMs, untilMs, fromMs), next]
  })
}

function checkProbes(
  own: readonly Attempt[],
  fromMs: number,
  toMs: number,
  enough: number,
  say: (what: string, atMs: number) => void,
): void {
  if (fromMs >= toMs) return
  // Whatever was sent before the hold was known may still be under way.
  const after = own.filter(({ sentAtMs, outcome }) => sentAtMs >= fromMs && sentAtMs < toMs && outcome !== 'unsent')
  const flying: number[] = []
  let answered = 0
  const events = after
    .flatMap(attempt => [
      { atMs: attempt.sentAtMs, order: 1, attempt },
      { atMs: Number.isNaN(attempt.endedAtMs) ? Number.POSITIVE_INFINITY : attempt.endedAtMs, order: 0, attempt },
    ])
    .sort((a, b) => a.atMs - b.atMs || a.order - b.order)
  for (const { atMs, order, attempt } of events) {
    if (order === 0) {
      flying.pop()
      // A ban whose words were lost on the way is an answer like any other.
      const mayBeAnswered = attempt.outcome === 'answered' || !Number.isNaN(attempt.tiedAtMs)
      if (mayBeAnswered && (attempt.verdict === 'accepted' || attempt.isBanUnread)) answered++
      continue
    }
    if (1 + answered >= enough) return
    flying.push(atMs)
    if (flying.length <= 1 + answered) continue
    // Refused by a limit, a probe closes nothing and opens nothing.
    say(`${flying.length} calls in flight after ${answered} answers`, atMs)
    return
  }
}
