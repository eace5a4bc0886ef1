import { describe } from '@headgate/http'
import {
  type AccountLimits,
  DOCUMENTED,
  documentedLimits,
  type EndpointName,
  type Group,
  isSigned,
} from './documented.ts'

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const
type Method = (typeof METHODS)[number]

/** One endpoint, and what its calls are counted under. */
export interface Endpoint {
  /** `METHOD /path`: its label. */
  readonly name: string
  readonly method: Method
  readonly path: string
  readonly group: Group
  /** Calls per second and UID. Undefined: public, needs no key. */
  readonly uidLimit: number | undefined
  readonly documented: boolean
}

const signedLimits: readonly AccountLimits[] = Object.values(DOCUMENTED).filter(isSigned)

/** Calls per second and UID of a signed endpoint that is not documented: the fewest that any page allows. */
export const STRICTEST_UID_LIMIT: number = Math.min(...signedLimits.map(({ uidLimit }) => uidLimit))

export function documentedEndpoint(name: EndpointName): Endpoint {
  return findEndpoint(name) as Endpoint
}

/** Undefined for an endpoint that is not documented. */
export function findEndpoint(name: string): Endpoint | undefined {
  const limits = documentedLimits(name)
  return limits && make(name, limits.group, isSigned(limits) ? limits.uidLimit : undefined, true)
}

/** Of no page: public without a `uidLimit`. */
export function undocumentedEndpoint(name: string, uidLimit?: number): Endpoint {
  return make(name, uidLimit === undefined ? '1' : '2', uidLimit, false)
}

function make(name: string, group: Group, uidLimit: number | undefined, documented: boolean): Endpoint {
  const [method, path] = name.split(' ') as [Method, string]
  return Object.freeze({ name, method, path, group, uidLimit, documented })
}

const FORM = new RegExp(`^(?:${METHODS.join('|')}) /openApi(?:/[A-Za-z0-9_.-]+)+$`)

/** An address loses its segments `.` and `..`: one endpoint would have many names, each with a budget of its own. */
const DOTS = /\/\.(?:\/|$)|\.\./

/**
 * @param where who was called, the first word of the error.
 * @throws {TypeError} for what is not `METHOD /openApi/…`: no query, no space, no `//`, no `/` at the end.
 */
export function checkEndpointName(where: string, name: unknown): asserts name is string {
  if (typeof name === 'string' && FORM.test(name) && !DOTS.test(name)) return
  throw new TypeError(
    `${where}: expected an endpoint such as "GET /openApi/swap/v3/user/balance", the method one of ` +
      `${METHODS.join(', ')}, the path of letters, digits, "_", "-", "." and single "/", got ${describe(name)}`,
  )
}
