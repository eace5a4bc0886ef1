import { request } from 'node:http'
import { expect, test } from 'vitest'
import { createLegs } from '../src/latency.ts'
import { createRandom } from '../src/random.ts'
import { start, swapBalance } from './helpers.ts'

function draw(count: number, seed: number, sigma: number): number[] {
  const leg = createLegs({ baseMs: 10, jitterMs: 5, sigma }, createRandom(seed, 'test'))
  return Array.from({ length: count }, leg)
}

test('a leg is the base and a log-normal part with the given median and sigma', () => {
  const logs = draw(20_000, 1, 0.7)
    .map(ms => Math.log(ms - 10))
    .toSorted((a, b) => a - b)
  const quantile = (share: number): number => logs[Math.floor(share * logs.length)] ?? Number.NaN
  expect(quantile(0.5)).toBeCloseTo(Math.log(5), 1)
  expect(quantile(0.8413) - quantile(0.5)).toBeCloseTo(0.7, 1)
  expect(quantile(0.5) - quantile(0.1587)).toBeCloseTo(0.7, 1)
})

test('the same seed draws the same legs, the next seed others; sigma 0 is constant', () => {
  expect(draw(50, 3, 1)).toEqual(draw(50, 3, 1))
  expect(draw(50, 4, 1)).not.toEqual(draw(50, 3, 1))
  expect(new Set(draw(50, 3, 0))).toEqual(new Set([15]))
})

test('no leg is longer than a minute', () => {
  expect(Math.max(...draw(5000, 5, 5))).toBe(60_000)
})

test('streams of one seed do not repeat each other', () => {
  const [left, right] = [createRandom(1, 'a'), createRandom(1, 'b')]
  const pairs = Array.from({ length: 2000 }, () => [left(), right()] as const)
  const mean = pairs.reduce((sum, [a, b]) => sum + (a - 0.5) * (b - 0.5), 0) / pairs.length
  expect(Math.abs(mean)).toBeLessThan(0.01)
})

test('a call whose caller has hung up still arrives and is counted', async () => {
  const { exchange } = await start({ latency: { baseMs: 50, jitterMs: 0, sigma: 0 } })
  const call = request(exchange.bingxUrl + swapBalance)
  const gone = new Promise(resolve => call.once('close', resolve))
  call.on('error', () => undefined)
  call.end(() => call.destroy())
  await gone
  await expect.poll(() => exchange.stats().accepted, { timeout: 10_000 }).toBe(1)
})

test('a call is counted when it arrives, not when it is sent', async () => {
  const { exchange, clock } = await start({ latency: { baseMs: 50, jitterMs: 0, sigma: 0 } })
  const answered = fetch(exchange.bingxUrl + swapBalance)
  clock.step(777)
  await answered
  expect(exchange.log()).toMatchObject([{ atMs: 1777 }])
})
