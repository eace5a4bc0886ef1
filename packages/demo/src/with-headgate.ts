import { bingxLimits, createBingx } from '@headgate/bingx'
import { coinwLimits, createCoinw } from '@headgate/coinw'
import { createScheduler, type Limit, type Observer } from '@headgate/core'
import type { Exchange } from '@headgate/exchange-sim'
import { ACCOUNTS, type Contender, type Poller } from './load.ts'

export function withHeadgate(exchange: Exchange): Contender {
  const waitsMs: number[] = []
  const observer: Observer = event => {
    if (event.type === 'admitted') waitsMs.push(event.waitedMs)
  }
  // Nobody has called this exchange before.
  const scheduler = (limits: readonly Limit[]) => createScheduler({ limits, coldStart: 'full', observer })
  const bingx = createBingx({ baseUrl: exchange.bingxUrl, scheduler: scheduler(bingxLimits) })
  const coinw = createCoinw({ baseUrl: exchange.coinwUrl, scheduler: scheduler(coinwLimits) })
  const calls = new Map(
    ACCOUNTS.map(({ uid, apiKey, secretKey, exchange: name }) => {
      if (name === 'coinw') {
        const { spot } = coinw.account({ uid, apiKey, secretKey })
        return [uid, (_: Poller['endpoint'], signal: AbortSignal): Promise<unknown> => spot.balances({ signal })]
      }
      const account = bingx.account({ uid, apiKey, secretKey })
      return [
        uid,
        (endpoint: Poller['endpoint'], signal: AbortSignal): Promise<unknown> => {
          if (endpoint === 'swap balance') return account.swap.balance({ signal })
          if (endpoint === 'spot balance') return account.spot.balance({ signal })
          if (endpoint === 'all balances') return account.allBalances({}, { signal })
          return account.swap.income({}, { signal })
        },
      ]
    }),
  )
  return {
    name: 'Headgate',
    waitsMs,
    async call({ account, endpoint }, signal) {
      await calls.get(account.uid)?.(endpoint, signal)
    },
    async close() {
      await Promise.all([bingx.scheduler.close(), coinw.scheduler.close()])
    },
  }
}
