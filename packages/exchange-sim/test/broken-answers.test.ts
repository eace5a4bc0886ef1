import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { caller, codes, serverTime, start, swapBalance } from './helpers.ts'

/** What arrives on the wire: the promised length, the bytes, and whether the answer came to its end. */
function raw(url: string): Promise<{ promised: number; text: string; complete: boolean }> {
  return new Promise((resolve, reject) => {
    const call = request(url, response => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('error', () => undefined)
      response.on('close', () =>
        resolve({ promised: Number(response.headers['content-length']), text, complete: response.complete }),
      )
    })
    call.on('error', reject)
    call.end()
  })
}

test.each([403, 418, 429, 500, 502, 503, 504])('an HTML page with status %i', async status => {
  const { exchange, clock } = await start()
  const { bingx, coinw } = caller(exchange, clock)
  exchange.fault({ times: 2, reply: { status, body: '<html>no</html>' } })
  for (const call of [bingx, coinw]) {
    const seen = await call()
    expect([seen.status, seen.headers.get('content-type'), seen.body]).toEqual([status, 'text/html', '<html>no</html>'])
  }
})

test('a status, headers of one’s own and nothing else: the exchange’s answer otherwise unchanged', async () => {
  const { exchange, clock } = await start()
  const { bingx } = caller(exchange, clock)
  const headers = { 'X-RateLimit-Requests-Remain': '77' }
  exchange.fault({ reply: { status: 503, headers } })
  const { status, headers: seen, body } = await bingx()
  expect([status, seen.get('x-ratelimit-requests-remain'), body.code]).toEqual([503, '77', 0])
  expect(seen.get('x-ratelimit-requests-expire')).toBe('1000')
})

describe('half a body', () => {
  test('silent: as if it were the whole', async () => {
    const { exchange } = await start()
    const url = exchange.bingxUrl + serverTime
    const whole = await raw(url)
    exchange.fault({ reply: { half: 'silent' } })
    const half = await raw(url)
    expect(whole.complete).toBe(true)
    expect(half).toEqual({
      promised: Math.floor(whole.promised / 2),
      text: whole.text.slice(0, Math.floor(whole.promised / 2)),
      complete: true,
    })
  })

  test('cut: the whole is promised, and the connection breaks in the middle; the call is counted', async () => {
    const { exchange, clock } = await start()
    const url = exchange.bingxUrl + serverTime
    const whole = await raw(url)
    exchange.fault({ times: 2, reply: { half: 'cut' } })
    const half = await raw(url)
    expect(half).toEqual({
      promised: whole.promised,
      text: whole.text.slice(0, Math.floor(whole.promised / 2)),
      complete: false,
    })
    await expect(caller(exchange, clock).bingx()).rejects.toThrow('terminated')
    expect(exchange.stats()).toMatchObject({ accepted: 3, failed: 0 })
  })
})

test('a body blown up to a size is still JSON', async () => {
  const { exchange } = await start()
  exchange.fault({ reply: { padToBytes: 3_000_000 } })
  const { promised, text, complete } = await raw(exchange.bingxUrl + serverTime)
  expect([promised, text.length, complete]).toEqual([3_000_000, 3_000_000, true])
  expect(JSON.parse(text).code).toBe(0)
})

test('504 before the call is counted leaves the quota whole; after, it does not', async () => {
  for (const [counted, left] of [
    [false, [0, 0, 0, 0, 0]],
    [true, [0, 0, 0, 0, 100410]],
  ] as const) {
    const { exchange, clock } = await start()
    const { bingx } = caller(exchange, clock)
    exchange.fault({ counted, reply: { status: 504, body: '<html>Gateway Time-out</html>' } })
    expect((await bingx()).status).toBe(504)
    expect(await codes(5, bingx)).toEqual(left)
  }
})

test('faults from the start, in the options', async () => {
  const busy = { code: 100500, msg: 'busy' }
  const calls = [{ endpoint: swapBalance, uid: 'bob', times: 1, reply: busy }]
  const { exchange, clock } = await start({ faults: { calls } })
  const { bingx } = caller(exchange, clock)
  expect(await codes(1, bingx)).toEqual([0])
  const bob = { apiKey: 'key-of-bob', secretKey: 'secret-of-bob' }
  expect(await codes(2, () => bingx({ account: bob }))).toEqual([100500, 0])
  await expect(start({ faults: { calls: [{ endpoint: '/openApi/none', reply: 'drop' }] } })).rejects.toThrow(
    'startExchange: faults.calls[0].endpoint must be a documented one, but got "/openApi/none"',
  )
})

test('shares of all calls: gateway time-outs, half bodies and cut bodies, all of them counted', async () => {
  const fate = async (faults: object): Promise<unknown> => {
    const { exchange, clock } = await start({ faults })
    const { bingx } = caller(exchange, clock)
    const seen = await bingx().then(
      ({ status }) => status,
      error => error.name,
    )
    expect(exchange.stats().accepted).toBe(1)
    return seen
  }
  expect(await fate({ gatewayTimeouts: 1 })).toBe(504)
  expect(await fate({ halfBodies: 1 })).toBe('SyntaxError')
  expect(await fate({ cutBodies: 1 })).toBe('TypeError')
})
