import {
  type Answer,
  type Credentials,
  type Exchange,
  type Schema,
  type Send,
  type ServerClock,
  sender,
  uidOfKey,
  type Verdict,
} from '@headgate/http'
import { AskedUid } from './asked-uid.ts'
import { documentedEndpoint, type Endpoint } from './endpoints/endpoint.ts'
import { PUBLIC_SCOPE, SIGNED_SCOPE } from './feedback.ts'
import { judge, type Reading } from './judge.ts'
import * as responses from './responses.ts'
import { buildQuery, encodeQuery, signBingx } from './signing.ts'

/** What all calls of one client share. */
export interface Context {
  readonly exchange: Exchange
  readonly recvWindow: number
  /** Undefined: calls are signed by the host's clock. */
  readonly clock: ServerClock | undefined
  /** The server's epoch time as far as we know it. */
  readonly nowMs: () => number
}

/** The earliest that it can be: a hold that is read against it never ends too soon. */
const leastNowMs = ({ clock, nowMs }: Context) => nowMs() - (clock?.errorMs() ?? 0)

export type { Send }

/** Reads an answer that has no code, where such an endpoint is known to send some. */
export type ReadBare<T> = (answer: Answer, endpoint: Endpoint) => Verdict<T> | undefined

/** The public form of an endpoint: no key, and the limits per IP alone. */
export function publicEndpoint<T>(
  context: Context,
  endpoint: Endpoint,
  schema: Schema<T>,
  readBare?: ReadBare<T>,
): Send<T> {
  const { exchange, clock } = context
  const url = exchange.baseUrl + endpoint.path
  const ways = exchange.ways(labelsOf(endpoint))
  const reading = { schema, scope: PUBLIC_SCOPE, usageLimit: 'bingx ip×market endpoint' }
  return sender(exchange, (where, params) => {
    const query = encodeQuery(buildQuery(params, where))
    return {
      ...ways,
      repeatable: endpoint.method === 'GET',
      hide: [],
      ...(clock && { clock }),
      sign: () => ({ method: endpoint.method, url: query === '' ? url : `${url}?${query}` }),
      judge: answer => read(answer, endpoint, reading, leastNowMs(context), readBare),
    }
  })
}

/** Makes the endpoints of an account. The keys stay in its closure. */
export type SignedEndpoints = <T>(endpoint: Endpoint, schema: Schema<T>, readBare?: ReadBare<T>) => Send<T>

export function signedEndpoints(context: Context, account: Required<Credentials>): SignedEndpoints {
  const { exchange, recvWindow, clock, nowMs } = context
  const key = exchange.keys.of(account)
  const { apiKey, secretKey, uid } = account
  const headers = { 'X-BX-APIKEY': apiKey }
  const hide = [apiKey, secretKey]
  return <T>(endpoint: Endpoint, schema: Schema<T>, readBare?: ReadBare<T>): Send<T> => {
    const url = exchange.baseUrl + endpoint.path
    const ways = exchange.ways({ uid, ...labelsOf(endpoint) })
    const reading = { schema, scope: SIGNED_SCOPE, usageLimit: 'bingx uid×endpoint' }
    return sender(exchange, (where, params) => {
      // Before the wait, so that a bad parameter costs no turn; signing comes after it.
      buildQuery(params, where)
      return {
        ...ways,
        repeatable: endpoint.method === 'GET',
        hide,
        key,
        ...(clock && { clock }),
        sign() {
          const timestampMs = nowMs()
          const query = buildQuery({ ...params, recvWindow, timestamp: timestampMs }, where)
          const signature = signBingx(query, secretKey)
          const { method } = endpoint
          const signed = `${url}?${encodeQuery(query)}&signature=${signature}`
          return { method, url: signed, headers, hide: [signature], timestampMs }
        },
        judge: answer => read(answer, endpoint, reading, leastNowMs(context), readBare),
      }
    })
  }
}

/** Those of an account whose UID is to be asked for: until then they have none. */
export function askedEndpoints(
  context: Context,
  account: Required<Credentials>,
): { uid: AskedUid; endpoint: SignedEndpoints } {
  const byKey = signedEndpoints(context, { ...account, uid: uidOfKey(account.apiKey) })
  const uid = new AskedUid(context, byKey(documentedEndpoint('GET /openApi/account/v1/uid'), responses.uid))
  let signed: SignedEndpoints | undefined
  const of = (known: string) => {
    signed ??= signedEndpoints(context, { ...account, uid: known })
    return signed
  }
  return {
    uid,
    endpoint: (endpoint, schema, readBare) =>
      uid.send(
        known => of(known)(endpoint, schema, readBare),
        (where, params) => buildQuery(params, where),
      ),
  }
}

/** Only where no page tells the limit: labels stand in every event. */
const labelsOf = ({ name, group, uidLimit, documented }: Endpoint) => ({
  endpoint: name,
  group,
  ...(!documented && uidLimit !== undefined && { uidLimit: String(uidLimit) }),
})

function read<T>(
  answer: Answer,
  endpoint: Endpoint,
  reading: Reading<T>,
  nowMs: number,
  readBare: ReadBare<T> | undefined,
): Verdict<T> {
  const verdict = judge(answer, reading, nowMs)
  if (readBare === undefined || 'value' in verdict || verdict.trouble.kind !== 'malformed') return verdict
  // What else the answer tells stays.
  const { trouble: _, ...told } = verdict
  const bare = readBare(answer, endpoint)
  return bare ? { ...told, ...bare } : verdict
}
