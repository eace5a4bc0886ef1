import { type CallOptions, type Exchange, type ServerClock, serverClock } from '@headgate/http'
import { PUBLIC_SCOPE } from './feedback.ts'
import { judge } from './judge.ts'
import * as responses from './responses.ts'

/** A public call, counted as market data (docs-v3, 2025-10). */
const PATH = '/openApi/swap/v2/server/time'

/** Signed calls may wait for it, so it goes first; and where its turn doesn't come soon, they go without it. */
const ASKING: CallOptions = { priority: Number.MAX_SAFE_INTEGER, maxWaitMs: 5_000 }

/** BingX's clock, as its answers tell it. Asking goes through the gate like any other call, once by each address at most. */
export function bingxClock(exchange: Exchange): ServerClock {
  const { baseUrl } = exchange
  const call = {
    ...exchange.ways({ endpoint: `GET ${PATH}`, group: '1' }),
    repeatable: true,
    hide: [],
    asksTime: true,
    // Only where another address may reach what the first did not.
    retries: exchange.ips.length - 1,
    sign: () => ({ method: 'GET', url: baseUrl + PATH }) as const,
  }
  const reading = { schema: responses.serverTime, scope: PUBLIC_SCOPE }
  const clock = serverClock(exchange, () =>
    exchange.call(
      {
        ...call,
        clock,
        judge(answer) {
          const verdict = judge(answer, reading, clock.epochMs())
          return 'value' in verdict ? { ...verdict, serverTimeMs: verdict.value } : verdict
        },
      },
      ASKING,
    ),
  )
  return clock
}
