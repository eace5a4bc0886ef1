import type { Peer } from './peer.ts'
import { perKey } from './per-key.ts'

export const rateLimiterFlexible: Peer = {
  name: 'rate-limiter-flexible',
  package: 'rate-limiter-flexible',
  hasPriorities: false,
  async open(rules) {
    const { RateLimiterMemory, RateLimiterQueue } = await import('rate-limiter-flexible')
    return perKey(rules, ({ limit, windowMs }) => {
      const queue = new RateLimiterQueue(new RateLimiterMemory({ points: limit, duration: windowMs / 1_000 }))
      return async task => {
        await queue.removeTokens(1)
        return task()
      }
    })
  },
}
