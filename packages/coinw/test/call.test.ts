import { createScheduler, type Labels, type Scheduler } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type CommandName, coinwLimits, createCoinw, type PublicCommandName } from '../src/index.ts'
import { failure, NEVER_MS, settle } from './support/settle.ts'

const KEYS = { apiKey: 'key-5d41402abc4b2a76', secretKey: 'secret-7d793037a0760186' }
const ACCOUNT = ['100 exchange ip', '300 exchange uid']

/** Each command's own limit, and whether it changes nothing (its page, coinw.com/api-doc, read 2026-11). */
const PRIVATE: readonly (readonly [CommandName, string, boolean])[] = [
  ['returnBalances', '3', true],
  ['returnCompleteBalances', '5', true],
  ['doTrade', '30', false],
  ['cancelOrder', '30', false],
  ['cancelAllOrder', '30', false],
  ['returnOpenOrders', '30', true],
  ['returnOrderTrades', '30', true],
  ['returnOrderStatus', '30', true],
  ['returnUTradeHistory', '5', true],
  ['getUserTrades', '10', true],
  ['returnDepositsWithdrawals', '3', true],
  ['returnDepositAddresses', '3', true],
  ['doWithdraw', '3', false],
  ['cancelWithdraw', '3', false],
  ['spotWealthTransfer', '1', false],
]
const PUBLIC: readonly (readonly [PublicCommandName, string])[] = [
  ['returnTicker', '80'],
  ['returnCurrencies', '80'],
  ['returnSymbol', '80'],
  ['return24hVolume', '80'],
  ['returnOrderBook', '10'],
  ['returnTradeHistory', '10'],
  ['returnChartData', '10'],
]

/** A client whose requests go nowhere. */
function recording(respond: () => Response | Promise<Response> = () => new Response('{"code":"200","data":[1]}')) {
  const clock = virtualClock()
  const sent: { method: string; url: URL }[] = []
  const labels = new Set<Labels>()
  const fetch = async (input: unknown) => {
    const { method, url } = input as Request
    sent.push({ method, url: new URL(url) })
    return respond()
  }
  const scheduler = createScheduler({ limits: coinwLimits, coldStart: 'full', clock, timeoutMs: 2 * NEVER_MS })
  const watched: Scheduler = Object.create(scheduler, {
    schedule: {
      value: (request: { labels: Labels }, task: never) => {
        labels.add(request.labels)
        return scheduler.schedule(request, task)
      },
    },
    recall: { value: (name: string) => scheduler.recall(name) },
    close: { value: () => scheduler.close() },
  })
  const coinw = createCoinw({ fetch, clock, scheduler: watched, timeoutMs: NEVER_MS })
  const gates = () =>
    [...labels].map(each =>
      scheduler.explain({ labels: each }).gates.map(gate => `${gate.limit} ${Object.keys(gate.labels).join(' ')}`),
    )
  return { clock, sent, labels, gates, coinw, account: coinw.account({ ...KEYS, uid: 'u1' }) }
}

describe('account.call', () => {
  it.each(PRIVATE)('%s: %s per window and user ID, beside the two of all', async (command, limit) => {
    const it = recording()
    await settle(it.account.call(command, { symbol: 'BTC_USDT' }), it.clock)
    await settle(it.account.call(command, { symbol: 'BTC_USDT' }), it.clock)
    expect(it.gates()).toEqual([[`${limit} exchange uid endpoint`, ...ACCOUNT]])
    for (const { method, url } of it.sent) {
      expect(method).toBe('POST')
      expect(url.pathname).toBe('/api/v1/private')
      expect(url.searchParams.get('command')).toBe(command)
      expect(url.searchParams.has('sign')).toBe(true)
    }
  })

  it.each(PRIVATE)('%s: sent again only where it changes nothing', async (command, _, read) => {
    const it = recording(() => Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' })))
    expect(await failure(it.account.call(command), it.clock)).toMatchObject({ kind: 'lost', endpoint: command })
    expect(it.sent).toHaveLength(read ? 4 : 1)
  })
})

describe('coinw.call', () => {
  it.each(PUBLIC)(
    '%s: %s a second and IP, without a key, under the labels that an account uses too',
    async (command, limit) => {
      const it = recording()
      expect(await settle(it.coinw.call(command, { symbol: 'BTC_USDT' }), it.clock)).toEqual([1])
      expect(await settle(it.account.call(command), it.clock)).toEqual([1])
      expect(it.gates()).toEqual([[`${limit} exchange ip endpoint`, '100 exchange ip']])
      expect(it.sent.map(({ method, url }) => `${method} ${url.pathname}${url.search}`)).toEqual([
        `GET /api/v1/public?command=${command}&symbol=BTC_USDT`,
        `GET /api/v1/public?command=${command}`,
      ])
    },
  )

  it.each(PRIVATE)('%s is refused before anything is sent', async command => {
    const it = recording()
    await expect(it.coinw.call(command as PublicCommandName)).rejects.toThrow(
      new TypeError(
        `coinw.call("${command}"): expected a public command, got a private one, which account.call is for`,
      ),
    )
    expect([...it.sent, ...it.labels]).toEqual([])
  })

  it.each(['returnNothing', 'constructor', undefined, null])('%o is refused, with what there is', async command => {
    const it = recording()
    await expect(it.coinw.call(command as never)).rejects.toThrow(
      /^coinw\.call: expected one of returnBalances, .*, got /,
    )
    await expect(it.coinw.call(command as never)).rejects.toBeInstanceOf(TypeError)
  })

  it('checks parameters and options', async () => {
    const it = recording()
    await expect(it.coinw.call('returnTicker', { symbol: 'A&B' })).rejects.toThrow(
      'coinw.call("returnTicker"): parameter "symbol": expected a string without & = ? # and line breaks',
    )
    await expect(it.coinw.call('returnTicker', {}, { maxWaitMs: -1 })).rejects.toThrow(
      'coinw.call("returnTicker"): option "maxWaitMs": expected a number of milliseconds from 0, got -1',
    )
  })
})

it('knows all commands and no others', () => {
  expect(new Set([...PRIVATE, ...PUBLIC].map(([command]) => command)).size).toBe(22)
  expectTypeOf<'returnTicker'>().toExtend<PublicCommandName>()
  expectTypeOf<'doTrade'>().not.toExtend<PublicCommandName>()
})
