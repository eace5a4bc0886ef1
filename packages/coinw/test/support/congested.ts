import { createScheduler, type Memory, type SchedulerEvent } from '@headgate/core'
import { logNormal, seededRandom, virtualClock } from '@headgate/core/testing'
import { coinwLimits, createCoinw } from '../../src/index.ts'
import { NEVER_MS } from './settle.ts'

const WINDOW_MS = 10_000
const REFUSED = '{"code":29001,"msg":"API access frequently"}'
const OK = '{"code":"200","data":{}}'

export interface Call {
  readonly atMs: number
  readonly uid: string
  readonly command: string
  readonly refused: boolean
}

/**
 * A CoinW that refuses what it likes, for its own congestion, and counts its refusals in fixed windows, whose phase nobody
 * knows. Requests and answers take their time on the virtual clock. Knows nothing of the client.
 */
export function congested({
  seed = 1,
  medianMs = 30,
  refuses = () => false,
  ladder,
  memory,
  epochMs = Date.UTC(2026, 0, 1),
}: {
  seed?: number
  medianMs?: number
  refuses?: (uid: string, nowMs: number, random: () => number) => boolean
  ladder?: boolean
  memory?: Memory
  epochMs?: number
} = {}) {
  const clock = virtualClock({ epochMs })
  const random = seededRandom(seed)
  const phaseMs = random() * WINDOW_MS
  const calls: Call[] = []
  const events: SchedulerEvent[] = []
  const travel = () => new Promise<void>(done => void clock.setTimer(done, logNormal(random, medianMs, 0.5)))
  const fetch = async (input: unknown) => {
    const query = new URL((input as Request).url).searchParams
    await travel()
    const uid = query.get('api_key')?.replace('key-of-', '') ?? ''
    const refused = refuses(uid, clock.nowMs(), random)
    calls.push({ atMs: clock.nowMs(), uid, command: query.get('command') as string, refused })
    await travel()
    return new Response(refused ? REFUSED : OK)
  }
  const scheduler = createScheduler({
    limits: coinwLimits,
    coldStart: 'full',
    clock,
    random,
    observer: event => events.push(event),
    timeoutMs: 2 * NEVER_MS,
    ...(memory && { memory }),
  })
  const coinw = createCoinw({
    fetch: fetch as typeof globalThis.fetch,
    clock,
    scheduler,
    ip: 'a',
    timeoutMs: NEVER_MS,
    ...(ladder !== undefined && { ladder }),
  })
  /** The most refusals in one of the server's windows, of one account or of all. */
  const worst = (uid?: string) => {
    const counts = new Map<number, number>()
    for (const call of calls) {
      if (!call.refused || (uid !== undefined && call.uid !== uid)) continue
      const index = Math.floor((call.atMs + phaseMs) / WINDOW_MS)
      counts.set(index, (counts.get(index) ?? 0) + 1)
    }
    return Math.max(0, ...counts.values())
  }
  return {
    clock,
    random,
    scheduler,
    coinw,
    calls,
    events,
    worst,
    account: (uid: string) => coinw.account({ apiKey: `key-of-${uid}`, secretKey: `secret-of-${uid}`, uid }),
    held: () => events.filter(event => event.type === 'held'),
  }
}
