import {
  type Answer,
  type CallOptions,
  checkCallOptions,
  type Exchange,
  type Params,
  type Schema,
  type Verdict,
} from '@headgate/http'
import type { Endpoint } from './endpoints/endpoint.ts'
import { PUBLIC_SCOPE, SIGNED_SCOPE } from './feedback.ts'
import { judge, type Reading } from './judge.ts'
import { buildQuery, encodeQuery, signBingx } from './signing.ts'

/** What all calls of one client share. */
export interface Context {
  readonly exchange: Exchange
  readonly recvWindow: number
  /** The server's epoch time as far as we know it. */
  readonly nowMs: () => number
}

/** Sends one call of an endpoint, and reads its answer. */
export type Send<T> = (where: string, params: Params, options: CallOptions | undefined) => Promise<T>

/** Reads an answer that has no code, where such an endpoint is known to send some. */
export type ReadBare<T> = (answer: Answer, endpoint: Endpoint) => Verdict<T> | undefined

/** The public form of an endpoint: no key, and the limits per IP alone. */
export function publicEndpoint<T>(
  context: Context,
  endpoint: Endpoint,
  schema: Schema<T>,
  readBare?: ReadBare<T>,
): Send<T> {
  const { exchange, nowMs } = context
  const url = exchange.baseUrl + endpoint.path
  const labels = Object.freeze({ exchange: 'bingx', ip: exchange.ip, ...labelsOf(endpoint) })
  const reading = { schema, scope: PUBLIC_SCOPE }
  return async (where, params, options) => {
    const query = encodeQuery(buildQuery(params, where))
    return exchange.call(
      {
        labels,
        repeatable: endpoint.method === 'GET',
        hide: [],
        sign: () => ({ method: endpoint.method, url: query === '' ? url : `${url}?${query}` }),
        judge: answer => read(answer, endpoint, reading, nowMs(), readBare),
      },
      checkCallOptions(where, options),
    )
  }
}

/** An account's endpoints. The keys stay in this closure. */
export function signedEndpoints(context: Context, account: { apiKey: string; secretKey: string; uid: string }) {
  const { exchange, recvWindow, nowMs } = context
  const { apiKey, secretKey, uid } = account
  const headers = { 'X-BX-APIKEY': apiKey }
  const hide = [apiKey, secretKey]
  return <T>(endpoint: Endpoint, schema: Schema<T>, readBare?: ReadBare<T>): Send<T> => {
    const url = exchange.baseUrl + endpoint.path
    const labels = Object.freeze({ exchange: 'bingx', ip: exchange.ip, uid, ...labelsOf(endpoint) })
    const reading = { schema, scope: SIGNED_SCOPE }
    return async (where, params, options) => {
      // Before the wait, so that a bad parameter costs no turn; signing comes after it.
      buildQuery(params, where)
      return exchange.call(
        {
          labels,
          repeatable: endpoint.method === 'GET',
          hide,
          sign() {
            const query = buildQuery({ ...params, recvWindow, timestamp: nowMs() }, where)
            const signature = signBingx(query, secretKey)
            const { method } = endpoint
            return { method, url: `${url}?${encodeQuery(query)}&signature=${signature}`, headers, hide: [signature] }
          },
          judge: answer => read(answer, endpoint, reading, nowMs(), readBare),
        },
        checkCallOptions(where, options),
      )
    }
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
