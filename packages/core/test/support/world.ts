import { createScheduler, type Limit, type Scheduler, type SchedulerOptions } from '@headgate/core'
import { logNormal, seededRandom, type VirtualClock, virtualClock } from '@headgate/core/testing'

/** One-way delays: `baseMs` + log-normal of `medianMs` and `sigma`. */
export interface Jitter {
  baseMs: number
  medianMs: number
  sigma: number
}

/** The jitter of an ordinary network, and one with a heavy tail. */
export const ORDINARY: Jitter = { baseMs: 10, medianMs: 5, sigma: 1 }
export const HEAVY: Jitter = { baseMs: 10, medianMs: 20, sigma: 1.2 }

export interface Arrival {
  atMs: number
  labels: Record<string, string>
  accepted: boolean
}

interface Rule {
  limit: number
  windowMs: number
  by: readonly string[]
}

/** A server that counts in exact sliding windows at arrival, and refuses what is over. Knows nothing of the client. */
export class ExactServer {
  readonly arrivals: Arrival[] = []
  readonly #windows = new Map<string, number[]>()
  readonly #rules: readonly Rule[]

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  arrive(labels: Record<string, string>, atMs: number): boolean {
    const windows: number[][] = []
    let accepted = true
    for (const [index, { limit, windowMs, by }] of this.#rules.entries()) {
      if (!by.every(name => labels[name] !== undefined)) continue
      const key = `${index}/${by.map(name => labels[name]).join('|')}`
      let window = this.#windows.get(key)
      if (window === undefined) this.#windows.set(key, (window = []))
      while (window.length > 0 && (window[0] as number) <= atMs - windowMs) window.shift()
      if (window.length >= limit) accepted = false
      windows.push(window)
    }
    if (accepted) for (const window of windows) window.push(atMs)
    this.arrivals.push({ atMs, labels, accepted })
    return accepted
  }

  get refused(): number {
    return this.arrivals.filter(arrival => !arrival.accepted).length
  }

  get accepted(): number {
    return this.arrivals.length - this.refused
  }

  acceptedBy(name: string): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { labels, accepted } of this.arrivals) {
      if (accepted) counts.set(labels[name] as string, (counts.get(labels[name] as string) ?? 0) + 1)
    }
    return counts
  }
}

export interface World {
  clock: VirtualClock
  random: () => number
  scheduler: Scheduler
  server: ExactServer
  /** Resolves when `delayMs` have passed. */
  sleep(delayMs: number): Promise<void>
  /** One call over the network to the server and back. Rejects when it was refused. */
  call(labels: Record<string, string>, jitter?: Jitter): Promise<boolean>
}

export function world(
  limits: readonly Limit[],
  seed: number,
  jitter: Jitter = ORDINARY,
  options: Partial<SchedulerOptions> = {},
): World {
  const clock = virtualClock()
  const random = seededRandom(seed)
  const scheduler = createScheduler({ limits, clock, random, ...options })
  const server = new ExactServer(limits.filter(limit => limit.kind === 'token-bucket') as unknown as Rule[])
  const sleep = (delayMs: number) => new Promise<void>(resolve => void clock.setTimer(resolve, delayMs))
  const oneWay = (leg: Jitter) => leg.baseMs + logNormal(random, leg.medianMs, leg.sigma)
  const call = (labels: Record<string, string>, leg = jitter) =>
    scheduler.schedule({ labels, retries: 0 }, async admission => {
      await sleep(oneWay(leg))
      const accepted = server.arrive(labels, clock.nowMs())
      await sleep(oneWay(leg))
      admission.counted()
      if (!accepted) admission.refused()
      return accepted
    })
  return { clock, random, scheduler, server, sleep, call }
}

/** Calls one after the other, `width` at a time, until told to stop. */
export function saturate(labels: Record<string, string>, width: number, call: World['call'], isOver: () => boolean): void {
  const go = async (): Promise<void> => {
    while (!isOver()) await call(labels).catch(() => undefined)
  }
  for (let i = 0; i < width; i++) void go()
}
