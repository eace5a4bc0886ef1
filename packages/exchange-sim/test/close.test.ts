import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startExchange } from '../src/index.ts'
import { alice, caller, start, swapBalance } from './helpers.ts'

test('closing cuts hanging and delayed calls at once, and may be done twice', async () => {
  const { exchange, clock } = await start({ latency: { baseMs: 60_000, jitterMs: 0, sigma: 0 } })
  const delayed = expect(caller(exchange, clock).bingx()).rejects.toThrow('fetch failed')
  const { exchange: other } = await start()
  other.fault({ reply: 'hang' })
  const hanging = expect(caller(other, clock).bingx()).rejects.toThrow('fetch failed')
  await expect.poll(() => other.stats().accepted, { timeout: 10_000 }).toBe(1)
  await Promise.all([exchange.close(), exchange.close(), other.close()])
  await Promise.all([delayed, hanging])
  await expect(fetch(exchange.bingxUrl)).rejects.toThrow('fetch failed')
  expect(exchange.stats().accepted).toBe(0)
})

test('await using closes', async () => {
  let url = ''
  {
    await using exchange = await startExchange({ accounts: [alice] })
    url = exchange.bingxUrl
    expect((await fetch(url + swapBalance)).status).toBe(200)
  }
  await expect(fetch(url)).rejects.toThrow('fetch failed')
})

test('a body that is too large is cut off, and what was not sent is not counted', async () => {
  const { exchange } = await start()
  const body = 'x'.repeat(1_000_000)
  await expect(fetch(exchange.bingxUrl + swapBalance, { method: 'POST', body })).rejects.toThrow('fetch failed')
  expect(exchange.log()).toEqual([])
})

test('after closing nothing keeps the process alive', async () => {
  const script = `
    import { startExchange } from ${JSON.stringify(fileURLToPath(new URL('../src/index.ts', import.meta.url)))}
    const exchange = await startExchange({ latency: { baseMs: 50000, jitterMs: 0, sigma: 0 } })
    fetch(exchange.bingxUrl + '${swapBalance}').catch(() => console.log('cut'))
    setTimeout(() => exchange.close(), 100)
  `
  const run = promisify(execFile)
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { timeout: 30_000 })
  expect(stdout).toBe('cut\n')
})
