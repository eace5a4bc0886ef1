import type { Peer } from './peer.ts'
import { perKey } from './per-key.ts'

/** `strict`: a sliding window, counted when tasks start. */
export const pQueue: Peer = {
  name: 'p-queue',
  package: 'p-queue',
  hasPriorities: true,
  async open(rules) {
    const { default: PQueue } = await import('p-queue')
    return perKey(rules, ({ limit, windowMs }) => {
      const queue = new PQueue({ intervalCap: limit, interval: windowMs, strict: true })
      return (task, priority = 0) => queue.add(async () => task(), { priority })
    })
  },
}
