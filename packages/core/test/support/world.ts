import process from 'node:process'
import { ClosedError, createScheduler, type Limit, type Scheduler, type SchedulerOptions } from '@headgate/core'
import { checkWindows, logNormal, seededRandom, type VirtualClock, virtualClock } from '@headgate/core/testing'

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
  cost: number
}

interface Rule {
  name: string
  limit: number
  windowMs: number
  by: readonly string[]
}

interface Window {
  calls: { atMs: number; cost: number }[]
  total: number
}

/** A server that counts in exact sliding windows at arrival, and refuses what is over. Knows nothing of the client. */
export class ExactServer {
  readonly arrivals: Arrival[] = []
  readonly #windows = new Map<string, Window>()
  readonly #rules: readonly Rule[]

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  arrive(labels: Record<string, string>, atMs: number, cost = 1): boolean {
    const windows: Window[] = []
    let accepted = true
    for (const [index, { limit, windowMs, by }] of this.#rules.entries()) {
      if (!by.every(name => labels[name] !== undefined)) continue
      const key = `${index}/${by.map(name => labels[name]).join('|')}`
      let window = this.#windows.get(key)
      if (window === undefined) {
        window = { calls: [], total: 0 }
        this.#windows.set(key, window)
      }
      for (let first = window.calls[0]; first !== undefined && first.atMs <= atMs - windowMs; first = window.calls[0]) {
        window.calls.shift()
        window.total -= first.cost
      }
      if (window.total + cost > limit) accepted = false
      windows.push(window)
    }
    if (accepted) {
      for (const window of windows) {
        window.calls.push({ atMs, cost })
        window.total += cost
      }
    }
    this.arrivals.push({ atMs, labels, accepted, cost })
    return accepted
  }

  get refused(): number {
    return this.arrivals.filter(arrival => !arrival.accepted).length
  }

  get accepted(): number {
    return this.arrivals.length - this.refused
  }

  acceptedBetween(fromMs: number, toMs: number): number {
    return this.arrivals.filter(({ accepted, atMs }) => accepted && atMs >= fromMs && atMs < toMs).length
  }

  acceptedBy(name: string): Map<string, number> {
    const counts = new Map<string, number>()
    for (const { labels, accepted } of this.arrivals) {
      if (accepted) counts.set(labels[name] as string, (counts.get(labels[name] as string) ?? 0) + 1)
    }
    return counts
  }

  /** How far the most and the least served value of a label lie apart. */
  spreadOver(name: string): number {
    const counts = [...this.acceptedBy(name).values()]
    return Math.max(...counts) - Math.min(...counts)
  }

  /**
   * What a judge who looks at all arrivals, refused or not, has to say: one line for each window that held too many.
   * Not the same as {@link refused}: a refused call is not counted here, so the next may pass; the judge counts all.
   */
  violations(): string[] {
    return checkWindows(this.arrivals, this.#rules).map(
      ({ rule, labels, report }) =>
        `${rule.name} ${JSON.stringify(labels)}: ${report.peak} of ${rule.limit} in ${rule.windowMs} ms from ${report.worst?.fromMs}`,
    )
  }
}

export interface World {
  clock: VirtualClock
  random: () => number
  scheduler: Scheduler
  server: ExactServer
  /** Resolves when `delayMs` have passed. */
  sleep(delayMs: number): Promise<void>
  /** One way over the network, milliseconds. */
  oneWayMs(leg?: Jitter): number
  /** One call over the network to the server and back. Rejects when it was refused. */
  call(labels: Record<string, string>, jitter?: Jitter): Promise<boolean>
}

export function world(
  limits: readonly Limit[],
  seed: number,
  jitter: Jitter = ORDINARY,
  options: Partial<SchedulerOptions> = {},
  clock: VirtualClock = virtualClock(),
): World {
  const random = seededRandom(seed)
  const scheduler = createScheduler({ limits, clock, random, ...options })
  const server = new ExactServer(rulesOf(limits))
  const sleep = (delayMs: number) => new Promise<void>(resolve => void clock.setTimer(resolve, delayMs))
  const oneWayMs = (leg = jitter) => leg.baseMs + logNormal(random, leg.medianMs, leg.sigma)
  const call = (labels: Record<string, string>, leg = jitter) =>
    scheduler.schedule({ labels, retries: 0 }, async admission => {
      await sleep(oneWayMs(leg))
      const accepted = server.arrive(labels, clock.nowMs())
      await sleep(oneWayMs(leg))
      admission.counted()
      if (!accepted) admission.refused()
      return accepted
    })
  return { clock, random, scheduler, server, sleep, oneWayMs, call }
}

/** Closes the scheduler and lets what runs come to its end, in virtual time. */
export async function finish(
  { scheduler, clock }: Pick<World, 'scheduler' | 'clock'>,
  withinMs = 3_600_000,
): Promise<void> {
  let closed = false
  const closing = scheduler.close().then(() => {
    closed = true
  })
  await clock.runAll(withinMs)
  if (!closed) throw new Error(`close() did not resolve: ${JSON.stringify(scheduler.snapshot())}`)
  await closing
}

/** The token buckets among the limits, as the server's rules. */
export function rulesOf(limits: readonly Limit[]): Rule[] {
  return limits.filter(limit => limit.kind === 'token-bucket') as unknown as Rule[]
}

/** Calls one after the other, `width` at a time, until told to stop or the scheduler is closed. */
export function saturate(
  labels: Record<string, string>,
  width: number,
  call: (labels: Record<string, string>) => Promise<unknown>,
  isOver: () => boolean,
): void {
  let closed = false
  const go = async (): Promise<void> => {
    while (!isOver() && !closed) {
      await call(labels).catch((error: unknown) => {
        closed = error instanceof ClosedError
      })
    }
  }
  for (let i = 0; i < width; i++) void go()
}

/** 1 to `n` times HEADGATE_RUNS: a nightly run looks at more seeds. */
export function seeds(n: number): number[] {
  const many = Math.max(1, Math.round(n * Number(process.env['HEADGATE_RUNS'] || '1')))
  return Array.from({ length: many }, (_, index) => index + 1)
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Measured figures, for whoever asks for them with HEADGATE_FIGURES=1; silence otherwise. */
export function figure(name: string, values: Record<string, unknown>): void {
  if (process.env['HEADGATE_FIGURES']) console.log(name, JSON.stringify(values))
}
