import { buildQuery, signBingx } from '@headgate/bingx'
import { signCoinw } from '@headgate/coinw'
import type { Exchange } from '@headgate/exchange-sim'
import { BINGX_PATHS, type Poller } from './load.ts'

/** One call as it is sent without a gate. Rejects when the exchange refuses it. */
export async function plainCall(exchange: Exchange, { account, endpoint }: Poller, signal: AbortSignal): Promise<void> {
  const { apiKey, secretKey } = account
  let response: Response
  if (endpoint === undefined) {
    const sign = signCoinw({}, apiKey, secretKey)
    const url = `${exchange.coinwUrl}/api/v1/private?command=returnBalances&api_key=${apiKey}&sign=${sign}`
    response = await fetch(url, { method: 'POST', signal })
  } else {
    const query = buildQuery({ timestamp: Date.now() })
    const url = `${exchange.bingxUrl}${BINGX_PATHS[endpoint].path}?${query}&signature=${signBingx(query, secretKey)}`
    response = await fetch(url, { headers: { 'X-BX-APIKEY': apiKey }, signal })
  }
  const { code, msg } = (await response.json()) as { code: unknown; msg?: unknown }
  if (code !== 0 && code !== '200') throw new Error(`refused: ${String(msg)}`)
}
