import { virtualClock } from '@headgate/core/testing'
import { expect, it } from 'vitest'
import { createCoinw } from '../src/index.ts'

it('balances can be polled: one request for all who ask for the same', async () => {
  const clock = virtualClock()
  let requests = 0
  const fetch = async () => {
    requests++
    return new Response(JSON.stringify({ code: '200', data: { BTC: `${requests}` } }))
  }
  const coinw = createCoinw({ fetch, clock, baseUrl: 'http://127.0.0.1:9' })
  const account = coinw.account({ apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' })
  const seen: unknown[] = []
  for (let i = 0; i < 2; i++) {
    void (async () => {
      for await (const reading of account.spot.balances.poll({ everyMs: 1_000 })) {
        seen.push(reading.ok ? reading.value : reading.error)
      }
    })()
  }
  while (seen.length < 4) await clock.advance(100)
  expect(seen.slice(0, 2)).toStrictEqual([{ BTC: '1' }, { BTC: '1' }])
  expect(requests).toBeLessThan(seen.length)
  await coinw.close()
  expect(clock.pendingTimers).toBe(0)
})

it('every command that only reads can be polled by its name', async () => {
  const clock = virtualClock()
  const asked: string[] = []
  const fetch = async (input: string | URL | Request) => {
    const { searchParams } = new URL(input instanceof Request ? input.url : input)
    asked.push(`${searchParams.get('command')} ${searchParams.get('symbol')}`)
    return new Response(JSON.stringify({ code: '200', data: [] }))
  }
  const coinw = createCoinw({ fetch, clock, baseUrl: 'http://127.0.0.1:9' })
  const account = coinw.account({ apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' })
  const params = { symbol: 'BTC_USDT' }
  for (const readings of [
    coinw.call.poll('returnOrderBook', { everyMs: 1_000, params }),
    account.call.poll('returnOpenOrders', { everyMs: 1_000, params }),
  ]) {
    const first = readings[Symbol.asyncIterator]().next()
    await clock.advance(2_000)
    expect(await first).toMatchObject({ value: { ok: true, value: [] } })
  }
  expect(new Set(asked)).toStrictEqual(new Set(['returnOrderBook BTC_USDT', 'returnOpenOrders BTC_USDT']))
  expect(() => account.call.poll('doTrade' as never, { everyMs: 1_000 })).toThrow(
    'account.call("doTrade").poll: expected what only reads, got what may change something',
  )
  await coinw.close()
  expect(clock.pendingTimers).toBe(0)
})
