import type { AppliedLimit } from '../limit-book.ts'
import { type EndpointRow, endpointRows } from './endpoints.ts'

/** A limit of one IP group, in calls per window. */
interface GroupRule {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
}

interface Group {
  /** All endpoints of the group together. */
  readonly together: readonly GroupRule[]
  /** Each single endpoint. */
  readonly each: readonly GroupRule[]
}

/**
 * Per IP, in force since 2025-09-10: support article 31103871611289 and docs-v3 (2025-10). Whether groups 2 and 3 share
 * one pool is unknown; read literally each has its own, and so it is here.
 */
const groups: Readonly<Record<1 | 2 | 3, Group>> = {
  1: {
    together: [
      { name: 'ip-group', limit: 500, windowMs: 10_000 },
      { name: 'ip-group-minute', limit: 1000, windowMs: 60_000 },
    ],
    each: [],
  },
  2: {
    together: [{ name: 'ip-group', limit: 2000, windowMs: 10_000 }],
    each: [{ name: 'ip-endpoint', limit: 300, windowMs: 10_000 }],
  },
  3: {
    together: [{ name: 'ip-group', limit: 2000, windowMs: 10_000 }],
    each: [{ name: 'ip-endpoint', limit: 300, windowMs: 10_000 }],
  },
}

/**
 * Of group 1 no limit per interface is stated, but its answers' headers tell one endpoint's usage, not the group's. This
 * counts it; as large as the group's limit, it refuses nothing that the group would let in.
 */
const tally: GroupRule = { name: 'ip-endpoint', limit: 500, windowMs: 10_000 }

/** UID limits are printed as calls per second ("5/s"); their kind of window is unknown, sliding is the strictest. */
const uidWindowMs = 1000

export interface Endpoint {
  readonly name: string
  readonly path: string
  readonly signed: boolean
  readonly row: EndpointRow
}

const endpoints: ReadonlyMap<string, Endpoint> = new Map(
  endpointRows.map(row => {
    const [method, path, perSecond] = row
    const name = `${method} ${path}`
    return [name, { name, path, signed: perSecond !== null, row }]
  }),
)

export function findEndpoint(name: string): Endpoint | undefined {
  return endpoints.get(name)
}

/** All limits that a call is under at once. Where the key is unknown there is no UID, and only the IP's limits hold. */
export function limitsOf(endpoint: Endpoint, uid: string | undefined, ip: string): readonly AppliedLimit[] {
  const [, , perSecond, groupId] = endpoint.row
  const group = groups[groupId]
  const exchange = 'bingx'
  const ofIp = [
    ...(endpoint.signed ? [] : [{ exchange, ...tally, key: `${ip} ${endpoint.name}` } as const]),
    ...group.each.map(rule => ({ exchange, ...rule, key: `${ip} ${endpoint.name}` }) as const),
    ...group.together.map(rule => ({ exchange, ...rule, key: `${ip} group ${groupId}` }) as const),
  ]
  if (uid === undefined || perSecond === null) return ofIp
  const key = `${uid} ${endpoint.name}`
  return [{ exchange, name: uidLimit, key, limit: perSecond, windowMs: uidWindowMs }, ...ofIp]
}

const uidLimit = 'uid-endpoint'

/** The limit whose usage stands in the answers' headers: per endpoint path, on public and private calls (facts, 2026). */
export function toldLimit(limits: readonly AppliedLimit[], { signed }: Endpoint): AppliedLimit | undefined {
  return limits.find(({ name }) => name === (signed ? uidLimit : tally.name))
}
