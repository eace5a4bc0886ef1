import { startHttpServer } from './http-server.ts'
import { createLegs } from './latency.ts'
import { type Desk, openDesk } from './open-desk.ts'
import { type ExchangeOptions, readOptions } from './options.ts'
import { createRandom } from './random.ts'

/** A running exchange. */
export interface Exchange extends Omit<Desk, 'receive'>, AsyncDisposable {
  /** Base URL, without a slash at the end: append `/openApi/…`. */
  readonly bingxUrl: string
  /** Base URL, without a slash at the end: append `/api/v1/…`. */
  readonly coinwUrl: string
  /** Cuts all connections and forgets all delayed calls at once. May be called again. */
  close(): Promise<void>
}

/**
 * Starts a BingX and a CoinW on 127.0.0.1. Rejects with a TypeError that names a wrong option, or with the system's
 * error when the port is taken.
 */
export async function startExchange(options?: ExchangeOptions): Promise<Exchange> {
  const { port, latency, seed } = readOptions(options)
  const { receive, ...desk } = openDesk(options)
  const server = await startHttpServer({
    port,
    drawLegMs: createLegs(latency, createRandom(seed, 'latency')),
    judge: receive,
  })
  return {
    bingxUrl: server.url,
    coinwUrl: server.url,
    ...desk,
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  }
}
