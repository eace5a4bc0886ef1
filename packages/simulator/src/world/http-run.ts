import {
  type Bingx,
  type BingxAccount,
  bingxLimits,
  type CallOptions,
  createBingx,
  type EndpointPollOptions,
} from '@headgate/bingx'
import { type Coinw, type CoinwAccount, coinwLimits, createCoinw } from '@headgate/coinw'
import { createScheduler, type Reading, type Scheduler, type SchedulerEvent, type Snapshot } from '@headgate/core'
import { type VirtualClock, virtualClock } from '@headgate/core/testing'
import { draw } from '../draw.ts'
import type { Labels, Load, PollPlan, Scenario } from '../scenario/scenario.ts'
import { Machine } from './client-clock.ts'
import { Driver, type Gate, type Life } from './driver.ts'
import { FakeFetch } from './fake-fetch.ts'
import { type Attempt, type CallLog, newLog, type PollLog, type RunLog } from './log.ts'
import { Network } from './network.ts'
import type { PollHooks } from './polling.ts'
import { textOf } from './text-of.ts'
import { type Keys, keysOf, VirtualExchange } from './virtual-exchange.ts'
import { Watch } from './watch.ts'

const SALT = { random: 13, host: 14 } as const
const CLIENTS_FIRST_MS = 10_000
/** What pollers share by default (bingx README, `coalesce`). */
const SHARED = 'poll'

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
  #alone = 0

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    this.#keys = keysOf(scenario)
    const [any] = [...scenario.loads, ...(scenario.pollers ?? [])]
    this.#isCoinw = any?.labels['exchange'] === 'coinw'
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
      poll: (bot, plan, hooks) => this.#poll(bot as Bot, plan, hooks),
      answerOf: (outcome, own) => this.#answerOf(outcome, own),
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
        await Promise.all([...clients.values()].map(({ exchange }) => exchange.close()))
        // Theirs is the caller's, and stays open when they close: what goes on then is theirs.
        await new Promise<void>(resolve => void this.#clock.setTimer(resolve, CLIENTS_FIRST_MS))
        await Promise.all(gates.map(gate => gate.close()))
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
    const { load, maxWaitMs, coalesce } = call
    const { labels, priority } = this.#scenario.loads[load] as Load
    const endpoint = endpointOf(clients, labels)
    const options = {
      ...(Number.isFinite(maxWaitMs) && { maxWaitMs }),
      ...(signal !== undefined && { signal }),
      ...(priority !== 0 && { priority }),
      ...(coalesce !== undefined && { coalesce }),
    }
    const sent = this.#watch.of(call, () =>
      labels['uid'] === undefined ? this.#askTime(endpoint, call, options) : endpoint.ask(options),
    )
    sent.catch(error => this.log.texts.push(textOf(error)))
    return sent
  }

  #poll({ clients }: Bot, plan: PollPlan, hooks: PollHooks): AsyncIterable<Reading<unknown>> {
    const { labels, everyMs, weight, priority, onError, maxAgeMs, coalesce } = plan
    return this.#watch.polling(labels, hooks, () =>
      endpointOf(clients, labels).poll({
        everyMs,
        weight,
        onError,
        signal: hooks.signal,
        ...(maxAgeMs !== null && { maxAgeMs }),
        ...(priority !== 0 && { priority }),
        // All who give none share. Who is to share with nobody gives one that nobody else has.
        ...(coalesce !== SHARED && { coalesce: coalesce ?? `alone ${this.#alone++}` }),
      }),
    )
  }

  /** A time is no object: only whoever asked for it knows which answer told it. */
  #answerOf(outcome: unknown, own: PollLog | undefined): Attempt | undefined {
    return typeof outcome === 'number'
      ? own?.runs.findLast(({ attempt }) => attempt.saidTimeMs === outcome)?.attempt
      : this.#watch.answerOf(outcome)
  }

  /** The one public call there is. What it returns is what one of its answers said. */
  async #askTime(endpoint: Endpoint, call: CallLog, options: object): Promise<void> {
    const ms = await endpoint.ask(options)
    if (!call.attempts.some(({ saidTimeMs }) => saidTimeMs === ms))
      this.driver.books.mishap(`call ${call.id} got a time that no answer told`)
  }
}

/** One of the client's endpoints, whose parameters are left out. */
interface Endpoint {
  ask(options: CallOptions): Promise<unknown>
  poll(options: EndpointPollOptions): AsyncIterable<Reading<unknown>>
}

function endpointOf(clients: Bot['clients'], { ip = '', uid = '', endpoint = '' }: Labels): Endpoint {
  const { exchange, accounts } = clients.get(ip) as Client
  const account = accounts.get(uid)
  if (account === undefined) return plain((exchange as Bingx).serverTime)
  if (!('swap' in account)) return plain(account.spot.balances)
  if (endpoint.endsWith('/swap/v3/user/balance')) return plain(account.swap.balance)
  if (endpoint.endsWith('/spot/v1/account/balance')) return plain(account.spot.balance)
  return endpoint.endsWith('/user/income') ? queried(account.swap.income) : queried(account.allBalances)
}

type Polls = Pick<Endpoint, 'poll'>

function plain(its: ((options: CallOptions) => Promise<unknown>) & Polls): Endpoint {
  return { ask: options => its(options), poll: options => its.poll(options) }
}

function queried(its: ((query: object, options: CallOptions) => Promise<unknown>) & Polls): Endpoint {
  return { ask: options => its({}, options), poll: options => its.poll(options) }
}
