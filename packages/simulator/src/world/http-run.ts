import { type Bingx, type BingxAccount, bingxLimits, createBingx } from '@headgate/bingx'
import { type Coinw, type CoinwAccount, coinwLimits, createCoinw } from '@headgate/coinw'
import { createScheduler, type Scheduler, type SchedulerEvent, type Snapshot } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { draw } from '../draw.ts'
import type { Load, Scenario } from '../scenario/scenario.ts'
import { Machine } from './client-clock.ts'
import { Driver, type Gate, type Life } from './driver.ts'
import { FakeFetch } from './fake-fetch.ts'
import { type CallLog, newLog, type RunLog } from './log.ts'
import { Network } from './network.ts'
import { type Keys, keysOf, VirtualExchange } from './virtual-exchange.ts'
import { Watch } from './watch.ts'

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

/** The client of one address. */
interface Client {
  readonly exchange: Bingx | Coinw
  readonly accounts: ReadonlyMap<string, BingxAccount | CoinwAccount>
}

interface Bot extends Gate {
  /** By address. */
  readonly clients: ReadonlyMap<string, Client>
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
  readonly #watch: Watch
  readonly #isCoinw: boolean

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#keys = keysOf(scenario)
    this.#isCoinw = scenario.loads[0]?.labels['exchange'] === 'coinw'
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
      send: (bot, call, signal) => this.#send(bot as Bot, call, signal),
      poll: () => {
        throw new Error('no pollers here')
      },
      setServerLimit: () => undefined,
      foreign: labels => this.#exchange.foreign(labels),
      crashed: () => this.#network.forgetConnections(),
    })
    this.#watch = new Watch(this.#clock, this.driver.books, call => this.driver.labelsOf(call.load))
  }

  #open(life: Life): Bot {
    const { routes, schedulers = 'one' } = this.#scenario
    const gates = routes.slice(0, schedulers === 'one' ? 1 : routes.length).map(() => this.#openScheduler(life))
    const clients = new Map(
      routes.map(({ ip }, route) => [ip, this.#openClient(life, route, (gates[route] ?? gates[0]) as Scheduler)]),
    )
    return {
      clients,
      hold: (labels, hold) => {
        for (const gate of gates) gate.hold(labels, hold)
      },
      release: labels => {
        for (const gate of gates) gate.release(labels)
      },
      setLimit: (name, limit) => {
        for (const gate of gates) gate.setLimit(name, limit)
      },
      snapshot: () => this.#snapshot(gates),
      resume: () => {
        for (const { accounts } of clients.values()) for (const account of accounts.values()) account.resume()
      },
      close: async () => {
        for (const { exchange } of clients.values()) await exchange.close()
        for (const gate of gates) await gate.close()
      },
    }
  }

  #openScheduler({ index, coldStart, isDead, limits: known }: Life): Scheduler {
    const { limits: documented, seed, lostCallMs, timeoutMs, maxQueued } = this.#scenario
    let drawn = 0
    const scheduler = createScheduler({
      limits: this.#isCoinw ? coinwLimits : bingxLimits,
      coldStart,
      lostCallMs,
      timeoutMs,
      maxQueued,
      clock: this.#machine.clockOf(isDead),
      random: () => draw(seed, SALT.random, index, drawn++),
      observer: event => void (isDead() || event.type === 'admitted' || this.log.texts.push(JSON.stringify(event))),
    })
    for (const { name, limit } of known) {
      if (documented.some(rule => rule.name === name && rule.limit !== limit)) scheduler.setLimit(name, limit)
    }
    return scheduler
  }

  #openClient({ index, isDead }: Life, route: number, scheduler: Scheduler): Client {
    const { fetch } = new FakeFetch({
      route,
      scenario: this.#scenario,
      life: index,
      isDead,
      clock: this.#clock,
      machine: this.#machine,
      network: this.#network,
      exchange: this.#exchange,
      driver: this.driver,
      watch: this.#watch,
    })
    const options = {
      scheduler: this.#watch.over(scheduler, index),
      observer: (event: SchedulerEvent) => void (isDead() || this.log.texts.push(JSON.stringify(event))),
      clock: this.#machine.clockOf(isDead),
      fetch,
      ip: this.#scenario.routes[route]?.ip as string,
      timeoutMs: this.#scenario.giveUpMs as number,
    }
    const exchange = this.#isCoinw ? createCoinw(options) : createBingx(options)
    const accounts = new Map<string, BingxAccount | CoinwAccount>()
    for (const [uid, keys] of this.#keys) accounts.set(uid, exchange.account({ ...keys, uid }))
    return { exchange, accounts }
  }

  /** All schedulers as one: they have no bucket in common. */
  #snapshot(gates: readonly Scheduler[]): Snapshot {
    const all = gates.map(gate => gate.snapshot())
    this.log.texts.push(JSON.stringify(all))
    const [first] = all as [Snapshot]
    return {
      ...first,
      buckets: all.flatMap(each => each.buckets),
      caps: all.flatMap(each => each.caps),
      holds: all.flatMap(each => each.holds),
      counters: {
        ...first.counters,
        queued: all.reduce((sum, { counters }) => sum + counters.queued, 0),
        running: all.reduce((sum, { counters }) => sum + counters.running, 0),
      },
    }
  }

  #send({ clients }: Bot, call: CallLog, signal: AbortSignal | undefined): Promise<unknown> {
    const { load, maxWaitMs } = call
    const { labels, priority } = this.#scenario.loads[load] as Load
    const { exchange, accounts } = clients.get(labels['ip'] as string) as Client
    const account = accounts.get(labels['uid'] ?? '')
    const options = {
      ...(Number.isFinite(maxWaitMs) && { maxWaitMs }),
      ...(signal !== undefined && { signal }),
      ...(priority !== 0 && { priority }),
    }
    const sent = this.#watch.of(call, () =>
      account === undefined
        ? this.#askTime(exchange as Bingx, call, options)
        : ask(account, labels['endpoint'] as string, options),
    )
    sent.catch(error => this.log.texts.push(textOf(error)))
    return sent
  }

  /** The one public call there is. What it returns is what one of its answers said. */
  async #askTime(exchange: Bingx, call: CallLog, options: object): Promise<void> {
    const ms = await exchange.serverTime(options)
    if (!call.attempts.some(({ saidTimeMs }) => saidTimeMs === ms))
      this.driver.books.mishap(`call ${call.id} got a time that no answer told`)
  }
}

function ask(account: BingxAccount | CoinwAccount, endpoint: string, options: object): Promise<unknown> {
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
