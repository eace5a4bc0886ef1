import { createScheduler, type SchedulerEvent } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { type Bingx, type BingxAccount, type BingxOptions, bingxLimits, createBingx } from '../../src/index.ts'
import { KEYS } from './exchange.ts'
import { NEVER_MS } from './settle.ts'

export const TIME_PATH = '/openApi/swap/v2/server/time'
/** The server's clock at the start; the host's may be told to show something else. */
export const START_MS = Date.UTC(2026, 0, 1, 12)

export interface FakeReply {
  readonly status?: number
  /** As it is; or what becomes JSON with the server's time. */
  readonly body?: string | object
  readonly headers?: Readonly<Record<string, string>>
  readonly throws?: Error
}

export interface FakeBingx {
  readonly clock: VirtualClock
  readonly bingx: Bingx
  readonly account: BingxAccount
  readonly events: SchedulerEvent[]
  /** What reached the server, the questions for the time apart. */
  readonly requests: URL[]
  readonly timeRequests: URL[]
  serverMs(): number
  /** Moves the server's clock. */
  stepServer(byMs: number): void
}

export interface FakeOptions extends BingxOptions {
  /** What the host's wall clock is off by. */
  hostOffMs?: number
  /** The n-th signed or other call gets the n-th reply, the last one is for all later. */
  replies?: readonly (FakeReply | ((url: URL, serverMs: number) => FakeReply))[]
  /** What is said of the time. `'hang'`: nothing, ever. */
  time?: (serverMs: number, nth: number) => FakeReply | 'hang'
  /** The ways there and back, milliseconds, of the n-th question for the time; of the last for all later. Default none. */
  timeWaysMs?: readonly (readonly [there: number, back: number])[]
  /** The same of all other calls. */
  waysMs?: readonly (readonly [there: number, back: number])[]
}

/** A server in memory, on the virtual clock. It knows its time and says what it is told to. */
export function fakeBingx(given: FakeOptions = {}): FakeBingx {
  const { hostOffMs = 0, replies = [], time, timeWaysMs = [], waysMs = [], ...options } = given
  const clock = virtualClock({ epochMs: START_MS + hostOffMs })
  const events: SchedulerEvent[] = []
  const requests: URL[] = []
  const timeRequests: URL[] = []
  let aheadMs = START_MS
  const serverMs = () => Math.floor(clock.nowMs() + aheadMs)
  const way = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
      if (ms === 0) resolve()
      else if (ms < Number.POSITIVE_INFINITY) clock.setTimer(resolve, ms)
    })

  const timeReply = (nth: number): FakeReply | 'hang' =>
    time?.(serverMs(), nth) ?? { body: { code: 0, msg: '', data: { serverTime: serverMs() } } }
  const scriptedReply = (nth: number, url: URL): FakeReply => {
    const scripted = replies[Math.min(nth, replies.length - 1)] ?? { body: { code: 0, data: [] } }
    return typeof scripted === 'function' ? scripted(url, serverMs()) : scripted
  }

  const fetch = async (input: unknown): Promise<Response> => {
    const { url: href, signal } = input as Request
    const url = new URL(href)
    const isTime = url.pathname === TIME_PATH
    const seen = isTime ? timeRequests : requests
    const nth = seen.push(url) - 1
    const ways = isTime ? timeWaysMs : waysMs
    const [thereMs, backMs] = ways[Math.min(nth, ways.length - 1)] ?? [0, 0]
    await way(thereMs, signal)
    const reply = isTime ? timeReply(nth) : scriptedReply(nth, url)
    if (reply === 'hang') {
      await way(Number.POSITIVE_INFINITY, signal)
      throw new Error('never')
    }
    const body = typeof reply.body === 'object' ? JSON.stringify({ timestamp: serverMs(), ...reply.body }) : reply.body
    await way(backMs, signal)
    if (reply.throws) throw reply.throws
    return new Response(body ?? '', { status: reply.status ?? 200, headers: { ...reply.headers } })
  }

  const observer = (event: SchedulerEvent) => events.push(event)
  const scheduler = createScheduler({
    limits: bingxLimits,
    coldStart: 'full',
    clock,
    observer,
    timeoutMs: 2 * NEVER_MS,
    random: () => 0.5,
  })
  const bingx = createBingx({ fetch, clock, scheduler, observer, ...options })
  return {
    clock,
    bingx,
    account: bingx.account({ ...KEYS, uid: 'u1' }),
    events,
    requests,
    timeRequests,
    serverMs,
    stepServer(byMs) {
      aheadMs += byMs
    },
  }
}
