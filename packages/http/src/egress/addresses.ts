import { type Check, checkOptions, describe, func } from '../options.ts'
import type { Fetch } from '../transport.ts'

/** An IP address from which calls leave. */
export interface EgressAddress {
  /** A name of yours for it, in labels and events: limits per IP are counted under it. */
  ip: string
  /**
   * Sends from that address: through a proxy, or bound to it. It sees keys and signatures. Default, for one address at
   * most: the host's own `fetch`.
   */
  fetch?: Fetch
}

const ENTRY = {
  ip: {
    expected: 'a non-empty string, and no URL with credentials',
    test: (value: unknown) => typeof value === 'string' && value !== '' && !/:\/\/[^/]*@/.test(value),
    required: true,
  },
  // Given a proxy's URL by mistake, an error must not quote its password.
  fetch: { ...func, secret: true },
} as const

export const egressCheck: Check = {
  expected: 'an array of { ip, fetch }, at least one',
  test: value => Array.isArray(value) && value.length > 0,
}

/**
 * A frozen copy.
 * @param where who was called, the first word of every error: `createBingx`.
 * @throws {TypeError} naming the entry and its option, what was expected and what came.
 */
export function checkAddresses(where: string, given: readonly EgressAddress[]): readonly Readonly<EgressAddress>[] {
  const option = (index: number) => `${where}: option "egress[${index}]"`
  // Not `map`, which leaves out what an array leaves out.
  const addresses = Array.from(given, (entry, index) => {
    if (entry === undefined) throw new TypeError(`${option(index)}: expected { ip, fetch }, got undefined`)
    return checkOptions<EgressAddress>(option(index), entry, ENTRY)
  })
  for (const [index, { ip, fetch }] of addresses.entries()) {
    const others = addresses.slice(0, index)
    if (others.some(other => other.ip === ip)) {
      throw new TypeError(`${option(index)}: option "ip": expected another address, got ${describe(ip)} again`)
    }
    // From one address they would take its limits twice.
    if (fetch === undefined && others.some(other => other.fetch === undefined)) {
      throw new TypeError(
        `${option(index)}: option "fetch": expected a function, for one address at most is the host's, got none`,
      )
    }
  }
  return Object.freeze(addresses)
}
