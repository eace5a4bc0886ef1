import { createScheduler, type Limit } from '@headgate/core'
import { logNormal, seededRandom, virtualClock } from '@headgate/core/testing'
import { type News, type SeenCall, type SeenResponse, tell } from '../../src/index.ts'

export interface Client {
  labels: Record<string, string>
  /** By the number of the client's call. */
  cost?: (call: number) => number
  /** How many calls it has under way or waiting at any time. */
  width: number
}

/** An exchange: counts a call at its arrival, on its own clock. */
export interface Exchange {
  arrive(labels: Record<string, string>, cost: number, atMs: number): SeenResponse
}

export interface Trade {
  labels: Record<string, string>
  cost: number
  atMs: number
  isIn: boolean
}

const EPOCH_MS = 1_790_000_012_345

/** Clients that never rest, over an ordinary network, against an exchange, until `forMs`. */
export async function trade(options: {
  limits: readonly Limit[]
  read: (response: SeenResponse, call: SeenCall) => News
  exchange: Exchange
  clients: readonly Client[]
  forMs: number
  seed: number
}): Promise<{ trades: Trade[]; refused: number }> {
  const { limits, read, exchange, clients, forMs, seed } = options
  const clock = virtualClock()
  const random = seededRandom(seed)
  const scheduler = createScheduler({ limits, clock, random, coldStart: 'full' })
  const trades: Trade[] = []
  const sleep = (ms: number) => new Promise<void>(resolve => void clock.setTimer(resolve, ms))
  const oneWay = () => sleep(10 + logNormal(random, 5, 1))
  const call = ({ labels, cost = () => 1 }: Client, index: number) =>
    scheduler.schedule({ labels, cost: cost(index), retries: 0 }, async admission => {
      await oneWay()
      const atMs = clock.nowMs()
      const response = exchange.arrive(labels, cost(index), EPOCH_MS + atMs)
      await oneWay()
      // The client's wall clock is off, and it does not matter.
      const news = read(response, { labels, nowMs: EPOCH_MS + clock.nowMs() + 3_333, limits })
      trades.push({ labels, cost: cost(index), atMs, isIn: news.refused === undefined })
      tell(admission, news)
    })
  for (const client of clients) {
    let calls = 0
    const caller = async () => {
      while (clock.nowMs() < forMs) await call(client, calls++).catch(() => undefined)
    }
    for (let i = 0; i < client.width; i++) void caller()
  }
  await clock.advance(forMs)
  const closing = scheduler.close()
  await clock.runAll(3_600_000)
  await closing
  return { trades, refused: trades.filter(({ isIn }) => !isIn).length }
}

/** What was let in of one label's value, in tokens per millisecond. */
export function rate(
  trades: readonly Trade[],
  which: (labels: Record<string, string>) => boolean,
  fromMs: number,
  untilMs: number,
): number {
  const tokens = trades.reduce(
    (sum, { labels, cost, atMs, isIn }) => sum + (isIn && atMs >= fromMs && atMs < untilMs && which(labels) ? cost : 0),
    0,
  )
  return tokens / (untilMs - fromMs)
}
