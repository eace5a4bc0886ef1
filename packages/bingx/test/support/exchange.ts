import { createScheduler, type SchedulerEvent } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { type Exchange, startExchange } from '@headgate/exchange-sim'
import { type Bingx, type BingxAccount, bingxLimits, createBingx } from '../../src/index.ts'
import { NEVER_MS } from './settle.ts'

export const KEYS = { apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' }

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
  { syncClock = false }: { syncClock?: boolean } = {},
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
  })
  const bingx = createBingx({ baseUrl: exchange.bingxUrl, scheduler, clock, timeoutMs: NEVER_MS, syncClock })
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
