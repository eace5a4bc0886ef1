import type { Peer } from './peer.ts'
import { perKey } from './per-key.ts'

/** Smaller is sooner there, from 0 to 9. */
const DEFAULT_PRIORITY = 5

/** As its README has it for "X requests every Y": a reservoir that is refilled at intervals. */
export const bottleneck: Peer = {
  name: 'Bottleneck',
  package: 'bottleneck',
  hasPriorities: true,
  async open(rules) {
    const { default: Bottleneck } = await import('bottleneck')
    return perKey(rules, ({ limit, windowMs }) => {
      const limiter = new Bottleneck({
        reservoir: limit,
        reservoirRefreshAmount: limit,
        reservoirRefreshInterval: windowMs,
      })
      return (task, priority = 0) =>
        limiter.schedule({ priority: Math.max(0, DEFAULT_PRIORITY - priority) }, async () => task())
    })
  },
}
