import { ORDINARY, type World } from './world.ts'

export interface Fate {
  /** When the server counts the request, milliseconds after it was sent; Infinity: never. */
  arrivesAfterMs: number
  /** When the answer is in, milliseconds after it was sent; Infinity: never. */
  answeredAfterMs: number
}

/** The network as it should be. */
export function goodFate({ oneWayMs }: Pick<World, 'oneWayMs'>, leg = ORDINARY): Fate {
  const arrivesAfterMs = oneWayMs(leg)
  return { arrivesAfterMs, answeredAfterMs: arrivesAfterMs + oneWayMs(leg) }
}

export interface SentCall {
  sentAtMs: number
  labels: Record<string, string>
}

/**
 * Calls over a network whose requests and answers arrive when `fateOf` says. Without an answer the task never ends: the
 * scheduler's time-out gives it up, or the caller of `giveUpAfterMs` does, as an HTTP client would.
 * @returns the caller, and what it has sent
 */
export function unreliable(
  its: World,
  fateOf: (sentAtMs: number, labels: Record<string, string>) => Fate,
  giveUpAfterMs = Number.POSITIVE_INFINITY,
) {
  const { clock, scheduler, server, sleep } = its
  const sent: SentCall[] = []
  const call = (labels: Record<string, string>) =>
    scheduler.schedule({ labels, retries: 0 }, async admission => {
      const sentAtMs = clock.nowMs()
      sent.push({ sentAtMs, labels })
      const { arrivesAfterMs, answeredAfterMs } = fateOf(sentAtMs, labels)
      let accepted = true
      if (arrivesAfterMs < Number.POSITIVE_INFINITY) {
        // Apart from the task: a request that was given up may arrive all the same.
        clock.setTimer(() => {
          accepted = server.arrive(labels, clock.nowMs())
        }, arrivesAfterMs)
      }
      if (answeredAfterMs > giveUpAfterMs) {
        if (giveUpAfterMs === Number.POSITIVE_INFINITY) return await new Promise<never>(() => {})
        await sleep(giveUpAfterMs)
        throw new DOMException('no answer', 'TimeoutError')
      }
      await sleep(answeredAfterMs)
      admission.counted()
      if (!accepted) admission.refused()
      return accepted
    })
  return { call, sent }
}
