import type { Peer } from './peer.ts'
import { perKey } from './per-key.ts'

export const limiter: Peer = {
  name: 'limiter',
  package: 'limiter',
  hasPriorities: false,
  async open(rules) {
    const { RateLimiter } = await import('limiter')
    return perKey(rules, ({ limit, windowMs }) => {
      const tokens = new RateLimiter({ tokensPerInterval: limit, interval: windowMs })
      return async task => {
        await tokens.removeTokens(1)
        return task()
      }
    })
  },
}
