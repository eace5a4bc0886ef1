import { describe, expect, test } from 'vitest'
import { allBalances, bob, caller, codes, serverTime, spotBalance, start, swapBalance } from './helpers.ts'

const ip = '10.0.0.9'

describe('418: an address that goes on after HTTP 429', () => {
  test('over 20 such answers within a minute hold the whole address for five minutes', async () => {
    const { exchange, clock } = await start({ refusalStatus: 429, ban: false })
    const { bingx } = caller(exchange, clock)
    await codes(5, () => bingx({ ip }))
    for (let refusal = 1; refusal <= 21; refusal++) expect((await bingx({ ip })).status).toBe(429)
    for (const call of [{}, { path: spotBalance }, { account: bob }, { path: serverTime, query: '' }]) {
      const { status, headers, body } = await bingx({ ip, ...call })
      expect([status, headers.get('content-type')]).toEqual([418, 'text/html'])
      expect(body).toContain('<html>')
    }
    expect((await bingx({ path: spotBalance })).status).toBe(200)
    expect(exchange.stats()).toMatchObject({
      banned: 1,
      intoBan: 4,
      bans: [{ ip, uid: null, endpoint: null, cause: 'going-on' }],
    })
    clock.step(299_999)
    expect((await bingx({ ip })).status).toBe(418)
    clock.step(1)
    expect((await bingx({ ip })).status).toBe(200)
  })

  test('21 that take a minute are forgiven, and so are refusals with status 200', async () => {
    const { exchange, clock } = await start({ ban: false })
    const { bingx } = caller(exchange, clock)
    exchange.fault({ endpoint: swapBalance, times: Infinity, reply: { status: 429, code: 100410 } })
    for (let call = 0; call < 22; call++) {
      expect((await bingx()).status).toBe(429)
      clock.step(3000)
    }
    await codes(40, () => bingx({ path: spotBalance }))
    expect(exchange.stats().banned).toBe(0)
  })

  test('an answer 429 of an edge server counts too; shortened by options, or off', async () => {
    const page = { status: 429, body: '<html>Too Many Requests</html>' }
    const statuses = async (goingOn: false | { threshold: number; lengthMs: number }): Promise<number[]> => {
      const { exchange, clock } = await start({ goingOn })
      const { bingx } = caller(exchange, clock)
      exchange.fault({ times: 3, counted: false, reply: page })
      const seen: number[] = []
      for (let call = 0; call < 5; call++) {
        seen.push((await bingx()).status)
        clock.step(100)
      }
      return seen
    }
    expect(await statuses({ threshold: 2, lengthMs: 200 })).toEqual([429, 429, 429, 418, 200])
    expect(await statuses(false)).toEqual([429, 429, 429, 200, 200])
  })
})

describe('403: the firewall', () => {
  test('over 1000 refused calls of one address within ten seconds hold it for five minutes', async () => {
    const { exchange, clock } = await start()
    const { bingx } = caller(exchange, clock)
    const flood = (times: number) => Promise.all(Array.from({ length: times }, () => bingx({ ip })))
    await flood(1005)
    expect((await bingx({ ip, path: spotBalance })).status).toBe(200)
    // The 1001st runs into the endpoint's ban, and begins the firewall's.
    expect((await bingx({ ip })).body.code).toBe(100410)
    for (const path of [swapBalance, spotBalance, allBalances]) {
      const { status, body } = await bingx({ ip, path })
      expect([status, body]).toEqual([403, expect.stringContaining('403 Forbidden')])
    }
    expect((await bingx({ path: spotBalance })).status).toBe(200)
    expect(exchange.stats().bans.map(({ cause }) => cause)).toEqual(['frequency', 'firewall'])
    clock.step(299_999)
    expect((await bingx({ ip })).status).toBe(403)
    clock.step(1)
    expect((await bingx({ ip })).status).toBe(200)
  })

  test('the refusal that trips it is already the page; shortened by options, or off', async () => {
    const statuses = async (firewall: false | { threshold: number; lengthMs: number }): Promise<number[]> => {
      const { exchange, clock } = await start({ firewall, ban: false })
      const { bingx } = caller(exchange, clock)
      await codes(5, bingx)
      const seen: number[] = []
      for (let call = 0; call < 4; call++) {
        const { status, headers } = await bingx()
        seen.push(status)
        expect(headers.has('x-ratelimit-requests-remain')).toBe(status !== 403)
      }
      clock.step(1000)
      seen.push((await bingx()).status)
      return seen
    }
    expect(await statuses({ threshold: 2, lengthMs: 1000 })).toEqual([200, 200, 403, 403, 200])
    expect(await statuses(false)).toEqual([200, 200, 200, 200, 200])
  })
})

test.each([403, 418] as const)('%i imposed by a test on a whole address', async status => {
  const { exchange, clock } = await start()
  const { bingx, coinw } = caller(exchange, clock)
  exchange.ban({ exchange: 'bingx', ip, forMs: 1000, status })
  expect((await bingx({ ip })).status).toBe(status)
  expect((await bingx()).status).toBe(200)
  expect((await coinw({ ip })).status).toBe(200)
  clock.step(1000)
  expect((await bingx({ ip })).status).toBe(200)
})

test('a ban without an endpoint holds all of a UID’s, in the usual words', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  exchange.ban({ exchange: 'bingx', uid: 'alice', forMs: 1000 })
  for (const path of [swapBalance, spotBalance]) expect((await bingx({ path })).body.code).toBe(100410)
  expect((await bingx({ account: bob })).body.code).toBe(0)
})
