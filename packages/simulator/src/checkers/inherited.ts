import { faultsOf, type Scenario } from '../scenario/scenario.ts'
import type { KnownHold, RunLog } from '../world/log.ts'

/** A hold that ran out longer ago than this, while nobody ran, is over without a probe. */
const PROBED_WITHIN_MS = 59_000

/**
 * The holds that each life of a client with a memory is born with: those that an earlier one knew, where nothing went
 * through since they ran out and nobody released them.
 */
export function inherited(scenario: Scenario, log: RunLog): KnownHold[] {
  if (scenario.memory !== true) return []
  const born: KnownHold[] = []
  log.lives.forEach(({ bornAtMs }, life) => {
    if (life === 0) return
    const known = [...log.holds, ...born].filter(hold => hold.life === life - 1)
    for (const hold of known) {
      const { labels, fromMs, untilMs } = hold
      const scope = JSON.stringify(labels)
      const same = known.filter(each => JSON.stringify(each.labels) === scope)
      const isReleased = same.some(
        ({ releasedAtMs }) => releasedAtMs >= fromMs && releasedAtMs < Number.POSITIVE_INFINITY,
      )
      // Once it has run out, a probe may have opened it.
      const isLast = untilMs >= Math.max(...same.map(each => each.untilMs))
      const diedAtMs = log.lives[life - 1]?.diedAtMs ?? 0
      const isOpen = untilMs < diedAtMs
      if (isReleased || !isLast || isOpen || untilMs < bornAtMs - PROBED_WITHIN_MS) continue
      // Ends are kept on the wall clock: set in between, it says nothing.
      if (faultsOf(scenario, 'wall-step').some(({ atMs }) => atMs >= fromMs - 1 && atMs <= bornAtMs)) continue
      born.push({ ...hold, life })
    }
  })
  return born
}
