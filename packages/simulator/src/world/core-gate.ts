import type { Scheduler, Snapshot } from '@headgate/core'
import type { Labels } from '../scenario/scenario.ts'
import type { Gate } from './driver.ts'

/** The schedulers of one life: each has some of the accounts, and its share of every limit. */
export class CoreGate implements Gate {
  readonly #schedulers: readonly Scheduler[]

  constructor(schedulers: readonly Scheduler[]) {
    this.#schedulers = schedulers
  }

  /** The one that these labels' account is at. */
  of({ uid = '' }: Labels): Scheduler {
    const number = Number(uid.slice(1)) || 0
    return this.#schedulers[number % this.#schedulers.length] as Scheduler
  }

  hold(...how: Parameters<Scheduler['hold']>): void {
    for (const scheduler of this.#schedulers) scheduler.hold(...how)
  }

  release(labels: Labels): void {
    for (const scheduler of this.#schedulers) scheduler.release(labels)
  }

  setLimit(name: string, limit: number): void {
    for (const scheduler of this.#schedulers) scheduler.setLimit(name, limit)
  }

  async close(): Promise<void> {
    await Promise.all(this.#schedulers.map(scheduler => scheduler.close()))
  }

  /** As one: of each bucket what all of them have. */
  snapshot(): Snapshot {
    const [first, ...others] = this.#schedulers.map(scheduler => scheduler.snapshot()) as [Snapshot, ...Snapshot[]]
    if (others.length === 0) return first
    const all = [first, ...others]
    const sum = (of: (each: Snapshot) => number) => all.reduce((total, each) => total + of(each), 0)
    return {
      ...first,
      buckets: merged(all.map(each => each.buckets)),
      caps: merged(all.map(each => each.caps)),
      holds: all.flatMap(each => each.holds),
      counters: {
        ...first.counters,
        queued: sum(each => each.counters.queued),
        running: sum(each => each.counters.running),
      },
    }
  }
}

interface Counted {
  readonly name: string
  readonly labels: Labels
  readonly limit: number
  readonly free: number
  readonly inFlight: number
}

function merged<T extends Counted>(lists: readonly (readonly T[])[]): T[] {
  const byKey = new Map<string, T>()
  for (const gates of lists) {
    // A limit with a burst is two of one name.
    const seen = new Map<string, number>()
    for (const gate of gates) {
      const name = JSON.stringify([gate.name, gate.labels])
      const times = seen.get(name) ?? 0
      seen.set(name, times + 1)
      const key = `${times} ${name}`
      const known = byKey.get(key)
      byKey.set(key, known === undefined ? gate : sumOf(known, gate))
    }
  }
  return [...byKey.values()]
}

function sumOf<T extends Counted>(a: T, b: T): T {
  return { ...a, limit: a.limit + b.limit, free: a.free + b.free, inFlight: a.inFlight + b.inFlight }
}
