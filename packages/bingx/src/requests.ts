import { type Exchange, type Schema, type Send, sender } from '@headgate/http'
import type { Endpoint } from './endpoints.ts'
import { PUBLIC_SCOPE, SIGNED_SCOPE } from './feedback.ts'
import { judge } from './judge.ts'
import { buildQuery, encodeQuery, signBingx } from './signing.ts'

/** What all calls of one client share. */
export interface Context {
  readonly exchange: Exchange
  readonly recvWindow: number
  /** The server's epoch time as far as we know it. */
  readonly nowMs: () => number
}

/** The public form of an endpoint: no key, and the limits per IP alone. */
export function publicEndpoint<T>(context: Context, endpoint: Endpoint, schema: Schema<T>): Send<T> {
  const { exchange, nowMs } = context
  const url = exchange.baseUrl + endpoint.path
  const labels = Object.freeze({ exchange: 'bingx', ip: exchange.ip, ...labelsOf(endpoint) })
  const reading = { schema, scope: PUBLIC_SCOPE }
  return sender(exchange, (where, params) => {
    const query = encodeQuery(buildQuery(params, where))
    return {
      labels,
      repeatable: true,
      hide: [],
      sign: () => ({ method: endpoint.method, url: query === '' ? url : `${url}?${query}` }),
      judge: answer => judge(answer, reading, nowMs()),
    }
  })
}

/** An account's endpoints. The keys stay in this closure. */
export function signedEndpoints(context: Context, account: { apiKey: string; secretKey: string; uid: string }) {
  const { exchange, recvWindow, nowMs } = context
  const { apiKey, secretKey, uid } = account
  const headers = { 'X-BX-APIKEY': apiKey }
  const hide = [apiKey, secretKey]
  return <T>(endpoint: Endpoint, schema: Schema<T>): Send<T> => {
    const url = exchange.baseUrl + endpoint.path
    const labels = Object.freeze({ exchange: 'bingx', ip: exchange.ip, uid, ...labelsOf(endpoint) })
    const reading = { schema, scope: SIGNED_SCOPE }
    return sender(exchange, (where, params) => {
      // Before the wait, so that a bad parameter costs no turn; signing comes after it.
      buildQuery(params, where)
      return {
        labels,
        repeatable: endpoint.method === 'GET',
        hide,
        sign() {
          const query = buildQuery({ ...params, recvWindow, timestamp: nowMs() }, where)
          const signature = signBingx(query, secretKey)
          const { method } = endpoint
          return { method, url: `${url}?${encodeQuery(query)}&signature=${signature}`, headers, hide: [signature] }
        },
        judge: answer => judge(answer, reading, nowMs()),
      }
    })
  }
}

const labelsOf = ({ method, path, group }: Endpoint) => ({ endpoint: `${method} ${path}`, group })
