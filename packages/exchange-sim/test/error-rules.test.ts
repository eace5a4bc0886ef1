import { describe, expect, test } from 'vitest'
import { alice, bob, caller, codes, serverTime, spotBalance, start, swapBalance } from './helpers.ts'

const name = `GET ${swapBalance}`
const verify = 'for this api, please verify and fix it ,can retry after time:'

// Errors of three kinds, by nothing but what the caller sends.
const wrong = { params: { recvWindow: 'x' } } // 100400
const stale = { params: { timestamp: 1 } } // 80014
const unsigned = { query: 'timestamp=1' } // 100412

/** An exchange on which calls are a second apart, so that no limit refuses them. */
async function slow(options: Parameters<typeof start>[0] = {}) {
  const { exchange, clock } = await start(options)
  const { bingx } = caller(exchange, clock)
  return {
    exchange,
    clock,
    bingx,
    async spaced(times: number, call: Parameters<typeof bingx>[0], everyMs = 1000): Promise<unknown[]> {
      const seen: unknown[] = []
      for (let done = 0; done < times; done++) {
        clock.step(everyMs)
        seen.push(...(await codes(1, () => bingx(call))))
      }
      return seen
    },
  }
}

describe('errors of one code: over 20 within 480 s', () => {
  test('the 21st bans the endpoint for this UID, beginning with the next call', async () => {
    const { exchange, clock, bingx, spaced } = await slow()
    expect(await spaced(21, wrong, 23_999)).toEqual(Array(21).fill(100400))
    const until = clock.epoch + 300_000
    const words = `over 20 error code:100400 requests within 480000 ms ${verify} ${until}`
    expect((await bingx()).body).toMatchObject({ code: 100410, msg: words })
    expect(await codes(1, () => bingx({ account: bob }))).toEqual([0])
    expect(await codes(1, () => bingx({ path: spotBalance }))).toEqual([0])
    const { bans, banned, errorBanned, intoBan, endpoints } = exchange.stats()
    expect(bans).toMatchObject([{ cause: 'error-count', uid: 'alice', ip: null, endpoint: name }])
    expect({ banned, errorBanned, intoBan }).toEqual({ banned: 1, errorBanned: 1, intoBan: 1 })
    expect(endpoints[0]).toMatchObject({ uid: 'alice', endpoint: name, failed: 21, errorBanned: 1, intoBan: 1 })

    clock.step(299_999)
    expect(await codes(1, bingx)).toEqual([100410])
    clock.step(1)
    expect(await codes(1, bingx)).toEqual([0])
  })

  test('20 are forgiven, and so are 21 that take 480 s', async () => {
    const { exchange, spaced } = await slow()
    await spaced(20, wrong)
    await spaced(1, {})
    expect(exchange.stats().banned).toBe(0)
    const other = await slow()
    await other.spaced(21, wrong, 24_000)
    expect(other.exchange.stats().banned).toBe(0)
  })

  test('errors of different codes are counted apart', async () => {
    const { exchange, spaced } = await slow({ errorRule: { threshold: 3 } })
    for (const call of [wrong, stale, wrong, stale, wrong, stale]) await spaced(1, call)
    expect(exchange.stats().banned).toBe(0)
    await spaced(1, stale)
    expect(exchange.stats().banned).toBe(1)
  })

  test('with new codes they name no inner code', async () => {
    const { clock, bingx, spaced } = await slow({ codes: 'new' })
    await spaced(21, wrong)
    const msg = `over 20 error requests within 480000ms ${verify} ${clock.epoch + 300_000}`
    expect((await bingx()).body).toMatchObject({ code: 109429, msg })
  })

  test('shortened by options, or off', async () => {
    const short = await slow({ errorRule: { threshold: 1, lengthMs: 5000 } })
    await short.spaced(2, wrong)
    expect(await short.spaced(5, {})).toEqual([100410, 100410, 100410, 100410, 0])
    const off = await slow({ errorRule: false, anyErrorRule: false })
    await off.spaced(50, wrong)
    expect(off.exchange.stats().banned).toBe(0)
  })
})

describe('errors of any code: over 30 within 120 s', () => {
  test('the 31st bans, under 109429 and without an inner code, whatever the codes', async () => {
    const { exchange, clock, bingx, spaced } = await slow()
    for (let round = 0; round < 10; round++) for (const call of [wrong, stale, unsigned]) await spaced(1, call)
    expect(exchange.stats().banned).toBe(0)
    await spaced(1, wrong)
    const msg = `over 30 error requests within 120000ms ${verify} ${clock.epoch + 300_000}`
    expect((await bingx()).body).toMatchObject({ code: 109429, msg })
    expect(exchange.stats()).toMatchObject({ banned: 1, errorBanned: 1 })
    clock.step(300_000)
    expect(await codes(1, bingx)).toEqual([0])
  })

  test('31 that take 120 s are forgiven; so are all when it is off', async () => {
    const { exchange, spaced } = await slow({ errorRule: false })
    await spaced(31, wrong, 4000)
    expect(exchange.stats().banned).toBe(0)
    await spaced(1, wrong, 3999)
    const off = await slow({ anyErrorRule: false })
    for (let round = 0; round < 11; round++) for (const call of [wrong, stale, unsigned]) await off.spaced(1, call)
    expect(off.exchange.stats().banned).toBe(0)
  })
})

test('public calls are counted by address', async () => {
  const { exchange, bingx, spaced } = await slow()
  const broken = { path: serverTime, query: 'a=%', ip: '10.0.0.9' }
  expect(await spaced(22, broken)).toEqual([...Array(21).fill(100400), 100410])
  expect(exchange.stats().bans).toMatchObject([{ ip: '10.0.0.9', uid: null, endpoint: `GET ${serverTime}` }])
  expect(await codes(1, () => bingx({ path: serverTime, query: '' }))).toEqual([0])
  expect(await codes(1, () => bingx({ ip: '10.0.0.9' }))).toEqual([0])
})

test('refusals are not errors; wrong keys are nobody’s', async () => {
  const { exchange, bingx, clock } = await slow({ ban: false, errorRule: { threshold: 1 } })
  exchange.fault({ times: 5, reply: { code: 100410, msg: 'rate limited' } })
  await codes(10, bingx)
  clock.step(1000)
  await codes(5, () => bingx({ account: { apiKey: 'nobody', secretKey: '' } }))
  expect(exchange.stats()).toMatchObject({ banned: 0 })
  await codes(2, () => bingx({ account: alice, ...wrong }))
  expect(exchange.stats().banned).toBe(1)
})
