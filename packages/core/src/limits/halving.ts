import type { SchedulerEvent } from '../ports/observer.ts'
import type { Bucket } from './bucket.ts'
import type { MemoryGate } from './shelf.ts'
import type { MemoryTicket } from './ticket.ts'

export interface HalvingSetup {
  /** The label whose values are different callers behind one address. */
  readonly fairBy: string
  /** A halving outlives the process. */
  readonly lastingChanged: () => void
  readonly emit: (event: SchedulerEvent) => void
}

/** Of a bucket that several callers share: who was refused there last. */
interface LastRefused {
  readonly caller: string
  readonly atMs: number
}

/** After a refusal that names no time the server and we disagree: somebody else uses the account, or the address. */
export class Halving {
  readonly #setup: HalvingSetup
  readonly #last = new WeakMap<Bucket, LastRefused>()

  constructor(setup: HalvingSetup) {
    this.#setup = setup
  }

  /** @param by the labels that the refusal spoke of; undefined: it spoke of none */
  refused(ticket: MemoryTicket, by: readonly string[] | undefined, nowMs: number): void {
    if (by !== undefined) {
      for (const gate of ticket.gates) if (isBucket(gate) && isKeptBy(gate, by)) this.#halve(gate, ticket, nowMs)
      return
    }
    const bucket = mostSpecific(ticket.gates)
    if (bucket === undefined) return
    this.#halve(bucket, ticket, nowMs)
    const shared = mostSpecific(ticket.gates.filter(gate => !gate.by.includes(this.#setup.fairBy)))
    if (shared !== undefined && shared !== bucket) this.#suspect(shared, ticket, nowMs)
  }

  /** Two callers refused within one window of what they share: the trouble is where they meet. */
  #suspect(shared: Bucket, ticket: MemoryTicket, nowMs: number): void {
    const caller = ticket.passage.labels[this.#setup.fairBy]
    if (caller === undefined) return
    const last = this.#last.get(shared)
    this.#last.set(shared, { caller, atMs: nowMs })
    if (last === undefined || last.caller === caller || nowMs - last.atMs > shared.windowMs) return
    this.#halve(shared, ticket, nowMs)
  }

  #halve(bucket: Bucket, ticket: MemoryTicket, nowMs: number): void {
    if (bucket.refusedInColdStart(nowMs) || !bucket.halve(ticket.sentAtMs, nowMs)) return
    this.#setup.lastingChanged()
    this.#setup.emit({
      type: 'halved',
      labels: bucket.labels,
      limit: bucket.name,
      tokens: bucket.reduction?.tokens(bucket.tokens, nowMs) ?? bucket.tokens,
    })
  }
}

/** The bucket that is kept by most labels. */
export function mostSpecific(gates: readonly MemoryGate[]): Bucket | undefined {
  let found: Bucket | undefined
  for (const gate of gates)
    if (isBucket(gate) && (found === undefined || gate.by.length > found.by.length)) found = gate
  return found
}

function isBucket(gate: MemoryGate): gate is Bucket {
  return gate.kind === 'bucket'
}

function isKeptBy(gate: MemoryGate, names: readonly string[]): boolean {
  return gate.by.length === names.length && gate.by.every(name => names.includes(name))
}
