import type { Scheduler } from '@headgate/core'
import {
  type CallOptions,
  type Credentials,
  checkOptions,
  type EndpointPollOptions,
  type ExchangeOptions,
  exchangeChecks,
  openExchange,
  type Pollable,
  pollable,
  wholeNumber,
} from '@headgate/http'
import { type BingxAccount, createAccount } from './account.ts'
import { Calls, type PublicCall } from './call.ts'
import { documentedEndpoint } from './endpoints/endpoint.ts'
import { bingxError } from './errors.ts'
import { bingxLimits } from './limits.ts'
import { type Context, publicEndpoint } from './requests.ts'
import * as responses from './responses.ts'
import { bingxClock } from './server-time.ts'

export interface BingxOptions extends ExchangeOptions {
  /**
   * How old a call may be when it reaches BingX, milliseconds from 1 to 60,000. Default 5000, which every source
   * allows.
   */
  recvWindow?: number
  /**
   * Sign by BingX's clock: asked before the first signed call and every ten minutes of use, under the limits of public
   * calls. `false`: by the host's, which must then be right within a second. Default true.
   */
  syncClock?: boolean
}

/** BingX as seen from one IP address, or from those of `egress`. */
export interface Bingx extends AsyncDisposable {
  readonly scheduler: Scheduler
  /** @throws {TypeError} naming what is wrong, never a key. */
  account(credentials: Credentials): BingxAccount
  /** BingX's clock, epoch milliseconds. GET /openApi/swap/v2/server/time */
  readonly serverTime: Pollable<[options?: CallOptions], EndpointPollOptions, number>
  /**
   * Any public endpoint, `METHOD /openApi/…`, under its documented limits; one that is not documented is taken for
   * market data. Gives the answer's `data` as it came, where numbers that a double can't keep are strings. Rejects with
   * a TypeError, before anything is sent, for an endpoint that is signed.
   */
  readonly call: PublicCall
  /** Waiting calls reject, running ones finish. A scheduler that was passed in stays open. */
  close(): Promise<void>
}

/** `https://open-api-vst.bingx.com` has demo money. */
const BASE_URL = 'https://open-api.bingx.com'
const RECV_WINDOW_MS = 5_000

/** The scheduler's own default: how long after giving up a call is still thought to arrive. */
const LOST_CALL_MS = 5_000

/**
 * One client per IP address, or for all of them with `egress`: two on one address take its limits twice. For `coldStart: 'full'` and other
 * settings of the gate pass a scheduler: `createScheduler({ limits: bingxLimits, coldStart: 'full' })`.
 * @throws {TypeError} naming the option, what was expected and what came.
 */
export function createBingx(options?: BingxOptions): Bingx {
  const name = 'createBingx'
  const checked = checkOptions<BingxOptions>(name, options, {
    ...exchangeChecks,
    recvWindow: wholeNumber(1, 60_000),
    syncClock: { expected: 'true or false', test: value => typeof value === 'boolean' },
  })
  const { recvWindow = RECV_WINDOW_MS, syncClock = true } = checked
  const exchange = openExchange(
    {
      name,
      exchange: 'bingx',
      baseUrl: BASE_URL,
      limits: bingxLimits,
      error: bingxError,
      // BingX takes a call that is up to recvWindow old.
      lostCallMs: Math.max(LOST_CALL_MS, recvWindow),
    },
    checked,
  )
  const clock = syncClock ? bingxClock(exchange) : undefined
  const nowMs = () => clock?.epochMs() ?? exchange.clock.epochMs()
  const context: Context = { exchange, recvWindow, clock, nowMs }
  const calls = new Calls(context)
  const serverTime = publicEndpoint(
    context,
    documentedEndpoint('GET /openApi/swap/v2/server/time'),
    responses.serverTime,
  )
  return Object.freeze({
    scheduler: exchange.scheduler,
    account: (credentials: Credentials) => createAccount(context, calls, credentials),
    serverTime: pollable('bingx.serverTime', serverTime),
    call: calls.public,
    close: () => exchange.close(),
    [Symbol.asyncDispose]: () => exchange.close(),
  })
}
