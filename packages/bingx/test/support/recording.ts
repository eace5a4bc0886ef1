import { createScheduler, type Labels, type Scheduler } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { type Bingx, type BingxAccount, type BingxOptions, bingxLimits, createBingx } from '../../src/index.ts'
import { KEYS } from './exchange.ts'
import { NEVER_MS } from './settle.ts'

export interface Sent {
  readonly atMs: number
  readonly method: string
  readonly url: URL
  readonly apiKey: string | null
  readonly body: string
}

export interface Recording {
  readonly clock: VirtualClock
  readonly scheduler: Scheduler
  readonly bingx: Bingx
  readonly account: BingxAccount
  readonly sent: Sent[]
  /** Of every call that went to the scheduler, each object once. */
  readonly labels: Set<Labels>
}

export type Respond = (sent: Sent, clock: VirtualClock) => Response | Promise<Response>

/** A client whose requests go nowhere. */
export function recording(
  respond: Respond = () => new Response('{"code":0,"data":null}'),
  options: BingxOptions = {},
): Recording {
  const clock = virtualClock({ epochMs: Date.UTC(2026, 0, 1) })
  const sent: Sent[] = []
  const labels = new Set<Labels>()
  const fetch = async (input: unknown) => {
    const request = input as Request
    const each: Sent = {
      atMs: clock.nowMs(),
      method: request.method,
      url: new URL(request.url),
      apiKey: request.headers.get('x-bx-apikey'),
      body: await request.text(),
    }
    sent.push(each)
    return respond(each, clock)
  }
  const scheduler = createScheduler({ limits: bingxLimits, coldStart: 'full', clock, timeoutMs: 2 * NEVER_MS })
  const watched: Scheduler = Object.create(scheduler, {
    schedule: {
      value: (request: { labels: Labels }, task: never) => {
        labels.add(request.labels)
        return scheduler.schedule(request, task)
      },
    },
    close: { value: () => scheduler.close() },
  })
  const bingx = createBingx({ scheduler: watched, fetch, clock, timeoutMs: NEVER_MS, syncClock: false, ...options })
  return { clock, scheduler, bingx, account: bingx.account({ ...KEYS, uid: 'u1' }), sent, labels }
}
