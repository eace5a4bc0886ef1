import { describe, expect, expectTypeOf, it } from 'vitest'
import { type BingxAccount, BingxError, type EndpointName, type PublicEndpointName } from '../src/index.ts'
import { KEYS, world } from './support/exchange.ts'
import { recording } from './support/recording.ts'
import { failure, settle } from './support/settle.ts'

const ORDER = 'POST /openApi/swap/v2/trade/order'
const DEPTH = 'GET /openApi/swap/v2/quote/depth'
const NEW = 'GET /openApi/swap/v9/user/new'
const EXPECTED =
  'expected an endpoint such as "GET /openApi/swap/v3/user/balance", the method one of GET, POST, PUT, DELETE, ' +
  'the path of letters, digits, "_", "-", "." and single "/", got'

/** As a caller without types would. */
const untyped = (value: unknown) => value as never

describe('account.call', () => {
  it('gives what the typed call gives, before it is read, and shares its turn', async () => {
    await using it = await world()
    const { account, clock, exchange } = it
    const startMs = clock.nowMs()
    const both = await settle(
      Promise.all(
        Array.from({ length: 6 }, () => [
          account.call('GET /openApi/swap/v3/user/balance'),
          account.swap.balance(),
        ]).flat(),
      ),
      clock,
      10,
    )
    expect(both[0]).toMatchObject([{ asset: 'USDT', userId: '116***295' }, { asset: 'USDC' }])
    expect(exchange.stats()).toMatchObject({ accepted: 12, refused: 0 })
    // Twelve at five a second.
    expect(clock.nowMs() - startMs).toBeGreaterThanOrEqual(2000)
  })

  it('sends parameters in the query, sorted and signed, whatever the method', async () => {
    const it = recording()
    const params = { symbol: 'BTC-USDT', side: 'BUY', reduceOnly: false, quantity: 0.5, none: undefined }
    await settle(it.account.call(ORDER, params), it.clock)
    expect(it.sent[0]).toMatchObject({ method: 'POST', body: '', apiKey: KEYS.apiKey })
    expect(it.sent[0]?.url.search).toMatch(
      /^\?quantity=0\.5&recvWindow=5000&reduceOnly=false&side=BUY&symbol=BTC-USDT&timestamp=\d{13}&signature=[0-9a-f]{64}$/,
    )
  })

  it('sends a public endpoint without key and signature', async () => {
    const it = recording()
    await settle(it.account.call(DEPTH, { symbol: 'BTC-USDT' }), it.clock)
    expect(it.sent[0]).toMatchObject({ apiKey: null })
    expect(it.sent[0]?.url.search).toBe('?symbol=BTC-USDT')
  })

  it('keeps every digit', async () => {
    const data = '{"orderId":9007199254740993,"price":0.10,"time":1700000000000,"n":1.5}'
    const it = recording(() => new Response(`{"code":0,"data":${data}}`))
    expect(await settle(it.account.call('GET /openApi/swap/v2/trade/order'), it.clock)).toEqual({
      orderId: '9007199254740993',
      price: '0.10',
      time: 1_700_000_000_000,
      n: 1.5,
    })
  })

  it.each(['{"total":1,"rows":[{"tranId":9007199254740993}]}', '[{"coin":"USDT"}]', '{"listenKey":"a"}', '[]'])(
    'gives an answer without an envelope as it is: %s',
    async text => {
      const it = recording(() => new Response(text))
      const body: unknown = JSON.parse(text.replace('9007199254740993', '"9007199254740993"'))
      expect(await settle(it.account.call('GET /openApi/api/v3/capital/deposit/hisrec'), it.clock)).toEqual(body)
    },
  )

  it.each([
    ['PUT /openApi/user/auth/userDataStream', 200],
    ['DELETE /openApi/user/auth/userDataStream', 204],
  ])('%s is done by its status alone', async (name, status) => {
    const it = recording(() => new Response(status === 204 ? null : '', { status }))
    expect(await settle(it.account.call(name), it.clock)).toBeUndefined()
  })

  it.each<[string, string, number, object]>([
    ['GET /openApi/swap/v3/user/balance', '', 200, { kind: 'malformed' }],
    ['GET /openApi/swap/v3/user/balance', '"fine"', 200, { kind: 'malformed' }],
    ['GET /openApi/swap/v3/user/balance', '<html>', 200, { kind: 'malformed' }],
    ['GET /openApi/swap/v3/user/balance', '{"error":"not found"}', 404, { kind: 'fatal', code: 404 }],
    ['GET /openApi/swap/v3/user/balance', '{"state":"queued"}', 202, { kind: 'malformed', code: 202 }],
    ['GET /openApi/swap/v3/user/balance', '{"code":100413,"msg":"Incorrect apiKey"}', 200, { kind: 'key' }],
    [ORDER, '', 200, { kind: expect.stringMatching(/^(malformed|lost)$/) }],
    ['PUT /openApi/user/auth/userDataStream', '', 404, { kind: 'fatal' }],
  ])('%s answered %j, HTTP %i: %o', async (name, text, status, expected) => {
    const it = recording(() => new Response(text, { status }))
    const error = await failure(it.account.call(name), it.clock)
    expect(error).toBeInstanceOf(BingxError)
    expect(error).toMatchObject({ ...expected, endpoint: name, uid: 'u1' })
  })

  it.each(['GET', 'POST', 'PUT', 'DELETE'])('%s: sent again only where it changes nothing', async method => {
    const it = recording(() => Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' })))
    expect(await failure(it.account.call(`${method} /openApi/swap/v2/trade/order`), it.clock)).toMatchObject({
      kind: 'lost',
    })
    expect(it.sent).toHaveLength(method === 'GET' ? 4 : 1)
  })

  it('does not send a public POST again either', async () => {
    const it = recording(() => Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' })))
    await failure(it.bingx.call('POST /openApi/new'), it.clock)
    expect(it.sent).toHaveLength(1)
  })

  it('takes priority, maxWaitMs and signal', async () => {
    const it = recording()
    it.scheduler.hold({ exchange: 'bingx' }, { forMs: 60_000, reason: 'a wait' })
    expect(await failure(it.account.call(ORDER, {}, { maxWaitMs: 5 }), it.clock)).toMatchObject({ code: 'MAX_WAIT' })
    const signal = AbortSignal.abort(new Error('no more'))
    expect(await failure(it.account.call(ORDER, {}, { signal, priority: 2 }), it.clock)).toMatchObject({
      message: 'no more',
    })
  })
})

describe('an endpoint that is not documented', () => {
  const limitsOf = (it: ReturnType<typeof recording>) =>
    [...it.labels].map(labels =>
      it.scheduler
        .explain({ labels })
        .gates.filter(({ kind }) => kind === 'bucket')
        .map(({ name, limit }) => `${name} ${limit}`)
        .sort(),
    )

  it('goes under the strictest limits of its kind', async () => {
    const it = recording()
    await settle(it.account.call(NEW), it.clock)
    await settle(it.bingx.call('GET /openApi/new/quote'), it.clock)
    expect(limitsOf(it)).toEqual([
      ['bingx ip×endpoint 300', 'bingx ip×group 2000', 'bingx uid×endpoint 1'],
      ['bingx ip×market 10 s 500', 'bingx ip×market 60 s 1000', 'bingx ip×market endpoint 500'],
    ])
    expect(it.sent.map(({ apiKey }) => apiKey === null)).toEqual([false, true])
  })

  it('goes under the limit that its first call names, for every account of the client', async () => {
    const it = recording()
    await settle(it.account.call(NEW, {}, { limit: { uid: 7 } }), it.clock)
    await settle(it.account.call(NEW), it.clock)
    const other = it.bingx.account({ apiKey: 'another-key', secretKey: 'another-secret', uid: 'u2' })
    await settle(other.call(NEW, {}, { limit: { uid: 7 }, priority: 1 }), it.clock)
    expect(it.labels.size).toBe(2)
    for (const limits of limitsOf(it)) expect(limits).toContain('bingx uid×endpoint 7')
    await expect(it.account.call(NEW, {}, { limit: { uid: 8 } })).rejects.toThrow(
      new TypeError(
        `account.call("${NEW}"): option "limit": expected 7 a second for this endpoint, as in its first call, got 8`,
      ),
    )
  })

  it('is kept apart, as public and as signed', async () => {
    const it = recording()
    await settle(it.account.call(NEW), it.clock)
    await settle(it.bingx.call(NEW), it.clock)
    await settle(it.account.call(NEW), it.clock)
    expect(it.sent.map(({ apiKey }) => apiKey === null)).toEqual([false, true, false])
    expect(it.labels.size).toBe(2)
  })

  it('can not fill the memory', async () => {
    const it = recording()
    it.scheduler.hold({ exchange: 'bingx' }, { forMs: 60_000, reason: 'a wait' })
    const refused = Array.from({ length: 1001 }, (_, i) =>
      it.bingx.call(`GET /openApi/order/${i}`, {}, { maxWaitMs: 0 }).catch(error => error),
    )
    expect((await settle(Promise.all(refused), it.clock)).filter(error => error instanceof TypeError)).toEqual([
      new TypeError(
        'bingx.call("GET /openApi/order/1000"): expected at most 1000 endpoints that are not documented, got one more',
      ),
    ])
  })
})

describe('what can not be sent', () => {
  const it0 = recording()
  const { account, bingx } = it0

  it.each([
    'get /openApi/swap/v3/user/balance',
    'PATCH /openApi/swap/v3/user/balance',
    'HEAD /openApi/swap/v3/user/balance',
    '/openApi/swap/v3/user/balance',
    'GET openApi/swap/v3/user/balance',
    'GET  /openApi/swap/v3/user/balance',
    ' GET /openApi/swap/v3/user/balance',
    'GET /openApi/swap/v3/user/balance ',
    'GET /openApi/swap/v3/user/balance\n',
    'GET\t/openApi/swap/v3/user/balance',
    'GET /openApi/swap/v3/user balance',
    'GET /openApi',
    'GET /openApi/',
    'GET /openapi/swap/v3/user/balance',
    'GET /openApi//swap/v3/user/balance',
    'GET /openApi/swap/v3/user/balance/',
    'GET /openApi/../swap',
    'GET /openApi/swap/..',
    'GET /openApi/a..b',
    'GET /openApi/./swap',
    'GET /openApi/swap/.',
    'GET /openApi/swap?symbol=BTC-USDT',
    'GET /openApi/swap#x',
    'GET /openApi/swap%2Fv3',
    'GET /openApi/swap\\v3',
    'GET /openApi/größe',
    'GET //evil.example/openApi/swap',
    'GET /openApi@evil.example/swap',
    'GET https://open-api.bingx.com/openApi/swap',
    '',
  ])('%j', async name => {
    await expect(account.call(name)).rejects.toThrow(`account.call: ${EXPECTED}`)
    await expect(account.call(name)).rejects.toBeInstanceOf(TypeError)
    await expect(bingx.call(name)).rejects.toThrow(`bingx.call: ${EXPECTED}`)
  })

  it.each([undefined, null, 7, {}, ['GET /openApi/x'], Symbol('x')])('%o', async name => {
    await expect(account.call(untyped(name))).rejects.toThrow(`account.call: ${EXPECTED}`)
    await expect(bingx.call(untyped(name))).rejects.toThrow(`bingx.call: ${EXPECTED}`)
  })

  it.each<[string, unknown, string]>([
    ['&', { symbol: 'A&side=SELL' }, 'parameter "symbol": expected a string without & = ? # and line breaks'],
    ['=', { symbol: 'A=B' }, 'parameter "symbol": expected a string without'],
    ['?', { symbol: 'A?' }, 'parameter "symbol": expected a string without'],
    ['#', { symbol: 'A#' }, 'parameter "symbol": expected a string without'],
    ['line feed', { symbol: 'A\nB' }, 'parameter "symbol": expected a string without'],
    ['carriage return', { symbol: 'A\rB' }, 'parameter "symbol": expected a string without'],
    ['line separator', { symbol: 'A\u2028B' }, 'parameter "symbol": expected a string without'],
    ['a name', { 'a=b': 1 }, 'parameter "a=b": expected a string without'],
    ['an object', { symbol: {} }, 'parameter "symbol": expected a string without'],
    ['NaN', { limit: Number.NaN }, 'parameter "limit": expected a string without'],
    ['no object', 'symbol=A', 'expected an object of parameters, got "symbol=A"'],
    ['null', null, 'expected an object of parameters, got null'],
  ])('a parameter: %s', async (_, params, message) => {
    const where = `("${DEPTH}"): ${message}`
    await expect(account.call(DEPTH, untyped(params))).rejects.toThrow(`account.call${where}`)
    await expect(bingx.call(DEPTH, untyped(params))).rejects.toThrow(`bingx.call${where}`)
    await expect(account.call(ORDER, untyped(params))).rejects.toThrow(`account.call("${ORDER}"): ${message}`)
  })

  it.each(['timestamp', 'signature', 'recvWindow'])('a parameter that the client sets: %s', async name => {
    await expect(account.call(ORDER, { [name]: 1 })).rejects.toThrow(
      new TypeError(
        `account.call("${ORDER}"): parameter "${name}": expected none of this name, which the client sets by itself, got 1`,
      ),
    )
  })

  it.each<[unknown, string]>([
    [{ timeout: 5 }, 'unknown option "timeout": expected one of priority, maxWaitMs, signal, coalesce, got 5'],
    [null, 'expected an object of options, got null'],
    ['fast', 'expected an object of options, got "fast"'],
    [{ limit: 5 }, 'option "limit": expected an object such as { uid: 5 }, got 5'],
    [{ limit: null }, 'option "limit": expected an object such as { uid: 5 }, got null'],
    [{ limit: {} }, 'option "limit": option "uid": expected a whole number from 1 to 1000, got undefined'],
    [{ limit: { uid: 0 } }, 'option "limit": option "uid": expected a whole number from 1 to 1000, got 0'],
    [{ limit: { uid: 1.5 } }, 'option "limit": option "uid": expected a whole number from 1 to 1000, got 1.5'],
    [{ limit: { ip: 5 } }, 'option "limit": unknown option "ip": expected one of uid, got 5'],
  ])('an option: %o', async (options, message) => {
    await expect(account.call(NEW, {}, untyped(options))).rejects.toThrow(
      new TypeError(`account.call("${NEW}"): ${message}`),
    )
  })

  it('a limit for a documented endpoint, or for a public one', async () => {
    for (const name of [ORDER, DEPTH]) {
      await expect(account.call(name, {}, { limit: { uid: 9 } })).rejects.toThrow(
        new TypeError(
          `account.call("${name}"): option "limit": expected none for an endpoint with documented limits, got one`,
        ),
      )
    }
    await expect(bingx.call(DEPTH, {}, untyped({ limit: { uid: 9 } }))).rejects.toThrow('unknown option "limit"')
  })

  it('never leaves', () => expect([...it0.sent, ...it0.labels]).toEqual([]))
})

it('offers the names of endpoints, and takes others', () => {
  expectTypeOf<'PUT /openApi/user/auth/userDataStream'>().toExtend<EndpointName>()
  expectTypeOf<PublicEndpointName>().toExtend<EndpointName>()
  expectTypeOf<typeof DEPTH>().toExtend<PublicEndpointName>()
  expectTypeOf<typeof ORDER>().not.toExtend<PublicEndpointName>()
  expectTypeOf<BingxAccount['call']['poll']>().parameter(1).toHaveProperty('limit')
  expectTypeOf<string>().toExtend<Parameters<BingxAccount['call']>[0]>()
})
