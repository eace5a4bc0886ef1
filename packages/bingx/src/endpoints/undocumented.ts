import { type Endpoint, STRICTEST_UID_LIMIT, undocumentedEndpoint } from './endpoint.ts'

/** A path that holds an id would fill the memory. */
const MAX_ENDPOINTS = 1_000

/** The endpoints of one client of which no page tells the limits. What the first call of each says holds for all. */
export class Undocumented {
  readonly #known = new Map<string, Endpoint>()

  public(where: string, name: string): Endpoint {
    const key = `public ${name}`
    return this.#known.get(key) ?? this.#add(where, key, undocumentedEndpoint(name))
  }

  /** @throws {TypeError} for a `uidLimit` other than that of the first call. */
  signed(where: string, name: string, uidLimit: number | undefined): Endpoint {
    const key = `signed ${name}`
    const known = this.#known.get(key)
    if (known === undefined) return this.#add(where, key, undocumentedEndpoint(name, uidLimit ?? STRICTEST_UID_LIMIT))
    // The bucket has its size since then.
    if (uidLimit === undefined || uidLimit === known.uidLimit) return known
    throw new TypeError(
      `${where}: option "limit": expected ${known.uidLimit} a second for this endpoint, as in its first call, got ${uidLimit}`,
    )
  }

  #add(where: string, key: string, endpoint: Endpoint): Endpoint {
    if (this.#known.size >= MAX_ENDPOINTS) {
      throw new TypeError(`${where}: expected at most ${MAX_ENDPOINTS} endpoints that are not documented, got one more`)
    }
    this.#known.set(key, endpoint)
    return endpoint
  }
}
