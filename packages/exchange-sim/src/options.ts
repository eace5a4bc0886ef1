import type { Account } from './accounts.ts'
import type { Codes } from './bingx/codes.ts'
import type { BingxLooks } from './bingx/dialect.ts'
import { type EdgeRule, firewallDefaults, goingOnDefaults } from './bingx/edge-rules.ts'
import { anyErrorDefaults, type ErrorRule, errorDefaults } from './bingx/error-rules.ts'
import { type FrequencyRule, frequencyDefaults } from './bingx/frequency-rule.ts'
import { type IncomePlan, maxIncomeRows } from './bingx/income-book.ts'
import type { UsageHeaders } from './bingx/usage-headers.ts'
import { type Clock, type ClockOptions, createSkewedClock, type SkewedClock, systemClock } from './clock.ts'
import { type LadderRule, ladderDefaults } from './coinw/ladder.ts'
import type { Fault, RandomFaults } from './faults.ts'
import type { Latency } from './latency.ts'
import { checkFault, duration, exchangeName } from './orders.ts'
import { anyText, type Check, flag, func, listOf, numberFrom, oneOf, secretText, shape, text } from './validate.ts'

export interface ExchangeOptions {
  /** TCP port on 127.0.0.1. Default 0: any free one. */
  port?: number
  /** Decides delays, accidents, balances, mixed codes and lies. Whole number, default 1. */
  seed?: number
  /** Default: no delay. Delays run on real timers, whatever `clock` says. */
  latency?: Latency
  /** Who may sign. Default nobody: every signed call is answered "Incorrect apiKey". */
  accounts?: readonly Account[]
  /** Accidents by chance, and in `calls` faults for chosen calls, as `exchange.fault` takes them. Default none. */
  faults?: RandomFaults & { calls?: readonly Fault[] }
  /** BingX's disabled periods; `false` turns them off. */
  ban?: FrequencyRule | false
  /** BingX's error-count rule, one code: over 20 in 480 s. `false` turns it off. */
  errorRule?: ErrorRule | false
  /** BingX's error-count rule, any codes: over 30 in 120 s. `false` turns it off. */
  anyErrorRule?: ErrorRule | false
  /** BingX's 418 for an IP that goes on after HTTP 429, which `refusalStatus` and faults send. `false` turns it off. */
  goingOn?: EdgeRule | false
  /** BingX's 403 for an IP that is refused much too often. `false` turns it off. */
  firewall?: EdgeRule | false
  /** CoinW's escalation ladder; `false` turns it off. */
  ladder?: LadderRule | false
  /** Whether a refused call takes a place in the windows. Default false. What the real exchanges do is unknown. */
  countRefused?: boolean
  /** BingX's codes on futures paths. Default `old`. */
  codes?: Codes
  /** HTTP status of BingX's refusals. Default 200; 429 was seen once (facts, 2026). */
  refusalStatus?: 200 | 429
  /** BingX's usage headers. Default `honest`. */
  usageHeaders?: UsageHeaders
  /** Whether BingX's bodies tell the server's time. Default true. */
  bodyTimestamp?: boolean
  /**
   * In which order `/openApi/swap/v2/user/income` lists, which decides what a `limit` cuts off. Default `newest-first`:
   * the real order is undocumented.
   */
  incomeOrder?: 'newest-first' | 'oldest-first'
  /** How many calls `exchange.log()` holds. Default 100 000; 0 keeps none. */
  logSize?: number
  /** Default the system's clocks. Windows and bans follow it; delays don't. */
  clock?: ClockOptions
}

/** All options with their defaults; rules that are off are `undefined`. */
export interface Settings {
  readonly port: number
  readonly seed: number
  readonly latency: Latency | undefined
  readonly accounts: readonly Account[]
  readonly faults: RandomFaults
  readonly faultyCalls: readonly Fault[]
  readonly ban: Required<FrequencyRule> | undefined
  readonly errorRule: Required<ErrorRule> | undefined
  readonly anyErrorRule: Required<ErrorRule> | undefined
  readonly goingOn: Required<EdgeRule> | undefined
  readonly firewall: Required<EdgeRule> | undefined
  readonly ladder: Required<LadderRule> | undefined
  readonly countRefused: boolean
  readonly looks: BingxLooks
  readonly logSize: number
  readonly clock: SkewedClock
}

const here = 'startExchange: '
const dayMs = 86_400_000
const share = numberFrom(0, 1)
const count = numberFrom(1, 100_000, true)
const epoch = numberFrom(0, Number.MAX_SAFE_INTEGER, true)
const rule = { threshold: count, windowMs: duration, lengthMs: duration }
const orOff = { or: [false] }

const incomeRow = shape(
  {
    symbol: anyText,
    incomeType: text,
    income: text,
    asset: text,
    info: anyText,
    time: epoch,
    tranId: text,
    tradeId: anyText,
  },
  { required: ['time'] },
)
export const incomeRows = listOf(incomeRow)
const incomeRowCount = numberFrom(0, maxIncomeRows, true)
const incomePlan = shape(
  {
    count: incomeRowCount,
    perMs: numberFrom(1, maxIncomeRows, true),
    fromMs: epoch,
    toMs: epoch,
    addedPerCall: numberFrom(0, 1000, true),
  },
  { required: ['count'] },
)

const incomes: Check = (value, name) => {
  if (Array.isArray(value)) {
    incomeRowCount(value.length, `${name}.length`)
    incomeRows(value, name)
    return
  }
  incomePlan(value, name)
  const { fromMs = 0, toMs = Infinity } = value as IncomePlan
  if (fromMs > toMs) throw new TypeError(`${name}.fromMs must be at most toMs, ${toMs}, but got ${fromMs}`)
}

const checkOptions = shape({
  port: numberFrom(0, 65_535, true),
  seed: numberFrom(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, true),
  latency: shape(
    { baseMs: numberFrom(0, 60_000), jitterMs: numberFrom(0, 60_000), sigma: numberFrom(0, 5) },
    { required: ['baseMs', 'jitterMs', 'sigma'] },
  ),
  accounts: listOf(
    shape(
      { uid: text, apiKey: secretText, secretKey: secretText, exchange: exchangeName, incomes },
      { required: ['uid', 'apiKey', 'secretKey'] },
    ),
  ),
  faults: shape({
    lostRequests: share,
    lostAnswers: share,
    unanswered: share,
    htmlPages: share,
    gatewayTimeouts: share,
    halfBodies: share,
    cutBodies: share,
    calls: listOf((fault, name) => checkFault(fault as Fault, name)),
  }),
  ban: shape({ ...rule, extend: flag }, orOff),
  errorRule: shape(rule, orOff),
  anyErrorRule: shape(rule, orOff),
  goingOn: shape(rule, orOff),
  firewall: shape(rule, orOff),
  ladder: shape(
    {
      uidRefusals: count,
      ipRefusals: count,
      windowMs: duration,
      warningMs: duration,
      banMs: duration,
      uidBans: numberFrom(0, 100_000, true),
      ipBans: numberFrom(0, 100_000, true),
      historyMs: duration,
      blacklistMs: duration,
    },
    orOff,
  ),
  countRefused: flag,
  codes: oneOf('old', 'new', 'mixed', 'documented', 'renumbered'),
  refusalStatus: oneOf(200, 429),
  usageHeaders: oneOf('honest', 'missing', 'epoch', 'lying'),
  bodyTimestamp: flag,
  incomeOrder: oneOf('newest-first', 'oldest-first'),
  logSize: numberFrom(0, 10_000_000, true),
  clock: shape({ nowMs: func, epochMs: func, skewMs: numberFrom(-3650 * dayMs, 3650 * dayMs) }, { open: true }),
})

export function readOptions(options: ExchangeOptions = {}): Settings {
  checkOptions(options, here)
  const { calls: faultyCalls = [], ...faults } = options.faults ?? {}
  const shares = Object.values(faults).reduce((sum: number, part: number | undefined) => sum + (part ?? 0), 0)
  if (shares > 1) throw new TypeError(`${here}faults must be shares that add up to at most 1, but got ${shares}`)
  return {
    port: options.port ?? 0,
    seed: options.seed ?? 1,
    latency: options.latency,
    accounts: options.accounts ?? [],
    faults,
    faultyCalls,
    ban: ruleOf(frequencyDefaults, options.ban),
    errorRule: ruleOf(errorDefaults, options.errorRule),
    anyErrorRule: ruleOf(anyErrorDefaults, options.anyErrorRule),
    goingOn: ruleOf(goingOnDefaults, options.goingOn),
    firewall: ruleOf(firewallDefaults, options.firewall),
    ladder: ruleOf(ladderDefaults, options.ladder),
    countRefused: options.countRefused ?? false,
    looks: {
      codes: options.codes ?? 'old',
      refusalStatus: options.refusalStatus ?? 200,
      usageHeaders: options.usageHeaders ?? 'honest',
      bodyTimestamp: options.bodyTimestamp ?? true,
      incomeOrder: options.incomeOrder ?? 'newest-first',
    },
    logSize: options.logSize ?? 100_000,
    clock: createSkewedClock(clockOf(options.clock), options.clock?.skewMs ?? 0),
  }
}

/** A monotonic clock of one's own and the system's epoch would drift apart unseen: both or neither. */
function clockOf(options: ClockOptions = {}): Clock {
  const { nowMs, epochMs } = options
  if (nowMs === undefined && epochMs === undefined) return systemClock
  if (nowMs === undefined || epochMs === undefined) {
    throw new TypeError(`${here}clock must have nowMs and epochMs or neither, but got one of them`)
  }
  return options as Clock
}

/** A field set to `undefined` means its default, which spreading alone would not give. */
function ruleOf<T extends object>(defaults: Required<T>, given: T | false | undefined): Required<T> | undefined {
  if (given === false) return undefined
  const set = Object.entries(given ?? {}).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(set) }
}
