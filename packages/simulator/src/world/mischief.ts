import type { VirtualClock } from '@headgate/core/testing'
import { draw } from '../draw.ts'
import { type ColdStart, faultsOf, type Labels, type Scenario } from '../scenario/scenario.ts'
import type { Gate } from './driver.ts'
import type { RunLog } from './log.ts'

const SALT = 23

/** What the faults below need of the world. */
export interface Stage {
  readonly scenario: Scenario
  readonly clock: VirtualClock
  readonly log: RunLog
  /** Undefined while the client is down. */
  gate(): Gate | undefined
  life(): number
  /** When the client's machine is awake to do it. */
  at(atMs: number, action: () => void): void
  setServerLimit(name: string, limit: number): void
  setClientLimit(name: string, limit: number): void
  foreign(labels: Labels): void
  resume(): void
  crash(downMs: number, coldStart: ColdStart): void
}

/** The faults that befall neither a call nor the network: limits that change, holds by hand, others on the same key, crashes. */
export function planMischief(stage: Stage): void {
  planLimits(stage)
  planOwnLimits(stage)
  planHolds(stage)
  for (const { atMs, forMs, labels, perSecond } of faultsOf(stage.scenario, 'foreign'))
    planForeign(stage, atMs, atMs + forMs, labels, perSecond)
  for (const { atMs, forMs } of faultsOf(stage.scenario, 'key-wrong')) stage.at(atMs + forMs, () => stage.resume())
  for (const { atMs, downMs, coldStart } of faultsOf(stage.scenario, 'crash'))
    stage.clock.setTimer(() => stage.crash(downMs, coldStart), atMs)
}

function planLimits({ scenario, clock, at, setServerLimit, setClientLimit }: Stage): void {
  for (const { name, limit, first, lagMs, atMs } of faultsOf(scenario, 'limit')) {
    clock.setTimer(() => setServerLimit(name, limit), atMs + (first === 'server' ? 0 : lagMs))
    at(atMs + (first === 'server' ? lagMs : 0), () => setClientLimit(name, limit))
  }
}

function planOwnLimits({ scenario, at, setClientLimit }: Stage): void {
  for (const { name, limit, atMs } of faultsOf(scenario, 'own-limit')) at(atMs, () => setClientLimit(name, limit))
}

function planHolds({ scenario, clock, log, gate, life, at }: Stage): void {
  for (const { atMs, labels, forMs, releaseAfterMs } of faultsOf(scenario, 'user-hold')) {
    at(atMs, () => {
      const own = gate()
      if (own === undefined) return
      own.hold(labels, { forMs, reason: 'by hand' })
      const fromMs = clock.nowMs()
      const known = {
        labels,
        fromMs,
        untilMs: fromMs + forMs,
        latestMs: fromMs + forMs,
        releasedAtMs: Number.POSITIVE_INFINITY,
        life: life(),
        by: 'user' as const,
        attempt: undefined,
      }
      log.holds.push(known)
      if (releaseAfterMs === null) return
      at(fromMs + releaseAfterMs, () => {
        if (own !== gate()) return
        known.releasedAtMs = clock.nowMs()
        own.release(labels)
      })
    })
  }
}

function planForeign(
  { scenario, clock, foreign }: Stage,
  fromMs: number,
  toMs: number,
  labels: Labels,
  perSecond: number,
): void {
  let count = 0
  const next = () => {
    const gapMs = (-Math.log(1 - draw(scenario.seed, SALT, fromMs, count++)) * 1_000) / perSecond
    if (clock.nowMs() + gapMs >= toMs) return
    clock.setTimer(() => {
      foreign(labels)
      next()
    }, gapMs)
  }
  clock.setTimer(next, fromMs - clock.nowMs())
}
