import type { Gate, Peer, Task } from './peer.ts'
import { perKey } from './per-key.ts'

/** `strict`: a sliding window, counted when tasks start. */
export const pThrottle: Peer = {
  name: 'p-throttle',
  package: 'p-throttle',
  hasPriorities: false,
  async open(rules) {
    const { default: throttle } = await import('p-throttle')
    return perKey(rules, ({ limit, windowMs }) => {
      const run = (task: Task<unknown>) => task()
      return throttle({ limit, interval: windowMs, strict: true })(run) as Gate
    })
  },
}
