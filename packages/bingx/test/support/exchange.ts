import { createScheduler, type Memory, type SchedulerEvent } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { type Exchange, startExchange } from '@headgate/exchange-sim'
import {
  type Bingx,
  type BingxAccount,
  bingxLimits,
  createBingx,
  type EgressAddress,
  type Fetch,
} from '../../src/index.ts'
import { NEVER_MS } from './settle.ts'

export const KEYS = { apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' }

/** An address of the exchange's pretending. */
export function from(ip: string, fetch: Fetch = globalThis.fetch): EgressAddress {
  return {
    ip,
    fetch(input, init) {
      const request = new Request(input, init)
      request.headers.set('x-sim-ip', ip)
      return fetch(request)
    },
  }
}

export interface World extends AsyncDisposable {
  readonly clock: VirtualClock
  readonly exchange: Exchange
  readonly bingx: Bingx
  readonly account: BingxAccount
  readonly events: readonly SchedulerEvent[]
}

/** An exchange and a client on one virtual clock, which is thus right: without `syncClock` nothing but the calls of the test is sent. */
export async function world(
  options: Parameters<typeof startExchange>[0] = {},
  { syncClock = false, ips, memory }: { syncClock?: boolean; ips?: readonly string[]; memory?: Memory } = {},
): Promise<World> {
  const clock = virtualClock({ epochMs: Date.UTC(2026, 0, 1) })
  const events: SchedulerEvent[] = []
  const exchange = await startExchange({ accounts: [{ uid: 'u1', ...KEYS }], clock, ...options })
  const observer = (event: SchedulerEvent) => events.push(event)
  const scheduler = createScheduler({
    limits: bingxLimits,
    coldStart: 'full',
    clock,
    observer,
    timeoutMs: 2 * NEVER_MS,
    ...(memory && { memory }),
  })
  const bingx = createBingx({
    baseUrl: exchange.bingxUrl,
    scheduler,
    clock,
    timeoutMs: NEVER_MS,
    syncClock,
    ...(ips && { egress: ips.map(ip => from(ip)) }),
  })
  return {
    clock,
    exchange,
    bingx,
    events,
    account: bingx.account({ ...KEYS, uid: 'u1' }),
    [Symbol.asyncDispose]: async () => {
      await bingx.close()
      await scheduler.close()
      await exchange.close()
    },
  }
}
