import { getEventListeners } from 'node:events'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, it } from 'vitest'
import { type Fetch, type SendOptions, send } from '../src/transport.ts'

const REQUEST = { method: 'GET', url: 'http://127.0.0.1:1/' } as const

function sending(fetch: Fetch, signal: AbortSignal = new AbortController().signal) {
  const clock = virtualClock()
  const seen: string[] = []
  const options: SendOptions = {
    fetch,
    clock,
    signal,
    timeoutMs: 1000,
    maxBodyBytes: 10,
    onHeaders: () => seen.push('headers'),
  }
  return { clock, seen, sent: send(REQUEST, options) }
}

/** Answers never; rejects as fetch does when it is aborted. */
const hanging: Fetch = input =>
  new Promise((_, reject) => {
    const { signal } = input as Request
    signal.addEventListener('abort', () => reject(signal.reason))
  })

describe('send', () => {
  it.each<[string, Fetch, object]>([
    ['an answer', async () => new Response('fine', { status: 418 }), { status: 418, text: 'fine' }],
    ['an answer without a body', async () => new Response(null, { status: 204 }), { status: 204, text: '' }],
    ['too long a body', async () => new Response('x'.repeat(11)), { why: 'too-large', code: 200 }],
    ['a redirect', async () => Response.redirect('http://127.0.0.1:2/', 307), { why: 'redirected', code: 307 }],
    [
      'a fault of fetch',
      () => Promise.reject(new RangeError('odd')),
      { why: 'broken', code: 'RangeError', detail: 'odd' },
    ],
    ['no error at all', () => Promise.reject('odd'), { why: 'broken', code: 'ERROR' }],
    [
      'a refused connection, as undici tells it for several addresses',
      () => {
        const causes = [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })]
        return Promise.reject(new TypeError('fetch failed', { cause: new AggregateError(causes) }))
      },
      { why: 'unsent', code: 'ECONNREFUSED', detail: 'connect', wasSent: false },
    ],
    [
      'a connection cut after the headers, whatever the code',
      async () =>
        new Response(
          new ReadableStream({
            pull: controller => controller.error(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })),
          }),
        ),
      { why: 'broken', code: 'ECONNREFUSED' },
    ],
  ])('%s: leaves no timer and no listener', async (_, fetch, expected) => {
    const { signal } = new AbortController()
    const { clock, sent } = sending(fetch, signal)
    expect(await sent).toMatchObject(expected)
    expect(clock.pendingTimers).toBe(0)
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('gives up after its time', async () => {
    const { signal } = new AbortController()
    const { clock, sent, seen } = sending(hanging, signal)
    await clock.advance(1000)
    expect(await sent).toMatchObject({ why: 'timeout', code: 'TIMEOUT', detail: 'no answer within 1000 ms' })
    expect(seen).toEqual([])
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('is cut by its signal', async () => {
    const controller = new AbortController()
    const { clock, sent } = sending(hanging, controller.signal)
    await clock.advance(0)
    controller.abort('enough')
    expect(await sent).toMatchObject({ why: 'aborted', wasSent: true })
    expect(clock.pendingTimers).toBe(0)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })

  it('sends nothing that is aborted before it leaves, and knows that', async () => {
    let fetched = 0
    const fetch = async () => new Response(`${fetched++}`)
    const controller = new AbortController()
    const { sent, clock } = sending(fetch, controller.signal)
    controller.abort('enough')
    expect(await sent).toMatchObject({ why: 'aborted', wasSent: false })
    expect(await sending(fetch, AbortSignal.abort('before')).sent).toMatchObject({ why: 'aborted', wasSent: false })
    expect(fetched).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells when the headers are in, before the body is', async () => {
    let end = () => {}
    const body = new ReadableStream({
      start: controller => {
        end = () => controller.close()
      },
    })
    const { clock, sent, seen } = sending(async () => new Response(body))
    await clock.advance(0)
    expect(seen).toEqual(['headers'])
    end()
    expect(await sent).toMatchObject({ text: '' })
  })
})
