import { createScheduler, type Scheduler, tokenBucket } from '@headgate/core'
import { logNormal, seededRandom, type VirtualClock, virtualClock } from '@headgate/core/testing'
import { type Kind, kindServer } from './kind-servers.ts'
import type { Jitter } from './world.ts'

export interface KindLoad {
  /** How the server counts. */
  kind: Kind
  /** What the client is told of it. Default the same. */
  toldKind?: Kind
  limit: number
  windowMs: number
  /** How many callers, and from when until when they call one call after another. */
  bursts: readonly { fromMs: number; untilMs: number; callers: number }[]
  /** One way over the network, by the number of the call. */
  legMs: (call: number, random: () => number) => number
  cost?: (call: number) => number
  /** Whether the call, or its answer, is lost on the way. */
  isLost?: (call: number) => boolean
  lostCallMs?: number
  /** Answers carry the server's own time. */
  tellsTime?: boolean
  /** By how much the server's clock is faster. */
  drift?: number
  coldStart?: 'full' | 'paced' | 'spent'
  seed?: number
  /** Changes on the way. */
  happens?: readonly { atMs: number; what: (scheduler: Scheduler, setServerLimit: (tokens: number) => void) => void }[]
  /** Whether the call is refused for a reason of its own, uncounted. */
  isRefusedElsewhere?: (call: number) => boolean
}

export interface KindOutcome {
  /** Calls that the limit refused. */
  refused: number
  /** Tokens of calls that were let in, at the instants of the server. */
  accepted: { atMs: number; cost: number }[]
  sent: number
}

const EPOCH_MS = 1_700_000_000_123

export const jitterLegs =
  ({ baseMs, medianMs, sigma }: Jitter): KindLoad['legMs'] =>
  (_, random) =>
    baseMs + logNormal(random, medianMs, sigma)

/** Clients of one account against an exact server, until all is over. */
export async function runKind(load: KindLoad): Promise<KindOutcome> {
  const { kind, toldKind = kind, limit, windowMs, drift = 0, lostCallMs = 5_000, cost = () => 1 } = load
  const clock = virtualClock()
  const random = seededRandom(load.seed ?? 1)
  const scheduler = createScheduler({
    limits: [tokenBucket({ name: 'b', limit, windowMs, by: ['uid'], window: toldKind })],
    coldStart: load.coldStart ?? 'full',
    clock,
    random,
    lostCallMs,
  })
  const server = kindServer(kind, limit, windowMs)
  const outcome: KindOutcome = { refused: 0, accepted: [], sent: 0 }
  const serverMs = () => EPOCH_MS + clock.nowMs() * (1 + drift)
  const setServerLimit = (tokens: number) => server.setLimit(tokens, serverMs())
  for (const { atMs, what } of load.happens ?? []) clock.setTimer(() => what(scheduler, setServerLimit), atMs)
  const arrive = (tokens: number): boolean => {
    const isIn = server.arrive(serverMs(), tokens)
    if (isIn) outcome.accepted.push({ atMs: clock.nowMs(), cost: tokens })
    else outcome.refused++
    return isIn
  }
  const caller = async (untilMs: number): Promise<void> => {
    while (clock.nowMs() < untilMs) {
      const call = outcome.sent++
      const tokens = cost(call)
      const work = scheduler.schedule({ labels: { uid: 'u' }, cost: tokens, retries: 0 }, async admission => {
        const thereMs = load.legMs(call, random)
        const backMs = load.legMs(call, random)
        if (load.isLost?.(call)) {
          // Given up after 200 ms; every third never arrives, and some only as late as can be, but for the drift of clocks.
          if (call % 3 > 0) clock.setTimer(() => arrive(tokens), call % 3 === 1 ? 199 + lostCallMs : thereMs)
          await sleep(clock, 200 + (call % 3 === 2 ? thereMs : 0))
          admission.lost()
          return
        }
        await sleep(clock, thereMs)
        if (load.isRefusedElsewhere?.(call)) {
          await sleep(clock, backMs)
          admission.counted()
          await sleep(clock, backMs)
          if (call % 2 === 0) throw new Error('bad gateway')
          admission.refused({ holdMs: 1, by: ['uid'] })
          return
        }
        const isIn = arrive(tokens)
        const serverTimeMs = Math.floor(serverMs())
        await sleep(clock, backMs)
        admission.counted(load.tellsTime ? { serverTimeMs } : {})
        if (!isIn) admission.refused()
      })
      await work.catch(() => undefined)
    }
  }
  const endMs = Math.max(...load.bursts.map(({ untilMs }) => untilMs))
  for (const { fromMs, untilMs, callers } of load.bursts)
    clock.setTimer(() => {
      for (let i = 0; i < callers; i++) void caller(untilMs)
    }, fromMs)
  await clock.advance(endMs)
  const closing = scheduler.close()
  await clock.runAll(3_600_000)
  await closing
  return outcome
}

/** Tokens accepted between two instants. */
export function tokensBetween({ accepted }: KindOutcome, fromMs: number, untilMs: number): number {
  return accepted.reduce((sum, { atMs, cost }) => sum + (atMs >= fromMs && atMs < untilMs ? cost : 0), 0)
}

function sleep(clock: VirtualClock, delayMs: number): Promise<void> {
  return new Promise(resolve => void clock.setTimer(resolve, delayMs))
}
