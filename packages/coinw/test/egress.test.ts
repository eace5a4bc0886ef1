import { createScheduler, type SchedulerEvent } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { startExchange } from '@headgate/exchange-sim'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { coinwLimits, createCoinw } from '../src/index.ts'
import { Ladder } from '../src/ladder.ts'
import { NEVER_MS, settle } from './support/settle.ts'

const KEYS = { apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' }
const IPS = ['10.0.0.1', '10.0.0.2'] as const

async function world() {
  const clock = virtualClock({ epochMs: Date.UTC(2026, 0, 1) })
  const events: SchedulerEvent[] = []
  const exchange = await startExchange({ accounts: [{ uid: 'u1', ...KEYS }], clock })
  const observer = (event: SchedulerEvent) => events.push(event)
  const scheduler = createScheduler({
    limits: coinwLimits,
    coldStart: 'full',
    clock,
    observer,
    timeoutMs: 2 * NEVER_MS,
  })
  const egress = IPS.map(ip => ({
    ip,
    fetch(input: string | URL | Request, init?: RequestInit) {
      const request = new Request(input, init)
      request.headers.set('x-sim-ip', ip)
      return fetch(request)
    },
  }))
  const coinw = createCoinw({ baseUrl: exchange.coinwUrl, scheduler, clock, egress, timeoutMs: NEVER_MS })
  return {
    clock,
    exchange,
    coinw,
    account: coinw.account({ ...KEYS, uid: 'u1' }),
    counts: () => IPS.map(ip => exchange.log().filter(call => call.ip === ip).length),
    [Symbol.asyncDispose]: async () => {
      await coinw.close()
      await scheduler.close()
      await exchange.close()
    },
  }
}

afterEach(() => {
  vi.restoreAllMocks()
})

const many = <T>(count: number, call: () => Promise<T>) => Promise.all(Array.from({ length: count }, call))

describe('two addresses', () => {
  it('carry the sum of their limits, private and public', async () => {
    await using it = await world()
    const { coinw, account, clock, exchange, counts } = it
    const book = () => coinw.call('returnOrderBook', { symbol: 'BTC_USDT' })
    await settle(Promise.all([many(200, book), many(10, () => account.spot.balances())]), clock, 10)
    const [a = 0, b = 0] = counts()
    expect(a + b).toBe(210)
    expect(Math.abs(a - b)).toBeLessThanOrEqual(10)
    expect(exchange.stats().refused).toBe(0)
  })

  it('are counted apart by the ladder, and what one is held for the other carries', async () => {
    await using it = await world()
    const { coinw, account, clock, exchange, counts } = it
    const told = vi.spyOn(Ladder.prototype, 'refused')
    const reply = { status: 200, body: '{"code":29001,"msg":"API access frequently"}' }
    exchange.fault({ exchange: 'coinw', ip: IPS[1], times: 2, reply })
    await settle(
      many(4, () => account.spot.balances()),
      clock,
    )
    expect(told.mock.calls).toMatchObject([[{ ip: IPS[1], uid: 'u1' }], [{ ip: IPS[1], uid: 'u1' }]])
    const before = counts()
    const startMs = clock.nowMs()
    coinw.scheduler.hold({ exchange: 'coinw', ip: IPS[0] }, { forMs: 10_000, reason: 'CoinW: 40 refusals in 10 s' })
    await settle(
      many(20, () => coinw.call('returnTicker')),
      clock,
      10,
    )
    expect(clock.nowMs() - startMs).toBeLessThan(5_000)
    expect(counts()).toStrictEqual([before[0], (before[1] as number) + 20])
  })

  it('must have names of their own', () => {
    const egress = [
      { ip: 'a', fetch },
      { ip: 'a', fetch },
    ]
    expect(() => createCoinw({ egress })).toThrow(
      new TypeError('createCoinw: option "egress[1]": option "ip": expected another address, got "a" again'),
    )
  })
})
