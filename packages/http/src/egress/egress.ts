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

/** An address from which so many calls in a row got no answer, while another's did, is taken for dead. */
const MOST_MISSES = 5
/** It rests for so long, and the hold's margin; then it is probed. */
const REST_MS = 1_000

/** The addresses from which an exchange's calls leave. Which one a call takes is the scheduler's choice. */
export class Egress {
  /** What all calls carry: with one address its name too. */
  readonly labels: Labels
  readonly ips: readonly string[]
  readonly #exchange: string
  readonly #scheduler: Pick<Scheduler, 'hold' | 'explain'>
  readonly #fetches: ReadonlyMap<string, Fetch | undefined>
  /** Calls without an answer since the last one that had one, by address. */
  readonly #misses = new Map<string, number>()

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

  /**
   * For a call that got no answer by these labels: by another address, if one lets it go at once; else by whichever does
   * first.
   */
  waysAfter({ labels, alternatives = [] }: Ways, missedBy: Labels, priority = 0): Ways {
    if (alternatives.length === 0) return { labels }
    const others = [labels, ...alternatives].filter(each => each !== missedBy)
    const open = others.filter(each => this.#scheduler.explain({ labels: each, priority }).go)
    const [first = labels, ...more] = open.length > 0 ? open : [...others, missedBy]
    return { labels: first, ...(more.length > 0 && { alternatives: more }) }
  }

  fetchBy({ ip = '' }: Labels): Fetch | undefined {
    return this.#fetches.get(this.ips.length === 1 ? (this.ips[0] as string) : ip)
  }

  /** A call was answered, whatever the answer. */
  heard({ ip = '' }: Labels): void {
    if (this.#misses.size > 0) this.#misses.delete(ip)
  }

  /**
   * A call was not answered. What never left takes no tokens, so that of several addresses a dead one has the most room: it is
   * held, unless no other is any better.
   * @param wasSent false: no connection could be opened, which tells more than an answer that did not come.
   */
  missed({ ip = '' }: Labels, wasSent: boolean, code: string | number): void {
    if (this.ips.length === 1) return
    this.#misses.set(ip, wasSent ? (this.#misses.get(ip) ?? 0) + 1 : MOST_MISSES)
    const isDead = (each: string) => (this.#misses.get(each) ?? 0) >= MOST_MISSES
    if (!isDead(ip) || this.ips.every(isDead)) return
    const labels = { exchange: this.#exchange, ip }
    // Told again by a probe: the hold lengthens by itself.
    if (this.#scheduler.explain({ labels, unlimited: true }).gates.some(({ kind }) => kind === 'hold')) return
    this.#scheduler.hold(labels, { forMs: REST_MS, reason: `no answer by this address: ${code}` })
  }
}
