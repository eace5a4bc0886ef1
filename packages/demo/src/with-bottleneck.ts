import type { Exchange } from '@headgate/exchange-sim'
import Bottleneck from 'bottleneck'
import { BINGX_PATHS, type Contender, type Poller } from './load.ts'
import { plainCall } from './plain-call.ts'

/**
 * Bottleneck as its README has it for "X requests every Y seconds": a reservoir that is refilled at intervals, and
 * `chain()` for a call that stands under several limits. The limits are the documented ones, the same as Headgate's.
 */
export function withBottleneck(exchange: Exchange): Contender {
  const waitsMs: number[] = []
  const limiters = new Map<string, Bottleneck>()
  const limiter = (key: string, amount: number, everyMs: number, chained?: Bottleneck) => {
    let found = limiters.get(key)
    if (found === undefined) {
      found = new Bottleneck({ reservoir: amount, reservoirRefreshAmount: amount, reservoirRefreshInterval: everyMs })
      if (chained !== undefined) found.chain(chained)
      limiters.set(key, found)
    }
    return found
  }
  const limiterOf = ({ account, endpoint }: Poller) => {
    if (endpoint === undefined) return limiter(`coinw ${account.uid}`, 3, 1_000, limiter('coinw', 100, 1_000))
    const group = limiter(`group ${BINGX_PATHS[endpoint].group}`, 2_000, 10_000)
    const ip = limiter(endpoint, 300, 10_000, group)
    return limiter(`${endpoint} ${account.uid}`, 5, 1_000, ip)
  }
  return {
    name: 'Bottleneck',
    waitsMs,
    call(poller, signal) {
      const askedAtMs = performance.now()
      return limiterOf(poller).schedule(() => {
        signal.throwIfAborted()
        waitsMs.push(performance.now() - askedAtMs)
        return plainCall(exchange, poller, signal)
      })
    },
    async close() {
      for (const each of limiters.values()) {
        await each.stop({ dropWaitingJobs: true, dropErrorMessage: 'stopped' })
        await each.disconnect(false)
      }
    },
  }
}
