import { type SchedulerEvent, tokenBucket } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import type { Call, Verdict } from '../../src/call.ts'
import { ExchangeError } from '../../src/errors.ts'
import { type Exchange, type ExchangeOptions, openExchange } from '../../src/exchange.ts'
import type { Answer, SignedRequest } from '../../src/transport.ts'

export const API_KEY = 'key-5d41402abc4b2a76'
export const SECRET = 'secret-7d793037a0760186'
const LABELS = Object.freeze({ exchange: 'test', ip: 'here', uid: 'me', endpoint: 'GET /thing' })

/** Far beyond what a test waits for on its virtual clock. */
const NEVER_MS = 1_000_000_000

export interface TestClient {
  readonly exchange: Exchange
  readonly clock: VirtualClock
  readonly events: SchedulerEvent[]
  readonly call: Call<string>
}

/**
 * An exchange of two codes: 0 is success, 1 refuses, 2 refuses for a minute, 3 is transient, anything else is fatal.
 */
export async function testClient(url: string, options: ExchangeOptions & { limit?: number } = {}): Promise<TestClient> {
  const { limit = 100, ...given } = options
  const clock = (options.clock as VirtualClock | undefined) ?? virtualClock()
  const events: SchedulerEvent[] = []
  const bucket = tokenBucket({ name: 'test', limit, windowMs: 1000, by: ['exchange', 'uid'] })
  const exchange = openExchange(
    {
      name: 'createTest',
      exchange: 'test',
      baseUrl: url,
      limits: [bucket],
      error: (facts, errorOptions) => new ExchangeError(facts, errorOptions),
      random: () => 0.5,
    },
    {
      clock,
      timeoutMs: NEVER_MS,
      ...(given.scheduler === undefined && { observer: event => events.push(event) }),
      ...given,
    },
  )
  // Past the cold start.
  await clock.advance(3000)
  let attempts = 0
  const call: Call<string> = {
    labels: LABELS,
    repeatable: true,
    hide: [API_KEY, SECRET],
    sign(): SignedRequest {
      const signature = `signature${String(++attempts).padStart(4, '0')}${SECRET.slice(7)}`
      const query = `timestamp=${clock.epochMs()}&signature=${signature}`
      return {
        method: 'GET',
        url: `${exchange.baseUrl}/thing?${query}`,
        headers: { 'X-KEY': API_KEY },
        hide: [signature],
      }
    },
    judge,
  }
  return { exchange, clock, events, call }
}

function judge({ status, text }: Answer): Verdict<string> {
  const [code = '', msg = ''] = text.split('|')
  switch (code) {
    case '0':
      return { value: msg }
    case '1':
      return { trouble: { code: 1, msg, kind: 'refused' }, refusal: { by: ['exchange', 'uid'] } }
    case '2':
      return {
        trouble: { code: 2, msg, kind: 'held', untilMs: 99 },
        refusal: { by: ['exchange', 'uid'], holdMs: 60_000 },
      }
    case '3':
      return { trouble: { code: 3, msg, kind: 'transient' } }
    default:
      return { trouble: { code: status, msg: text, kind: 'fatal' } }
  }
}

/** Lets the clock run until the promise is settled, and says how. */
export async function settle<T>(promise: Promise<T>, clock: VirtualClock): Promise<PromiseSettledResult<T>> {
  let result: PromiseSettledResult<T> | undefined
  void Promise.allSettled([promise]).then(([settled]) => {
    result = settled
  })
  while (result === undefined) await clock.advance(1000)
  return result
}

export async function failure(promise: Promise<unknown>, clock: VirtualClock): Promise<unknown> {
  const result = await settle(promise, clock)
  if (result.status === 'fulfilled') throw new Error(`expected a rejection, got ${String(result.value)}`)
  return result.reason
}
