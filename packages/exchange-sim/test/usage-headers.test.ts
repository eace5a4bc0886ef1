import { expect, test } from 'vitest'
import type { ExchangeOptions } from '../src/index.ts'
import { allBalances, caller, serverTime, start } from './helpers.ts'

async function reader(options: ExchangeOptions = {}) {
  const { exchange, clock } = await start(options)
  const { bingx } = caller(exchange, clock)
  const told = async (call: Parameters<typeof bingx>[0] = {}): Promise<(string | null)[]> => {
    const { headers } = await bingx(call)
    return [headers.get('X-RateLimit-Requests-Remain'), headers.get('X-RateLimit-Requests-Expire')]
  }
  return { clock, told }
}

test('what is left for this UID on this endpoint, and the milliseconds until more is', async () => {
  const { clock, told } = await reader()
  expect(await told()).toEqual(['4', '1000'])
  clock.step(250.5)
  expect(await told()).toEqual(['3', '750'])
  for (const remain of ['2', '1', '0', '0']) expect(await told()).toEqual([remain, '750'])
  expect(await told({ path: allBalances })).toEqual(['4', '1000'])
})

test('on public calls what is left for this address on this path, not in its group', async () => {
  const { clock, told } = await reader()
  const time = { path: serverTime, query: '' }
  expect(await told(time)).toEqual(['499', '10000'])
  clock.step(100)
  expect(await told({ path: '/openApi/swap/v2/quote/ticker', query: '' })).toEqual(['499', '10000'])
  expect(await told(time)).toEqual(['498', '9900'])
  expect(await told({ ...time, ip: '10.0.0.2' })).toEqual(['499', '10000'])
})

test('missing: neither is sent', async () => {
  const { told } = await reader({ usageHeaders: 'missing' })
  expect(await told()).toEqual([null, null])
})

test('epoch: the time as epoch milliseconds of the server', async () => {
  const { clock, told } = await reader({ usageHeaders: 'epoch' })
  expect(await told()).toEqual(['4', String(clock.epoch + 1000)])
})

test('lying: numbers that have nothing to do with the window, the same for the same seed', async () => {
  const read = async (seed: number) => {
    const { told } = await reader({ usageHeaders: 'lying', seed })
    return [await told(), await told(), await told()].flat()
  }
  const first = await read(1)
  expect(await read(1)).toEqual(first)
  expect(await read(2)).not.toEqual(first)
  expect(first).not.toContain('4')
  for (const value of first) expect(value).toMatch(/^-?\d+$/)
})
