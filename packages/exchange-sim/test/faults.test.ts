import { expect, test } from 'vitest'
import { bob, caller, codes, spotBalance, start, swapBalance } from './helpers.ts'

test('an answer of one’s own, for the next n calls that fit', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  exchange.fault({ endpoint: swapBalance, uid: 'alice', times: 2, reply: { code: 100500, msg: 'busy' } })
  expect(await codes(1, () => bingx({ account: bob }))).toEqual([0])
  expect(await codes(1, () => bingx({ path: spotBalance }))).toEqual([0])
  expect((await bingx()).body).toEqual({ code: 100500, msg: 'busy', timestamp: clock.epoch, data: {} })
  expect(await codes(2, bingx)).toEqual([100500, 0])
  expect(exchange.stats()).toMatchObject({ accepted: 5, failed: 2 })
})

test('codes of faults feed the error-count rule', async () => {
  const { exchange, clock } = await start({ errorRule: { threshold: 3 } })
  const { bingx } = caller(exchange, clock)
  exchange.fault({ times: 4, reply: { code: 100202, msg: 'insufficient balance' } })
  await codes(4, bingx)
  expect((await bingx()).body.msg).toMatch(/^over 3 error code:100202 requests within 480000 ms/)
})

test('an HTML page with a status and headers, for one address, until it is healed', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  const page = { status: 403, body: '<html>denied</html>', headers: { 'Retry-After': '9', 'Content-Type': 'text/x' } }
  const heal = exchange.fault({ ip: '10.0.0.7', times: Infinity, counted: false, reply: page })
  for (const path of [swapBalance, spotBalance]) {
    const { status, body, headers } = await bingx({ path, ip: '10.0.0.7' })
    expect([status, body]).toEqual([403, '<html>denied</html>'])
    expect([headers.get('content-type'), headers.get('retry-after')]).toEqual(['text/x', '9'])
  }
  expect(await codes(1, bingx)).toEqual([0])
  heal()
  heal()
  expect(await codes(1, () => bingx({ ip: '10.0.0.7' }))).toEqual([0])
  expect(exchange.stats()).toMatchObject({ accepted: 2, faulted: 2, failed: 0 })
})

test('a connection cut before the call is counted leaves the quota whole; cut after, it does not', async () => {
  for (const [counted, left] of [
    [false, [0, 0, 0, 0, 0]],
    [true, [0, 0, 0, 0, 100410]],
  ] as const) {
    const { exchange, clock } = await start()
    const { bingx } = caller(exchange, clock)
    exchange.fault({ counted, reply: 'drop' })
    await expect(bingx()).rejects.toThrow('fetch failed')
    expect(await codes(5, bingx)).toEqual(left)
    expect(exchange.log()[0]).toMatchObject({ counted, outcome: counted ? 'accepted' : 'faulted' })
  }
})

test('a call that is never answered hangs until the caller gives up, or the exchange closes', async () => {
  const { exchange, clock } = await start()
  exchange.fault({ times: 2, reply: 'hang' })
  const patient = caller(exchange, clock).bingx()
  const giveUp = new AbortController()
  const impatient = fetch(`${exchange.bingxUrl}${swapBalance}`, { signal: giveUp.signal })
  const [first, second] = [expect(patient).rejects.toThrow('fetch failed'), expect(impatient).rejects.toThrow('abort')]
  await expect.poll(() => exchange.stats().accepted, { timeout: 10_000 }).toBe(2)
  giveUp.abort()
  await second
  await exchange.close()
  await first
})

test('a refused call uses up no fault that counts', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  await codes(5, bingx)
  exchange.fault({ reply: { code: 100500 } })
  expect(await codes(1, bingx)).toEqual([100410])
  clock.step(1000)
  expect(await codes(2, bingx)).toEqual([100500, 0])
})

test('accidents by chance: about as many as asked for, the same ones for the same seed', async () => {
  const run = async (seed: number): Promise<string> => {
    const { exchange, clock } = await start({ seed, ban: false, faults: { lostRequests: 0.2, htmlPages: 0.3 } })
    const { bingx } = caller(exchange, clock)
    let seen = ''
    for (let call = 0; call < 100; call++) {
      clock.step(1000)
      seen += await bingx().then(
        ({ status }) => (status === 502 ? 'h' : '.'),
        () => 'x',
      )
    }
    return seen
  }
  const first = await run(7)
  expect(await run(7)).toBe(first)
  expect(await run(8)).not.toBe(first)
  expect(first.replaceAll(/[^x]/g, '').length).toBeGreaterThan(8)
  expect(first.replaceAll(/[^h]/g, '').length).toBeGreaterThan(15)
  expect(first.replaceAll(/[^.]/g, '').length).toBeGreaterThan(35)
})

test('accidents after counting: the quota is used, the answer is lost', async () => {
  const { exchange, clock } = await start({ faults: { lostAnswers: 1 } })
  const { bingx } = caller(exchange, clock)
  for (let call = 0; call < 5; call++) await expect(bingx()).rejects.toThrow('fetch failed')
  expect(await codes(1, bingx)).toEqual([100410])
})
