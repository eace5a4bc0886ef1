import { expect, test } from 'vitest'
import { startExchange } from '../src/index.ts'
import { alice, caller, codes, HandClock, serverTime, start, swapBalance } from './helpers.ts'

test('a server whose clock is ahead tells so, and takes timestamps by its own', async () => {
  const clock = new HandClock()
  const skewed = { nowMs: () => clock.now, epochMs: () => clock.epoch, skewMs: 60_000 }
  const { exchange } = await start({ clock: skewed })
  const { bingx } = caller(exchange, clock)
  const { body } = await bingx({ path: serverTime, query: '' })
  expect(body).toMatchObject({ timestamp: clock.epoch + 60_000, data: { serverTime: clock.epoch + 60_000 } })
  expect((await bingx()).body).toMatchObject({ code: 80014, msg: 'timestamp is invalid' })
  expect(await codes(1, () => bingx({ params: { timestamp: clock.epoch + 60_000 } }))).toEqual([0])
})

test('a skew alone goes upon the system’s clock', async () => {
  await using exchange = await startExchange({ clock: { skewMs: -86_400_000 } })
  const before = Date.now()
  const { data } = await (await fetch(exchange.bingxUrl + serverTime)).json()
  expect(data.serverTime).toBeGreaterThanOrEqual(before - 86_400_000 - 1)
  expect(data.serverTime).toBeLessThanOrEqual(Date.now() - 86_400_000)
})

test('the server’s clock steps at run time; windows and bans do not', async () => {
  const { exchange, clock } = await start({ accounts: [alice] })
  const { bingx } = caller(exchange, clock)
  await codes(5, bingx)
  exchange.stepClock(3_600_000)
  expect(await codes(1, bingx)).toEqual([100410])
  clock.step(1000)
  expect(await codes(1, bingx)).toEqual([80014])
  expect(await codes(1, () => bingx({ params: { timestamp: clock.epoch + 3_600_000 } }))).toEqual([0])

  const until = exchange.ban({ exchange: 'bingx', uid: 'alice', endpoint: swapBalance, forMs: 1000 })
  expect(until).toBe(clock.epoch + 3_600_000 + 1000)
  exchange.stepClock(-3_600_000)
  clock.step(999)
  expect(await codes(1, bingx)).toEqual([100410])
  clock.step(1)
  expect(await codes(1, bingx)).toEqual([0])
})
