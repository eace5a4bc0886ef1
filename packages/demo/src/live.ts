import { BingxError, createBingx } from '@headgate/bingx'
import Table from 'cli-table3'

/**
 * Reads each kind of balance once.
 * @returns the exit code: 0, 1 when BingX did not answer well, 2 when the keys are missing
 */
export async function live(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> {
  const { BINGX_API_KEY: apiKey, BINGX_SECRET_KEY: secretKey } = env
  if (!apiKey || !secretKey) {
    console.error('demo live: set BINGX_API_KEY and BINGX_SECRET_KEY to a key with the permission "Read".')
    return 2
  }
  await using bingx = createBingx()
  const account = bingx.account({ apiKey, secretKey })
  const table = new Table({ head: ['account', 'asset', 'balance'], style: { head: [], border: [] } })
  try {
    const [swap, spot, all] = await Promise.all([
      account.swap.balance({ signal }),
      account.spot.balance({ signal }),
      account.allBalances({}, { signal }),
    ])
    for (const { asset, balance } of swap) table.push(['swap', asset, balance])
    for (const { asset, free, locked } of spot) table.push(['spot', asset, `${free} free, ${locked} locked`])
    for (const { accountType, usdtBalance } of all) table.push([accountType, 'all, in USDT', usdtBalance])
  } catch (error) {
    if (!(error instanceof BingxError)) throw error
    console.error(`demo live: ${error.message}`)
    return 1
  }
  console.log(table.toString())
  return 0
}
