import type { Labels, Scheduler } from '@headgate/core'
import type { Fetch } from '../transport.ts'
import type { EgressAddress } from './addresses.ts'

/** What a call says of itself, by each address from which it may leave. */
export interface Ways {
  /** By the first address. */
  readonly labels: Labels
  /** By the others. Absent where there is but one. */
  readonly alternatives?: readonly Labels[]
}

/** After a connection that could not be opened, its address rests for so long, and the hold's margin; then it is probed. */
const UNREACHABLE_MS = 1_000

/** The addresses from which an exchange's calls leave. Which one a call takes is the scheduler's choice. */
export class Egress {
  /** What all calls carry: with one address its name too. */
  readonly labels: Labels
  readonly ips: readonly string[]
  readonly #exchange: string
  readonly #scheduler: Pick<Scheduler, 'hold' | 'explain'>
  readonly #fetches: ReadonlyMap<string, Fetch | undefined>
  /** Those that could not be left when it was last tried. */
  readonly #unreachable = new Set<string>()

  constructor(
    exchange: string,
    addresses: readonly Readonly<EgressAddress>[],
    scheduler: Pick<Scheduler, 'hold' | 'explain'>,
  ) {
    this.#exchange = exchange
    this.#scheduler = scheduler
    this.#fetches = new Map(addresses.map(({ ip, fetch }) => [ip, fetch]))
    this.ips = Object.freeze([...this.#fetches.keys()])
    const [ip = '', ...others] = this.ips
    this.labels = Object.freeze({ exchange, ...(others.length === 0 && { ip }) })
  }

  /** To be made once an endpoint: the scheduler knows labels by their identity. */
  ways(own: Labels): Ways {
    const [labels, ...others] = this.ips.map(ip => Object.freeze({ exchange: this.#exchange, ip, ...own }))
    return { labels: labels as Labels, ...(others.length > 0 && { alternatives: Object.freeze(others) }) }
  }

  fetchBy({ ip = '' }: Labels): Fetch | undefined {
    return this.#fetches.get(this.ips.length === 1 ? (this.ips[0] as string) : ip)
  }

  /** A call got out. */
  left({ ip = '' }: Labels): void {
    if (this.#unreachable.size > 0) this.#unreachable.delete(ip)
  }

  /**
   * No connection could be opened. What never leaves takes no tokens, so that of several addresses a dead one has the most
   * room: it is held, unless no other is any better.
   */
  stuck({ ip = '' }: Labels, code: string | number): void {
    if (this.ips.length === 1) return
    this.#unreachable.add(ip)
    if (this.#unreachable.size === this.ips.length) return
    const labels = { exchange: this.#exchange, ip }
    // Told again by a probe: the hold lengthens by itself.
    if (this.#scheduler.explain({ labels, unlimited: true }).gates.some(({ kind }) => kind === 'hold')) return
    this.#scheduler.hold(labels, { forMs: UNREACHABLE_MS, reason: `no connection from this address: ${code}` })
  }
}
