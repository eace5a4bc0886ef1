import type {
  Clock,
  Labels,
  Limit,
  Memory,
  Observer,
  PollOptions,
  Random,
  Reading,
  Scheduler,
  SchedulerEvent,
} from '@headgate/core'
import { ClosedError, createScheduler, systemClock } from '@headgate/core'
import { MAX_BODY_BYTES } from './body.ts'
import { type Call, type CallSetup, runCall } from './call.ts'
import type { CallOptions } from './call-options.ts'
import type { Credentials } from './credentials.ts'
import { checkAddresses, type EgressAddress, egressCheck } from './egress/addresses.ts'
import { Egress, type Ways } from './egress/egress.ts'
import { AccountKeys } from './key-stops.ts'
import { type Checks, func, httpUrl, text, wholeNumber, withMethods } from './options.ts'
import { pollCall } from './poll.ts'
import { tell } from './tell.ts'
import type { Fetch } from './transport.ts'

/** Options that every exchange has. */
export interface ExchangeOptions {
  /** Where the exchange is, without query: `https://host` or `https://host/path`. Default: its live address. */
  baseUrl?: string
  /**
   * A name of yours for the IP address from which the calls leave: limits per IP are counted under it. Two clients
   * behind one address need one scheduler and one name, else they take its limits twice. Default `'default'`.
   */
  ip?: string
  /**
   * Several addresses instead of one: each call leaves from the one that has room first. Limits per IP are counted for each
   * of them, those of an account over all. While one is held (a ban), calls go by the others, those that wait for it too.
   * Not next to `ip` and `fetch`, which each address has its own of.
   */
  egress?: readonly EgressAddress[]
  /**
   * A scheduler to share, made with the exchange's limits. `limits` and `memory` are its own then, and closing the client
   * leaves it open. Default: one of the client's own, with `coldStart: 'paced'`.
   */
  scheduler?: Scheduler
  /** Instead of the documented limits. */
  limits?: readonly Limit[]
  /** For one attempt, from sending to the end of the answer, milliseconds. Default 10,000. */
  timeoutMs?: number
  /**
   * How often a call goes again after a failure (busy, broken, lost), and how often in a row after refusals that name
   * no time. Waiting for a hold uses up none. 0: never, not even after a hold. Default 3.
   */
  retries?: number
  /** Instead of the host's `fetch`. It sees the key and the signature. */
  fetch?: Fetch
  /** Default: the host's clocks. */
  clock?: Clock
  /**
   * Where holds, halvings and histories outlive the process: `fileMemory(path)` of `@headgate/core/memory-file`. Default:
   * nowhere, so that a restart in a ban calls into it.
   */
  memory?: Memory
  /**
   * Told what happens at the gate, and what the exchange says of accounts and addresses (`account-stopped`, `alert` …).
   * Next to `scheduler`, whose own observer is told of the gate, only the latter.
   */
  observer?: Observer
}

export const exchangeChecks: Checks<ExchangeOptions> = {
  baseUrl: httpUrl,
  ip: text,
  egress: egressCheck,
  scheduler: withMethods('a scheduler (from createScheduler)', 'schedule', 'hold', 'close'),
  limits: { expected: 'an array of limits, at least one', test: value => Array.isArray(value) && value.length > 0 },
  timeoutMs: wholeNumber(1, 2 ** 31 - 1),
  retries: wholeNumber(0, 100),
  fetch: func,
  clock: withMethods('a clock with nowMs, epochMs and setTimer', 'nowMs', 'epochMs', 'setTimer'),
  memory: withMethods('a memory (from fileMemory)', 'open'),
  observer: func,
}

/** What an exchange package brings along. */
export interface ExchangeSetup {
  /** Who was called, for errors: `createBingx`. */
  readonly name: string
  /** The label `exchange` of its calls. */
  readonly exchange: string
  readonly baseUrl: string
  readonly limits: readonly Limit[]
  readonly error: CallSetup['error']
  /** How long a call whose answer never came may still be counted, milliseconds. Default: the scheduler's. */
  readonly lostCallMs?: number
  readonly random?: Random
}

/** One exchange, seen from one address or several. Keeps no secret that can be printed. */
export interface Exchange {
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly keys: AccountKeys
  /** To whoever observes it: what the exchange says of accounts and addresses. */
  tell(event: SchedulerEvent): void
  /** Of one attempt. */
  readonly timeoutMs: number
  /** The names of its addresses. */
  readonly ips: readonly string[]
  /** What all its calls carry: who the exchange is, and from where, if that is one address. */
  readonly labels: Labels
  /**
   * What an endpoint's calls carry by each address. To be made once: the scheduler knows labels by their identity.
   * @param own what the endpoint adds to {@link Exchange.labels}.
   */
  ways(own: Labels): Ways
  /** Without a slash at its end. */
  readonly baseUrl: string
  /** Ends the stop of an account's key. */
  resume(account: Required<Credentials>): void
  call<T>(call: Call<T>, options: CallOptions): Promise<T>
  /** The call again and again; `options.signal` ends it. Also ends when the client closes. */
  poll<T>(call: Call<T>, pace: PollOptions, options: CallOptions): AsyncIterable<Reading<T>>
  close(): Promise<void>
}

const TIMEOUT_MS = 10_000
const RETRIES = 3

/** The scheduler's own time-out is only for a `fetch` that doesn't heed its signal. */
const BACKSTOP_MS = 1_000

/**
 * @param options as checked against {@link exchangeChecks}.
 * @throws {TypeError} for `limits` or `memory` next to `scheduler`, for `ip` or `fetch` next to `egress`, and for an entry of
 *   `egress` that is none.
 */
export function openExchange(setup: ExchangeSetup, options: ExchangeOptions): Exchange {
  const { clock = systemClock, timeoutMs = TIMEOUT_MS, retries = RETRIES, observer } = options
  const addresses = addressesOf(setup.name, options)
  for (const name of ['limits', 'memory'] as const) {
    if (options.scheduler === undefined || options[name] === undefined) continue
    throw new TypeError(
      `${setup.name}: option "${name}": expected none next to "scheduler", which has its own, got one`,
    )
  }
  const scheduler =
    options.scheduler ??
    createScheduler({
      limits: options.limits ?? setup.limits,
      clock,
      timeoutMs: timeoutMs + BACKSTOP_MS,
      ...(setup.lostCallMs !== undefined && { lostCallMs: setup.lostCallMs }),
      ...(options.memory && { memory: options.memory }),
      ...(observer && { observer }),
    })
  const egress = new Egress(setup.exchange, addresses, scheduler)
  const closing = new AbortController()
  const calls: CallSetup = {
    scheduler,
    clock,
    egress,
    timeoutMs,
    retries,
    random: setup.random ?? Math.random,
    maxBodyBytes: MAX_BODY_BYTES,
    strangeLimits: new Set(),
    closing: closing.signal,
    observer,
    error: setup.error,
  }
  const keys = new AccountKeys((type, labels, { code, msg }) => {
    const event = type === 'account-stopped' ? ({ type, labels, code, reason: msg } as const) : { type, labels }
    tell(observer, event)
  })
  return Object.freeze({
    scheduler,
    clock,
    keys,
    tell: (event: SchedulerEvent) => tell(observer, event),
    timeoutMs,
    ips: egress.ips,
    labels: egress.labels,
    ways: (own: Labels) => egress.ways(own),
    resume({ uid, ...secrets }: Required<Credentials>) {
      keys.of(secrets).resume(Object.freeze({ ...egress.labels, uid }))
    },
    baseUrl: (options.baseUrl ?? setup.baseUrl).replace(/\/+$/, ''),
    async call<T>(call: Call<T>, callOptions: CallOptions): Promise<T> {
      // A scheduler that is shared stays open.
      if (closing.signal.aborted) throw new ClosedError()
      return runCall(calls, call, callOptions)
    },
    poll: <T>(call: Call<T>, pace: PollOptions, callOptions: CallOptions) =>
      pollCall(calls, scheduler, call, pace, callOptions),
    async close() {
      closing.abort()
      if (options.scheduler === undefined) await scheduler.close()
    },
  })
}

function addressesOf(where: string, options: ExchangeOptions): readonly Readonly<EgressAddress>[] {
  const { egress, ip = 'default', fetch } = options
  if (egress === undefined) return [{ ip, ...(fetch && { fetch }) }]
  for (const name of ['ip', 'fetch'] as const) {
    if (options[name] === undefined) continue
    throw new TypeError(
      `${where}: option "${name}": expected none next to "egress", each of which has its own, got one`,
    )
  }
  return checkAddresses(where, egress)
}
