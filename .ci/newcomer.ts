import { createBingx } from '@headgate/bingx'
import { createCoinw } from '@headgate/coinw'
import { createScheduler, type Scheduler, tokenBucket } from '@headgate/core'
import { fileMemory } from '@headgate/core/memory-file'
import { checkWindow, virtualClock } from '@headgate/core/testing'
import { startExchange } from '@headgate/exchange-sim'

const keys = { apiKey: 'newcomer-key', secretKey: 'newcomer-secret' }
const exchange = await startExchange({
  accounts: [
    { uid: '1', exchange: 'bingx', ...keys },
    { uid: '1', exchange: 'coinw', ...keys },
  ],
})

const bingx = createBingx({ baseUrl: exchange.bingxUrl })
const [balance] = await bingx.account(keys).swap.balance()
const coinw = createCoinw({ baseUrl: exchange.coinwUrl })
const coins: Record<string, string> = await coinw.account(keys).spot.balances()
if (balance === undefined || Object.keys(coins).length === 0) throw new Error('no balances came')
await Promise.all([bingx.close(), coinw.close(), exchange.close()])

const clock = virtualClock()
const memory = fileMemory('memory.json')
const scheduler: Scheduler = createScheduler({
  limits: [tokenBucket({ name: 'uid', limit: 2, windowMs: 1_000, by: ['uid'] })],
  clock,
  memory,
})
scheduler.hold({ uid: '2' }, { forMs: 60_000, reason: 'kept' })
const counts: { atMs: number }[] = []
const calls = [1, 2, 3].map(() =>
  scheduler.schedule({ labels: { uid: '1' } }, () => counts.push({ atMs: clock.nowMs() })),
)
await clock.advance(10_000)
await Promise.all(calls)
if (!checkWindow(counts, { limit: 2, windowMs: 1_000 }).ok) throw new Error('over the limit')
if (fileMemory('memory.json').open().kept?.holds.length !== 1) throw new Error('the hold was not kept')
console.log(`plain Node ${process.version} runs it: ${balance.asset} and ${Object.keys(coins).length} coins`)
