import type { Heard, Rule } from '../peers/peer.ts'
import { polling } from '../polling.ts'
import { Ages } from '../world/ages.ts'
import { ordinaryNetwork } from '../world/network.ts'
import type { Case, Row } from './row.ts'

interface FreshnessCase extends Case {
  readonly pollers: number
  readonly rule: Rule
  readonly everyMs: number
  readonly forMs: number
}

/** A third of what they ask for: each may read every 3 s and would every second. */
const rule = (pollers: number): Rule => ({ name: 'ip', limit: pollers, windowMs: 3_000, by: ['ip'] })
/** Before it, limiters that begin with full buckets serve a bunch at once. */
const SETTLED_AFTER_ROUNDS = 3

export const freshness: Row<FreshnessCase> = {
  name: 'freshness',
  title: 'Age of the data of 200 pollers that share a limit',
  about:
    'Virtual time, the network as above. Each of 200 pollers would read every second, the limit gives each a third of that. The age of what a ' +
    'poller has, from the moment at which the server counted the call; refused calls bring nothing. Relative to the ideal: one call after the other, ' +
    'evenly spaced, over the same network. Targets: mean within 5 %, worst within 15 %.',
  cases: quick =>
    (quick ? [10] : [200]).map(pollers => ({
      name: `${pollers} pollers`,
      pollers,
      rule: rule(pollers),
      everyMs: 1_000,
      forMs: quick ? 12_000 : 180_000,
    })),
  asks: () => true,
  async measure(peer, of) {
    const { fakeTime } = await import('../world/fake-time.ts')
    const { ExactServer } = await import('../world/exact-server.ts')
    using time = fakeTime()
    const contender = await peer.open([of.rule])
    const server = new ExactServer([of.rule])
    const oneWayMs = ordinaryNetwork(1)
    const periodMs = (of.pollers * of.rule.windowMs) / of.rule.limit
    const ages = new Ages(of.pollers, time.nowMs() + SETTLED_AFTER_ROUNDS * periodMs)
    const over = new AbortController()
    const read = async (poller: number, labels: Record<string, string>, heard?: Heard) => {
      await time.sleep(oneWayMs())
      if (over.signal.aborted) return
      const countedAtMs = time.nowMs()
      const isAccepted = server.arrive(labels, countedAtMs)
      await time.sleep(oneWayMs())
      if (over.signal.aborted) return
      heard?.counted()
      if (isAccepted) ages.read(poller, countedAtMs, time.nowMs())
      else heard?.refused()
    }
    for (let poller = 0; poller < of.pollers; poller++) {
      const labels = { uid: `u${poller}`, ip: 'a', exchange: 'x' }
      const task = (heard?: Heard) => read(poller, labels, heard)
      void polling(contender, labels, task, { everyMs: of.everyMs, signal: over.signal, time })
    }
    await time.advance(of.forMs)
    over.abort()
    const seen = ages.until(time.nowMs())
    const best = ideal(of, periodMs)
    return { mean: seen.meanMs / best.meanMs - 1, worst: seen.worstMs / best.worstMs - 1 }
  },
  columns: [
    { title: 'mean age, over the ideal', figure: 'mean', show: percent, hasRatio: false, target: () => '+5 %' },
    { title: 'worst age, over the ideal', figure: 'worst', show: percent, hasRatio: false, target: () => '+15 %' },
  ],
}

function ideal({ pollers, forMs }: FreshnessCase, periodMs: number): { meanMs: number; worstMs: number } {
  const ages = new Ages(pollers, SETTLED_AFTER_ROUNDS * periodMs)
  const oneWayMs = ordinaryNetwork(1)
  for (let poller = 0; poller < pollers; poller++) {
    for (let sentAtMs = (poller * periodMs) / pollers; sentAtMs < forMs; sentAtMs += periodMs) {
      const countedAtMs = sentAtMs + oneWayMs()
      const receivedAtMs = countedAtMs + oneWayMs()
      if (receivedAtMs <= forMs) ages.read(poller, countedAtMs, receivedAtMs)
    }
  }
  return ages.until(forMs)
}

function percent(share: number): string {
  return `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)} %`
}
