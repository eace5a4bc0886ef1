import { describe, expect, test } from 'vitest'
import { bob, caller, codes, serverTime, spotBalance, start, swapBalance } from './helpers.ts'

const name = `GET ${swapBalance}`

// The seeds' words, to the letter.
const disabled =
  'code:100410:The endpoint trigger frequency limit rule is currently in the disabled period ' +
  'and will be unblocked after'
const verify = 'for this api, please verify and fix it ,can retry after time:'

describe('disabled periods', () => {
  test('the twentieth refusal within ten seconds disables the endpoint for five minutes, for this UID', async () => {
    const { exchange, clock } = await start()
    const { bingx } = caller(exchange, clock)
    await codes(5, bingx)
    for (let refusal = 1; refusal < 20; refusal++) expect((await bingx()).body.msg).toBe('rate limited')
    const untilMs = clock.epoch + 300_000
    const words = `${disabled} ${untilMs}`
    expect((await bingx()).body).toEqual({ code: 100410, msg: words, timestamp: clock.epoch, data: {} })
    expect(exchange.stats()).toMatchObject({ banned: 1, intoBan: 0, refused: 20 })

    clock.step(299_999)
    expect((await bingx()).body).toEqual({ code: 100410, msg: words, timestamp: clock.epoch, data: {} })
    expect(exchange.stats()).toMatchObject({ banned: 1, intoBan: 1, refused: 21 })
    expect(await codes(1, () => bingx({ account: bob }))).toEqual([0])
    expect(await codes(1, () => bingx({ path: spotBalance }))).toEqual([0])

    clock.step(1)
    expect(await codes(1, bingx)).toEqual([0])
    expect(exchange.stats().bans).toEqual([
      { exchange: 'bingx', uid: 'alice', ip: null, endpoint: name, cause: 'frequency', atMs: 1000, untilMs: 301_000 },
    ])
  })

  test('refusals further apart do not add up', async () => {
    const { exchange, clock } = await start({ ban: { threshold: 2, windowMs: 100 } })
    const { bingx } = caller(exchange, clock)
    await codes(6, bingx)
    clock.step(100)
    await codes(1, bingx)
    expect(exchange.stats()).toMatchObject({ banned: 0, refused: 2 })
    clock.step(99)
    await codes(1, bingx)
    expect(exchange.stats()).toMatchObject({ banned: 1, refused: 3 })
  })

  test('calls into a ban extend it only where the option says so', async () => {
    for (const extend of [false, true]) {
      const { exchange, clock } = await start({ ban: { threshold: 1, lengthMs: 1000, extend } })
      const { bingx } = caller(exchange, clock)
      await codes(6, bingx)
      clock.step(600)
      const { body } = await bingx()
      expect(body.msg).toContain(`unblocked after ${clock.epoch + (extend ? 1000 : 400)}`)
      clock.step(400)
      expect(await codes(1, bingx)).toEqual([extend ? 100410 : 0])
    }
  })

  test('public calls are banned by address', async () => {
    const { exchange, clock } = await start()
    exchange.ban({ exchange: 'bingx', ip: '10.0.0.9', endpoint: serverTime, forMs: 1000 })
    const { bingx } = caller(exchange, clock)
    expect(await codes(1, () => bingx({ path: serverTime, query: '', ip: '10.0.0.9' }))).toEqual([100410])
    expect(await codes(1, () => bingx({ path: serverTime, query: '' }))).toEqual([0])
  })

  test('off: no refusal ever becomes a ban', async () => {
    const { exchange, clock } = await start({ ban: false })
    await codes(40, caller(exchange, clock).bingx)
    expect(exchange.stats()).toMatchObject({ refused: 35, banned: 0 })
  })
})

describe('bans imposed by a test', () => {
  test('hold at once, end on time, and say until when', async () => {
    const { exchange, clock } = await start()
    const { bingx } = caller(exchange, clock)
    const order = { exchange: 'bingx', uid: 'alice', endpoint: name, forMs: 5000 } as const
    expect(exchange.ban(order)).toBe(clock.epoch + 5000)
    expect((await bingx()).body.msg).toContain(`unblocked after ${clock.epoch + 5000}`)
    clock.step(5000)
    expect(await codes(1, bingx)).toEqual([0])
  })

  test('with the words of the error-count rule, as captured', async () => {
    const { exchange, clock } = await start()
    clock.epoch = 1727193970155 - 5000
    exchange.ban({ exchange: 'bingx', uid: 'alice', endpoint: name, forMs: 5000, wording: 'error-count' })
    expect((await caller(exchange, clock).bingx()).body.msg).toBe(
      `over 20 error code:100202 requests within 480000 ms ${verify} 1727193970155`,
    )
  })

  test('in renumbered codes', async () => {
    const { exchange, clock } = await start({ codes: 'new' })
    const { bingx } = caller(exchange, clock)
    const until = clock.epoch + 5000
    const order = { exchange: 'bingx', uid: 'alice', endpoint: name, forMs: 5000 } as const
    exchange.ban(order)
    expect((await bingx()).body).toMatchObject({
      code: 109429,
      msg: expect.stringMatching(/^code:109429:The endpoint/),
    })
    exchange.ban({ ...order, wording: 'error-count' })
    expect((await bingx()).body).toMatchObject({
      code: 109429,
      msg: `over 20 error requests within 480000ms ${verify} ${until}`,
    })
    exchange.ban({ ...order, endpoint: spotBalance })
    expect((await bingx({ path: spotBalance })).body.code).toBe(100410)
  })

  test('on CoinW they say what CoinW always says', async () => {
    const { exchange, clock } = await start()
    exchange.ban({ exchange: 'coinw', uid: 'alice', endpoint: 'returnBalances', forMs: 30_000 })
    const { coinw } = caller(exchange, clock)
    expect((await coinw()).body).toEqual({ code: 29001, msg: 'API access frequently' })
    clock.step(30_000)
    expect((await coinw()).body.code).toBe('200')
  })
})
