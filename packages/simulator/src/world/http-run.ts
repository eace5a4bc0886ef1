import { type BingxAccount, bingxLimits, createBingx } from '@headgate/bingx'
import { type CoinwAccount, coinwLimits, createCoinw } from '@headgate/coinw'
import { createScheduler } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { draw } from '../draw.ts'
import type { Labels, Scenario } from '../scenario/scenario.ts'
import { Machine } from './client-clock.ts'
import { Driver, type Gate, type Life } from './driver.ts'
import { FakeFetch } from './fake-fetch.ts'
import { newLog, type RunLog } from './log.ts'
import { Network } from './network.ts'
import { type Keys, keysOf, VirtualExchange } from './virtual-exchange.ts'

const SALT = { random: 13, host: 14 } as const

/** The whole client, from `account.swap.balance()` to its fetch, against the exchange simulator without its sockets. */
export async function runHttp(scenario: Scenario): Promise<RunLog> {
  const hostRandom = Math.random
  let drawn = 0
  // The packages' backoff draws from the host, which would not replay.
  Math.random = () => draw(scenario.seed, SALT.host, drawn++)
  try {
    const world = new HttpWorld(scenario)
    await world.driver.run()
    return world.log
  } finally {
    Math.random = hostRandom
  }
}

interface Client extends Gate {
  readonly accounts: ReadonlyMap<string, BingxAccount | CoinwAccount>
}

class HttpWorld {
  readonly log = newLog()
  readonly driver: Driver
  readonly #scenario: Scenario
  readonly #clock: VirtualClock = virtualClock({ epochMs: Date.UTC(2026, 0, 1) })
  readonly #machine: Machine
  readonly #network: Network
  readonly #exchange: VirtualExchange
  readonly #keys: Keys

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#keys = keysOf(scenario)
    this.#machine = new Machine(scenario, this.#clock)
    this.#network = new Network(scenario, this.log.injected)
    for (const { apiKey, secretKey } of this.#keys.values()) this.log.secrets.push(apiKey, secretKey)
    this.#exchange = new VirtualExchange(scenario, this.#clock, this.log, this.#keys)
    this.driver = new Driver({
      scenario,
      clock: this.#clock,
      machine: this.#machine,
      log: this.log,
      open: life => this.#open(life),
      send: (client, call, signal) => this.#send(client as Client, call.load, call.maxWaitMs, signal),
      setServerLimit: () => undefined,
      foreign: labels => this.#exchange.foreign(labels),
      crashed: () => this.#network.forgetConnections(),
    })
  }

  #open({ index, coldStart, isDead }: Life): Client {
    const { seed, lostCallMs, timeoutMs, maxQueued, loads, giveUpMs } = this.#scenario
    const clock = this.#machine.clockOf(isDead)
    let drawn = 0
    const limits = loads[0]?.labels['exchange'] === 'coinw' ? coinwLimits : bingxLimits
    const scheduler = createScheduler({
      limits,
      coldStart,
      lostCallMs,
      timeoutMs,
      maxQueued,
      clock,
      random: () => draw(seed, SALT.random, index, drawn++),
      observer: event => void (isDead() || event.type === 'admitted' || this.log.texts.push(JSON.stringify(event))),
    })
    const { fetch } = new FakeFetch({
      scenario: this.#scenario,
      life: index,
      isDead,
      clock: this.#clock,
      machine: this.#machine,
      network: this.#network,
      exchange: this.#exchange,
      driver: this.driver,
    })
    const options = { scheduler, clock, fetch, ip: 'a', timeoutMs: giveUpMs as number }
    const isCoinw = limits === coinwLimits
    // Questions for the time belong to no load, so nobody would keep their books.
    const open = isCoinw ? createCoinw(options) : createBingx({ ...options, syncClock: false })
    const accounts = new Map<string, BingxAccount | CoinwAccount>()
    for (const [uid, keys] of this.#keys) accounts.set(uid, open.account({ ...keys, uid }))
    return {
      accounts,
      hold: (labels, hold) => scheduler.hold(labels, hold),
      release: labels => scheduler.release(labels),
      setLimit: (name, limit) => scheduler.setLimit(name, limit),
      snapshot: () => {
        const snapshot = scheduler.snapshot()
        this.log.texts.push(JSON.stringify(snapshot))
        return snapshot
      },
      close: async () => {
        await open.close()
        await scheduler.close()
      },
    }
  }

  #send(client: Client, load: number, maxWaitMs: number, signal: AbortSignal | undefined): Promise<unknown> {
    const { labels } = this.#scenario.loads[load] as { labels: Labels }
    const account = client.accounts.get(labels['uid'] as string) as BingxAccount | CoinwAccount
    const options = {
      ...(Number.isFinite(maxWaitMs) && { maxWaitMs }),
      ...(signal !== undefined && { signal }),
    }
    const sent = call(account, labels['endpoint'] as string, options)
    sent.catch(error => this.log.texts.push(textOf(error)))
    return sent
  }
}

function call(account: BingxAccount | CoinwAccount, endpoint: string, options: object): Promise<unknown> {
  if (!('swap' in account)) return account.spot.balances(options)
  if (endpoint.endsWith('/swap/v3/user/balance')) return account.swap.balance(options)
  if (endpoint.endsWith('/user/income')) return account.swap.income({}, options)
  if (endpoint.endsWith('/spot/v1/account/balance')) return account.spot.balance(options)
  return account.allBalances({}, options)
}

/** All that an error shows of itself. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = JSON.stringify(error, Object.getOwnPropertyNames(error))
  return error.cause === undefined ? own : `${own} ${textOf(error.cause)}`
}
