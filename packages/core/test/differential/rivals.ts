import { createScheduler, type TokenBucketLimit } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import Bottleneck from 'bottleneck'
import PQueue from 'p-queue'
import { vi } from 'vitest'

/** One account's calls: when each is asked for, ascending whole milliseconds. */
export type Arrivals = readonly number[]

/** Starts of one account's calls, in order of asking, milliseconds on the same axis. */
export type Starts = readonly number[]

export interface Course {
  readonly limit: TokenBucketLimit
  readonly accounts: readonly Arrivals[]
  /** Every call takes so long, there and back. */
  readonly roundTripMs: number
  /** Whether the floor of the route is known before the first call, or turned off. */
  readonly hasFloor: boolean
}

/** As many answers as the floor needs, and one to spare. */
const LEARNING_CALLS = 41

/** One scheduler for all accounts, on a virtual clock. */
export async function headgateStarts({ limit, accounts, roundTripMs, hasFloor }: Course): Promise<Starts[]> {
  const clock = virtualClock()
  const scheduler = createScheduler({
    limits: [limit],
    clock,
    coldStart: 'full',
    ...(!hasFloor && { floorMs: 0 as const }),
  })
  const sleep = (ms: number) => (ms === 0 ? undefined : new Promise<void>(resolve => void clock.setTimer(resolve, ms)))
  if (hasFloor) {
    for (let i = 0; i < LEARNING_CALLS; i++) {
      void scheduler.schedule({ labels: { who: 'learner' }, unlimited: true }, async admission => {
        await sleep(roundTripMs)
        admission.counted({ reusedConnection: true })
      })
    }
    await clock.runAll()
  }
  const beginMs = clock.nowMs()
  const starts: number[][] = accounts.map(() => [])
  accounts.forEach((arrivals, index) => {
    const labels = { uid: `u${index}` }
    for (const atMs of arrivals) {
      clock.setTimer(() => {
        void scheduler.schedule({ labels }, async admission => {
          starts[index]?.push(clock.nowMs() - beginMs)
          await sleep(roundTripMs)
          admission.counted({ reusedConnection: true })
        })
      }, atMs)
    }
  })
  await clock.runAll()
  return starts
}

/** p-queue: its sliding window is exact, as seen by the sender. One queue an account. */
export function pQueueStarts({ limit, accounts, roundTripMs }: Course): Promise<Starts[]> {
  return onFakeTimers(accounts, roundTripMs, () => {
    const queue = new PQueue({ strict: true, intervalCap: limit.limit as number, interval: limit.windowMs })
    return task => void queue.add(task)
  })
}

/** Bottleneck: calls so far apart that no window can hold more than the limit. One limiter an account. */
export function bottleneckStarts({ limit, accounts, roundTripMs }: Course): Promise<Starts[]> {
  const minTime = Math.ceil(limit.windowMs / (limit.limit as number))
  return onFakeTimers(accounts, roundTripMs, () => {
    const limiter = new Bottleneck({ minTime })
    return task => void limiter.schedule(task)
  })
}

type Task = () => Promise<void>

async function onFakeTimers(
  accounts: readonly Arrivals[],
  roundTripMs: number,
  makeLimiter: () => (task: Task) => void,
): Promise<Starts[]> {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'], now: 0 })
  try {
    const starts: number[][] = accounts.map(() => [])
    accounts.forEach((arrivals, index) => {
      const add = makeLimiter()
      const task = async () => {
        starts[index]?.push(Date.now())
        if (roundTripMs > 0) await new Promise(resolve => setTimeout(resolve, roundTripMs))
      }
      for (const atMs of arrivals) setTimeout(() => add(task), atMs)
    })
    await vi.runAllTimersAsync()
    return starts
  } finally {
    vi.useRealTimers()
  }
}
