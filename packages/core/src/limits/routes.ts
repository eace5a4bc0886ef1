import { ownValue } from './keys.ts'
import type { Labels } from './limit.ts'
import { Route } from './route.ts'

/** Of the labels that tell one way to a server from another those that a request lacks count as one value. */
const NO_VALUE = ''

/** The ways to servers that are in use, by exchange and IP. Those long idle are dropped as others come. */
export class Routes {
  /** In maps of maps: the values need not be joined. */
  readonly #byExchange = new Map<string, Map<string, Route>>()
  readonly #nowMs: () => number
  #sweep: Iterator<void> | undefined

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  of(labels: Labels): Route {
    const exchange = ownValue(labels, 'exchange') ?? NO_VALUE
    const ip = ownValue(labels, 'ip') ?? NO_VALUE
    return this.#byExchange.get(exchange)?.get(ip) ?? this.#add(exchange, ip)
  }

  #add(exchange: string, ip: string): Route {
    // As with gates: two looks for every new one.
    for (let looks = 0; looks < 2; looks++) this.#look()
    const route = new Route(this.#nowMs())
    const byIp = this.#byExchange.get(exchange)
    if (byIp === undefined) this.#byExchange.set(exchange, new Map([[ip, route]]))
    else byIp.set(ip, route)
    return route
  }

  #look(): void {
    this.#sweep ??= this.#looks()
    if (this.#sweep.next().done === true) this.#sweep = undefined
  }

  /** One at a time. */
  *#looks(): Iterator<void> {
    for (const [exchange, byIp] of this.#byExchange) {
      for (const [ip, route] of byIp) {
        if (route.isIdle(this.#nowMs())) {
          route.dropped = true
          byIp.delete(ip)
          if (byIp.size === 0) this.#byExchange.delete(exchange)
        }
        yield
      }
    }
  }
}
