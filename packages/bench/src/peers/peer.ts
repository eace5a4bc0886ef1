import type { Admission, Labels } from '@headgate/core'

/** At most `limit` calls in `windowMs`, for each set of values of these labels. */
export interface Rule {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
  readonly by: readonly string[]
}

/** What the task of a call may say. Only Headgate listens: the others count when they send. */
export type Heard = Pick<Admission, 'counted' | 'refused'>

export type Task<T> = (admission?: Heard) => Promise<T> | T

/** Runs a task once the limits of its labels let it. */
export type Gate = <T>(task: Task<T>, priority?: number) => Promise<T>

export interface PollEach {
  readonly gate: Gate
  readonly everyMs: number
  /** One reading; what it does with it is its own business. */
  readonly task: Task<void>
  readonly signal: AbortSignal
}

/** A limiter at work. */
export interface Contender {
  /** What somebody keeps who calls again and again with these labels. */
  gate(labels: Labels): Gate
  /** What is kept of keys, where that can be asked for. */
  keys?(): number
  /** Heads judged and calls admitted, where that can be asked for. */
  counters?(): { judgements: number; admitted: number }
  /** Reads again and again, where the limiter has a way of its own. */
  poll?(labels: Labels, each: Omit<PollEach, 'gate'>): Promise<void>
}

export interface Peer {
  readonly name: string
  /** The npm package; undefined: this repository. */
  readonly package: string | undefined
  readonly hasPriorities: boolean
  /** Imports the limiter only now: some take hold of the clock when they are loaded. */
  open(rules: readonly Rule[]): Promise<Contender>
}
