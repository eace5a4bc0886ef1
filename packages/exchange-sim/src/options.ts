import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { Account } from './accounts.ts'
import { type ErrorRule, errorDefaults, type FrequencyRule, frequencyDefaults } from './bans.ts'
import { type Clock, systemClock } from './clock.ts'
import type { ExchangeName } from './dialect.ts'
import type { Fault, RandomFaults } from './faults.ts'
import type { Latency } from './latency.ts'
import { anyText, flag, func, leaf, listOf, numberFrom, oneOf, recordOf, secretText, shape, text } from './validate.ts'

export interface ExchangeOptions {
  /** TCP port on 127.0.0.1. Default 0: any free one. */
  port?: number
  /** Decides delays, accidents and balances. Whole number, default 1. */
  seed?: number
  /** Default: no delay. Delays run on real timers, whatever `clock` says. */
  latency?: Latency
  /** Who may sign. Default nobody: every signed call is answered "Incorrect apiKey". */
  accounts?: readonly Account[]
  /** Accidents by chance. Default none. For chosen calls see `exchange.fault`. */
  faults?: RandomFaults
  /** BingX's disabled periods; `false` turns them off. */
  ban?: FrequencyRule | false
  /** BingX's error-count rule; `false` turns it off. */
  errorRule?: ErrorRule | false
  /** Whether a refused call takes a place in the windows. Default false. What the real exchanges do is unknown. */
  countRefused?: boolean
  /**
   * BingX's codes on `/openApi/swap` and `/openApi/cswap` paths. `documented` (default): 80014 and 100410, as the pages
   * of 2024-09 print them. `renumbered`: 109400 and 109429, since 2025-10-16 (facts; 100410 is seen into 2026-09).
   */
  codes?: 'documented' | 'renumbered'
  /**
   * In which order `/openApi/swap/v2/user/income` lists, which decides what a `limit` cuts off. Default `newest-first`:
   * the real order is undocumented.
   */
  incomeOrder?: 'newest-first' | 'oldest-first'
  /** How many calls `exchange.log()` holds. Default 100 000; 0 keeps none. */
  logSize?: number
  /** Default the system's clocks. Windows and bans follow it; delays don't. */
  clock?: Clock
}

/** A ban to impose at once. */
export interface BanOrder {
  exchange: ExchangeName
  /** BingX: `'GET /openApi/…'` or only the path of a GET. CoinW: the command. */
  endpoint: string
  /** Whom it holds: give exactly one of `uid` and `ip`. */
  uid?: string
  ip?: string
  forMs: number
  /**
   * BingX's words. Default `disabled-period`. `error-count` speaks of 20 errors 100202 within 480000 ms, as the seeds
   * do. CoinW has but one refusal, whatever stands here.
   */
  wording?: 'disabled-period' | 'error-count'
}

/** All options with their defaults. */
export interface Settings {
  readonly port: number
  readonly seed: number
  readonly latency: Latency | undefined
  readonly accounts: readonly Account[]
  readonly faults: RandomFaults
  readonly ban: Required<FrequencyRule> | undefined
  readonly errorRule: Required<ErrorRule> | undefined
  readonly countRefused: boolean
  readonly codes: 'documented' | 'renumbered'
  readonly incomeOrder: 'newest-first' | 'oldest-first'
  readonly logSize: number
  readonly clock: Clock
}

const here = 'startExchange: '
const dayMs = 86_400_000
const share = numberFrom(0, 1)
const duration = numberFrom(1, dayMs)
const count = numberFrom(1, 100_000, true)
const exchangeName = oneOf('bingx', 'coinw')
const banRule = { threshold: count, windowMs: duration, lengthMs: duration }

const checkOptions = shape({
  port: numberFrom(0, 65_535, true),
  seed: numberFrom(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true),
  latency: shape(
    { baseMs: numberFrom(0, 60_000), jitterMs: numberFrom(0, 60_000), sigma: numberFrom(0, 5) },
    { required: ['baseMs', 'jitterMs', 'sigma'] },
  ),
  accounts: listOf(
    shape(
      { uid: text, apiKey: secretText, secretKey: secretText, exchange: exchangeName },
      { required: ['uid', 'apiKey', 'secretKey'] },
    ),
  ),
  faults: shape({ lostRequests: share, lostAnswers: share, unanswered: share, htmlPages: share }),
  ban: shape({ ...banRule, extend: flag }, { or: [false] }),
  errorRule: shape(banRule, { or: [false] }),
  countRefused: flag,
  codes: oneOf('documented', 'renumbered'),
  incomeOrder: oneOf('newest-first', 'oldest-first'),
  logSize: numberFrom(0, 10_000_000, true),
  clock: shape({ nowMs: func, epochMs: func }, { required: ['nowMs', 'epochMs'], open: true }),
})

export function readOptions(options: ExchangeOptions = {}): Settings {
  checkOptions(options, here)
  const { faults = {} } = options
  const shares = Object.values(faults).reduce((sum: number, part: number | undefined) => sum + (part ?? 0), 0)
  if (shares > 1) throw new TypeError(`${here}faults must be shares that add up to at most 1, but got ${shares}`)
  return {
    port: options.port ?? 0,
    seed: options.seed ?? 1,
    latency: options.latency,
    accounts: options.accounts ?? [],
    faults,
    ban: options.ban === false ? undefined : withDefaults(frequencyDefaults, options.ban),
    errorRule: options.errorRule === false ? undefined : withDefaults(errorDefaults, options.errorRule),
    countRefused: options.countRefused ?? false,
    codes: options.codes ?? 'documented',
    incomeOrder: options.incomeOrder ?? 'newest-first',
    logSize: options.logSize ?? 100_000,
    clock: options.clock ?? systemClock,
  }
}

/** A field set to `undefined` means its default, which spreading alone would not give. */
function withDefaults<T extends object>(defaults: T, given: Partial<T> = {}): T {
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(set) }
}

const checkBan = shape(
  {
    exchange: exchangeName,
    endpoint: text,
    uid: text,
    ip: text,
    forMs: duration,
    wording: oneOf('disabled-period', 'error-count'),
  },
  { required: ['exchange', 'endpoint', 'forMs'] },
)

export function checkBanOrder(order: BanOrder): void {
  checkBan(order, 'exchange.ban: ')
  const given = [order.uid, order.ip].filter(whom => whom !== undefined).length
  if (given !== 1) throw new TypeError(`exchange.ban: uid or ip must be given, one of them, but got ${given}`)
}

const checkFaultShape = shape(
  {
    exchange: exchangeName,
    endpoint: text,
    uid: text,
    ip: text,
    times: leaf(
      'a whole number of at least 1, or Infinity',
      times => times === Infinity || (Number.isInteger(times) && Number(times) >= 1),
    ),
    counted: flag,
    reply: shape(
      {
        status: numberFrom(200, 599, true),
        code: leaf('a whole number or a string', code => Number.isInteger(code) || typeof code === 'string'),
        msg: anyText,
        body: anyText,
        headers: recordOf(anyText),
      },
      { or: ['drop', 'hang'] },
    ),
  },
  { required: ['reply'] },
)

export function checkFault(fault: Fault): void {
  checkFaultShape(fault, 'exchange.fault: ')
  const { reply } = fault
  if (typeof reply === 'string') return
  const given = [reply.code, reply.body].filter(part => part !== undefined).length
  // Node's own TypeErrors name the header; without them the answer would fail when it is sent, and with it the process.
  for (const [name, value] of Object.entries(reply.headers ?? {})) {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  }
  if (given !== 1) throw new TypeError(`exchange.fault: reply must have code or body, one of them, but got ${given}`)
}
