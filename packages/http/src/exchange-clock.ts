import { ClosedError } from '@headgate/core'
import type { ExchangeError } from './errors.ts'
import type { Exchange } from './exchange.ts'
import { ServerClock } from './server-clock.ts'

/**
 * The clock of an exchange.
 * @param ask makes one call that asks for the time, without repetitions: its `judge` tells `serverTimeMs`.
 */
export function serverClock(exchange: Exchange, ask: () => Promise<unknown>): ServerClock {
  const { clock, timeoutMs, labels } = exchange
  return new ServerClock({
    clock,
    ask,
    waitMs: timeoutMs,
    failed(error) {
      // Nobody is there any more to be told.
      if (error instanceof ClosedError) return
      const { code = 'NONE', message = 'no time in the answer' } = (error ?? {}) as Partial<ExchangeError>
      exchange.tell({ type: 'alert', reason: 'clock', labels, facts: { code, msg: message } })
    },
  })
}
