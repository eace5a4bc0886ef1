import { getEventListeners } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { ClosedError, createScheduler, MaxWaitError, RefusedError, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MAX_BODY_BYTES } from '../src/body.ts'
import { ExchangeError } from '../src/errors.ts'
import { API_KEY, failure, SECRET, settle, testClient } from './support/client.ts'
import { type Reply, type ScriptedServer, scriptedServer } from './support/scripted-server.ts'

const open: ScriptedServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map(server => server.close()))
})

async function serve(...script: readonly Reply[]): Promise<ScriptedServer> {
  const server = await scriptedServer(...script)
  open.push(server)
  return server
}

const ok: Reply = { body: '0|done' }
const admissions = (events: readonly { type: string }[]) => events.filter(({ type }) => type === 'admitted').length
const queriesOf = (server: ScriptedServer) => server.requests.map(({ url }) => new URL(url, server.url).searchParams)
const all = (server: ScriptedServer, name: string) => queriesOf(server).map(query => query.get(name))

describe('a call that is answered', () => {
  it('sends one request, with what was signed', async () => {
    const server = await serve(ok)
    const { exchange, clock, call, events } = await testClient(server.url)
    expect(await settle(exchange.call(call, {}), clock)).toEqual({ status: 'fulfilled', value: 'done' })
    expect(server.requests).toHaveLength(1)
    expect(server.requests[0]).toMatchObject({ method: 'GET', headers: { 'x-key': API_KEY } })
    expect(admissions(events)).toBe(1)
  })

  it('frees its token from the headers on, not from the end of the body', async () => {
    const server = await serve('hang-body')
    const { exchange, clock, call } = await testClient(server.url, { limit: 1 })
    const controller = new AbortController()
    const done = exchange.call(call, { signal: controller.signal }).catch(() => {})
    await server.received(1)
    // Null while it hangs on an answer; the headers need real time.
    const waitMs = () => exchange.scheduler.snapshot().buckets[0]?.waitMs
    while (waitMs() === null) await clock.advance(0)
    expect(waitMs()).toBeLessThanOrEqual(1001)
    expect(exchange.scheduler.snapshot().counters.running).toBe(1)
    controller.abort()
    await done
  })

  it('uses no timer of the host: pauses and time-outs are on the clock', async () => {
    const bodies = ['3|busy', '3|busy', '0|done']
    const fetch = async () => new Response(bodies.shift())
    const { exchange, clock, call } = await testClient('http://127.0.0.1:1', { fetch })
    const hostTimers = vi.spyOn(globalThis, 'setTimeout')
    expect(await settle(exchange.call(call, {}), clock)).toMatchObject({ value: 'done' })
    expect(hostTimers).not.toHaveBeenCalled()
    hostTimers.mockRestore()
  })
})

describe('a call whose answer is lost', () => {
  it.each<[string, Reply]>([
    ['the connection is cut before the answer', 'drop'],
    ['the connection is cut in the body', 'break-body'],
  ])('%s: a read goes again, admitted anew, signed anew', async (_, reply) => {
    const server = await serve(reply, reply, ok)
    const { exchange, clock, call, events } = await testClient(server.url)
    expect(await settle(exchange.call(call, {}), clock)).toMatchObject({ value: 'done' })
    expect(server.requests).toHaveLength(3)
    expect(admissions(events)).toBe(3)
    expect(new Set(all(server, 'signature')).size).toBe(3)
    expect(new Set(all(server, 'timestamp')).size).toBe(3)
  })

  it('is never sent again when it is a write', async () => {
    const server = await serve('drop')
    const { exchange, clock, call } = await testClient(server.url)
    expect(await failure(exchange.call({ ...call, repeatable: false }, {}), clock)).toMatchObject({
      kind: 'lost',
      uid: 'me',
    })
    expect(server.requests).toHaveLength(1)
  })

  it.each<[string, Reply]>([
    ['drop', 'drop'],
    ['half a body', 'break-body'],
  ])('says in words that nobody knows what became of a write (%s)', async (_, reply) => {
    const server = await serve(reply)
    const { exchange, clock, call } = await testClient(server.url)
    const error = await failure(exchange.call({ ...call, repeatable: false }, {}), clock)
    expect(error).toMatchObject({ kind: 'lost' })
    expect((error as Error).message).toContain('(lost: nobody knows whether it was done, so it is not sent again)')
  })

  it('goes again as often as it may, then says what happened', async () => {
    const server = await serve('drop')
    const { exchange, clock, call, events } = await testClient(server.url, { retries: 2 })
    const error = await failure(exchange.call(call, {}), clock)
    expect(error).toBeInstanceOf(ExchangeError)
    expect(error).toMatchObject({ kind: 'lost', code: 'UND_ERR_SOCKET', endpoint: 'GET /thing' })
    expect(server.requests).toHaveLength(3)
    expect(events.filter(({ type }) => type === 'lost')).toHaveLength(3)
  })

  it('gives up an attempt after timeoutMs', async () => {
    const server = await serve('hang', ok)
    const { exchange, clock, call, events } = await testClient(server.url, { timeoutMs: 5000 })
    const done = exchange.call(call, {})
    await server.received(1)
    await clock.advance(4999)
    expect(events.map(({ type }) => type)).not.toContain('lost')
    await clock.advance(1)
    expect(events.map(({ type }) => type)).toContain('lost')
    // The backoff; the second attempt has its own 5 seconds.
    await clock.advance(200)
    await server.received(2)
    await expect(done).resolves.toBe('done')
    expect(new Set(all(server, 'timestamp')).size).toBe(2)
  })

  it('counts a body that stalls into timeoutMs; the server has counted that call', async () => {
    const server = await serve('hang-body')
    const { exchange, clock, call, events } = await testClient(server.url, { timeoutMs: 5000, retries: 0 })
    const done = exchange.call(call, {}).catch((error: unknown) => error)
    await server.received(1)
    while (!(await Promise.race([done, clock.advance(100).then(() => undefined)]))) {
      /* the headers need real time */
    }
    expect(await done).toMatchObject({ kind: 'lost', code: 'TIMEOUT', msg: 'no answer within 5000 ms' })
    expect(events.map(({ type }) => type)).not.toContain('lost')
  })

  it('is lost too when a shared scheduler gives it up first', async () => {
    const server = await serve('hang', ok)
    const clock = virtualClock()
    const limits = [tokenBucket({ name: 'shared', limit: 9, windowMs: 1000, by: ['uid'] })]
    const scheduler = createScheduler({ limits, clock, timeoutMs: 2000, coldStart: 'full' })
    const client = await testClient(server.url, { scheduler, clock })
    const done = client.exchange.call({ ...client.call, sign: () => ({ method: 'GET', url: server.url }) }, {})
    await server.received(1)
    await clock.advance(2000)
    await clock.advance(1000)
    await server.received(2)
    await expect(done).resolves.toBe('done')
  })
})

describe('a call that never left', () => {
  it('gives its tokens back, and may go again even when it is a write', async () => {
    const closed = await scriptedServer()
    await closed.close()
    const { exchange, clock, call, events } = await testClient(closed.url, { retries: 2 })
    const error = await failure(exchange.call({ ...call, repeatable: false }, {}), clock)
    expect(error).toMatchObject({ kind: 'transient', code: 'ECONNREFUSED' })
    expect(admissions(events)).toBe(3)
    expect(events.map(({ type }) => type)).not.toContain('lost')
    expect(exchange.scheduler.snapshot().counters).toMatchObject({ lost: 0, unsent: 3 })
  })

  it('ends with a TypeError when it can not be signed, and uses no token', async () => {
    const server = await serve(ok)
    const { exchange, clock, call } = await testClient(server.url)
    const sign = () => {
      throw new TypeError('parameter "x"')
    }
    expect(await failure(exchange.call({ ...call, sign }, {}), clock)).toEqual(new TypeError('parameter "x"'))
    expect(server.requests).toHaveLength(0)
    expect(exchange.scheduler.snapshot().counters).toMatchObject({ admitted: 1, unsent: 1 })
  })
})

describe('a transient answer', () => {
  it('goes again after a pause', async () => {
    const server = await serve({ body: '3|busy' }, { body: '3|busy' }, ok)
    const { exchange, clock, call } = await testClient(server.url)
    expect(await settle(exchange.call(call, {}), clock)).toMatchObject({ value: 'done' })
    expect(new Set(all(server, 'signature')).size).toBe(3)
  })

  it('pauses half of 250 ms and of 500 ms on the clock, with a random number of 0.5', async () => {
    const server = await serve({ body: '3|busy' }, { body: '3|busy' }, ok)
    const { exchange, clock, call } = await testClient(server.url)
    const done = exchange.call(call, {})
    await server.received(1)
    // Nothing but the pause is on the clock once the answer is in.
    const paused = async (ms: number, next: number) => {
      while (exchange.scheduler.snapshot().counters.running > 0) await clock.advance(0)
      await clock.advance(ms - 1)
      expect(server.requests).toHaveLength(next - 1)
      await clock.advance(1)
      await server.received(next)
    }
    await paused(125, 2)
    await paused(250, 3)
    await expect(done).resolves.toBe('done')
  })

  it('is not asked for a second time when it was a write', async () => {
    const server = await serve({ body: '3|busy' })
    const { exchange, clock, call } = await testClient(server.url)
    expect(await failure(exchange.call({ ...call, repeatable: false }, {}), clock)).toMatchObject({
      kind: 'transient',
      code: 3,
    })
    expect(server.requests).toHaveLength(1)
  })

  it('rejects with the last answer', async () => {
    const server = await serve({ body: '3|first' }, { body: '3|last' })
    const { exchange, clock, call } = await testClient(server.url, { retries: 1 })
    expect(await failure(exchange.call(call, {}), clock)).toMatchObject({ kind: 'transient', msg: 'last' })
    expect(server.requests).toHaveLength(2)
  })
})

describe('an answer that is an error', () => {
  it.each([
    { status: 429, headers: { 'retry-after': '0' } },
    { status: 500 },
    { status: 503, headers: { 'retry-after': '0' } },
    { status: 408 },
  ])('%o is one request: nobody below the gate sends it again', async reply => {
    const server = await serve({ ...reply, body: 'no' })
    const { exchange, clock, call } = await testClient(server.url)
    expect(await failure(exchange.call(call, {}), clock)).toMatchObject({
      kind: 'fatal',
      code: reply.status,
      msg: 'no',
    })
    expect(server.requests).toHaveLength(1)
  })

  it.each([301, 302, 303, 307, 308])('a redirect (%i) is not followed', async status => {
    const target = await serve(ok)
    const server = await serve({ status, headers: { location: `${target.url}/elsewhere` } })
    const { exchange, clock, call } = await testClient(server.url)
    const error = await failure(exchange.call(call, {}), clock)
    expect(error).toMatchObject({ kind: 'fatal', code: status, msg: 'a redirect, which is not followed' })
    expect(target.requests).toHaveLength(0)
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    ['announced', { 'content-length': String(MAX_BODY_BYTES + 1) }],
    ['chunked', undefined],
  ])('a body of over 8 MiB (%s) is not read', async (_, headers) => {
    const server = await serve({ body: 'x'.repeat(MAX_BODY_BYTES + 1), ...(headers && { headers }) })
    const { exchange, clock, call } = await testClient(server.url)
    const error = await failure(exchange.call(call, {}), clock)
    expect(error).toMatchObject({ kind: 'malformed', code: 200, msg: `a body of over ${MAX_BODY_BYTES} bytes` })
    expect(server.requests).toHaveLength(1)
  })

  it('a body of 8 MiB is read', async () => {
    const server = await serve({ body: `0|${'x'.repeat(MAX_BODY_BYTES - 2)}` })
    const { exchange, clock, call } = await testClient(server.url)
    expect(await settle(exchange.call(call, {}), clock)).toMatchObject({ status: 'fulfilled' })
  })
})

describe('a refusal', () => {
  it('without a time: goes again through the gate, signed anew, as often as it may', async () => {
    const server = await serve({ body: '1|slow down' })
    const { exchange, clock, call, events } = await testClient(server.url, { retries: 2 })
    const error = await failure(exchange.call(call, {}), clock)
    expect(error).toMatchObject({ kind: 'refused', code: 1, msg: 'slow down', uid: 'me' })
    expect((error as Error).cause).toBeInstanceOf(RefusedError)
    expect(server.requests).toHaveLength(3)
    expect(new Set(all(server, 'signature')).size).toBe(3)
    expect(events.filter(({ type }) => type === 'refused')).toHaveLength(3)
  })

  it('with a time: nothing is sent while it lasts, then the call goes on by itself', async () => {
    const server = await serve({ body: '2|banned' }, ok)
    const { exchange, clock, call, events } = await testClient(server.url, { retries: 1 })
    const done = exchange.call(call, {})
    await server.received(1)
    while (!events.some(({ type }) => type === 'held')) await clock.advance(0)
    const others = [exchange.call(call, {}), exchange.call(call, {})]
    await clock.advance(60_000)
    expect(server.requests).toHaveLength(1)
    const results = await Promise.all([done, ...others].map(each => settle(each, clock)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    expect(server.requests).toHaveLength(4)
  })

  it('with a time beyond maxWaitMs: rejects, and says until when', async () => {
    const server = await serve({ body: '2|banned' })
    const { exchange, clock, call } = await testClient(server.url)
    const error = await failure(exchange.call(call, { maxWaitMs: 10_000 }), clock)
    expect(error).toMatchObject({ kind: 'held', code: 2, msg: 'banned', untilMs: 99 })
    expect(server.requests).toHaveLength(1)
    // The ban is known all the same.
    expect(exchange.scheduler.explain({ labels: call.labels })).toMatchObject({ go: false })
  })

  it('of another call with a time beyond maxWaitMs: rejects as the gate does, unsent', async () => {
    const server = await serve(ok)
    const { exchange, clock, call } = await testClient(server.url)
    exchange.scheduler.hold({ exchange: 'test', uid: 'me' }, { forMs: 60_000, reason: 'test' })
    expect(await failure(exchange.call(call, { maxWaitMs: 10_000 }), clock)).toBeInstanceOf(MaxWaitError)
    expect(server.requests).toHaveLength(0)
  })
})

describe('maxWaitMs', () => {
  it('holds for repetitions too: the failure is told, not the wait', async () => {
    const server = await serve({ body: '3|busy' })
    const { exchange, clock, call } = await testClient(server.url)
    const error = await failure(exchange.call(call, { maxWaitMs: 100 }), clock)
    expect(error).toMatchObject({ kind: 'transient', msg: 'busy' })
    expect(server.requests).toHaveLength(1)
  })
})

describe('abort', () => {
  it('while the call waits: it is never sent', async () => {
    const server = await serve(ok)
    const { exchange, clock, call } = await testClient(server.url)
    exchange.scheduler.hold({ exchange: 'test' }, { forMs: 60_000, reason: 'test' })
    const controller = new AbortController()
    const done = exchange.call(call, { signal: controller.signal })
    controller.abort('enough')
    expect(await failure(done, clock)).toBe('enough')
    expect(server.requests).toHaveLength(0)
  })

  it('while it runs: the request is cut, the token counts as lost, nothing goes again', async () => {
    const server = await serve('hang')
    const { exchange, clock, call, events } = await testClient(server.url)
    const controller = new AbortController()
    const done = exchange.call(call, { signal: controller.signal })
    await server.received(1)
    const reason = new Error('enough')
    controller.abort(reason)
    await expect(done).rejects.toBe(reason)
    expect(events.map(({ type }) => type)).toContain('lost')
    await clock.advance(60_000)
    expect(server.requests).toHaveLength(1)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('once it was let through, before it is sent: its token is back at once', async () => {
    const server = await serve(ok)
    const { exchange, clock, call, events } = await testClient(server.url)
    const controller = new AbortController()
    const sign = () => {
      controller.abort('enough')
      return call.sign()
    }
    expect(await failure(exchange.call({ ...call, sign }, { signal: controller.signal }), clock)).toBe('enough')
    expect(events.map(({ type }) => type)).not.toContain('lost')
    expect(exchange.scheduler.snapshot().counters).toMatchObject({ admitted: 1, unsent: 1 })
    expect(server.requests).toHaveLength(0)
  })

  it('while it pauses before a repetition: rejects at once and leaves no timer', async () => {
    const server = await serve({ body: '3|busy' })
    const { exchange, clock, call } = await testClient(server.url)
    const controller = new AbortController()
    const done = exchange.call(call, { signal: controller.signal })
    await server.received(1)
    while (exchange.scheduler.snapshot().counters.running > 0) await clock.advance(0)
    await clock.advance(0)
    controller.abort('enough')
    await expect(done).rejects.toBe('enough')
    expect(server.requests).toHaveLength(1)
    await clock.advance(2000)
    expect(clock.pendingTimers).toBe(0)
  })

  it('before the call: nothing happens', async () => {
    const server = await serve(ok)
    const { exchange, clock, call } = await testClient(server.url)
    expect(await failure(exchange.call(call, { signal: AbortSignal.abort('before') }), clock)).toBe('before')
    expect(server.requests).toHaveLength(0)
  })
})

describe('close', () => {
  it('wakes a call that pauses before a repetition: it rejects with its failure', async () => {
    const server = await serve({ body: '3|busy' })
    const { exchange, clock, call } = await testClient(server.url)
    const done = exchange.call(call, {}).catch((error: unknown) => error)
    await server.received(1)
    while (exchange.scheduler.snapshot().counters.running > 0) await clock.advance(0)
    await clock.advance(0)
    await exchange.close()
    expect(await done).toMatchObject({ kind: 'transient', msg: 'busy' })
    expect(server.requests).toHaveLength(1)
    await expect(exchange.call(call, {})).rejects.toBeInstanceOf(ClosedError)
  })

  it('leaves a scheduler open that was passed in, but sends nothing more', async () => {
    const server = await serve(ok)
    const clock = virtualClock()
    const limits = [tokenBucket({ name: 'shared', limit: 9, windowMs: 1000, by: ['uid'] })]
    const scheduler = createScheduler({ limits, clock, coldStart: 'full' })
    const { exchange, call } = await testClient(server.url, { scheduler, clock })
    await exchange.close()
    await expect(exchange.call(call, {})).rejects.toBeInstanceOf(ClosedError)
    await expect(scheduler.schedule({ labels: { uid: 'x' } }, () => 'open')).resolves.toBe('open')
  })
})

describe('secrets', () => {
  // A part of all signatures here.
  const SIGNATURE = SECRET.slice(7)
  const signatureIn = (url: string) => url.slice(url.lastIndexOf('=') + 1)
  const shown = (value: unknown) =>
    `${inspect(value, { depth: 10, showHidden: true })} ${JSON.stringify(value)} ${String(value)}`

  function expectClean(value: unknown) {
    for (let each = value; each !== undefined; each = each instanceof Error ? each.cause : undefined) {
      const text = `${shown(each)} ${each instanceof Error ? `${each.stack} ${each.message}` : ''}`
      for (const secret of [API_KEY, SECRET, SIGNATURE]) expect(text).not.toContain(secret)
    }
  }

  it.each<[string, Reply]>([
    ['lost', 'drop'],
    ['broken', 'break-body'],
    ['redirected', { status: 302, headers: { location: `http://127.0.0.1:1/?signature=${SIGNATURE}` } }],
    ['too large', { body: 'x'.repeat(MAX_BODY_BYTES + 1) }],
    [
      'echoed in an error',
      request => ({ status: 400, body: `bad request: ${request.url} key ${API_KEY} secret ${SECRET}` }),
    ],
    ['echoed in a refusal', ({ url }) => ({ body: `1|${API_KEY} is too fast: ${signatureIn(url)}` })],
    ['echoed in a ban', ({ url }) => ({ body: `2|${API_KEY} is banned: ${signatureIn(url)}` })],
  ])('stand in no error and no event: %s', async (_, reply) => {
    const server = await serve(reply)
    const { exchange, clock, call, events } = await testClient(server.url, { retries: 1 })
    const error = await failure(exchange.call(call, { maxWaitMs: 20_000 }), clock)
    expect(error).toBeInstanceOf(ExchangeError)
    expectClean(error)
    expectClean(events)
    expectClean(exchange)
    expectClean(exchange.scheduler.snapshot())
  })

  it('stand in no error of a fetch that quotes what it was given', async () => {
    const fetch = async (input: unknown) => {
      const { url, headers } = input as Request
      throw Object.assign(new TypeError(`can't fetch ${url} with ${headers.get('x-key')}`, { cause: new Error(url) }), {
        url,
      })
    }
    const { exchange, clock, call } = await testClient('http://127.0.0.1:1', { fetch, retries: 0 })
    const error = await failure(exchange.call(call, {}), clock)
    expect(error).toMatchObject({ kind: 'lost', msg: 'http://127.0.0.1:1/thing?[redacted]' })
    expectClean(error)
  })

  it('stand in no error of an address or a header that can not be sent', async () => {
    const { exchange, clock, call } = await testClient('http://127.0.0.1:1', { retries: 0 })
    for (const request of [
      { method: 'GET', url: `nonsense?signature=${SIGNATURE}`, hide: [SIGNATURE] },
      { method: 'GET', url: 'http://127.0.0.1:1', headers: { 'X-KEY': `${API_KEY}\n` } },
    ] as const) {
      expectClean(await failure(exchange.call({ ...call, sign: () => request }, {}), clock))
    }
  })
})

describe('connections', () => {
  it('are free again after a redirect and after a body that was too long', async () => {
    let sockets = 0
    const server = createServer((_, response) => {
      response.writeHead(302, { location: '/' })
      response.end('x'.repeat(100_000))
    })
    server.on('connection', socket => {
      sockets++
      socket.on('close', () => sockets--)
    })
    await new Promise<void>(resolve => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { exchange, clock, call } = await testClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    for (let i = 0; i < 5; i++) await failure(exchange.call(call, {}), clock)
    while (sockets > 0) await clock.advance(0)
    server.close()
  })
})
