import { createFindAccount } from './accounts.ts'
import { createBanBook } from './ban-book.ts'
import { createBingx } from './bingx/dialect.ts'
import { createFirewall, createGoingOnRule } from './bingx/edge-rules.ts'
import { createErrorRule, errorDefaults } from './bingx/error-rules.ts'
import { createFrequencyRule } from './bingx/frequency-rule.ts'
import { createIncomeBook, type IncomeRow } from './bingx/income-book.ts'
import { readClock } from './clock.ts'
import { createCoinw } from './coinw/dialect.ts'
import { createLadder } from './coinw/ladder.ts'
import { createDesk, type Reply } from './desk.ts'
import type { ExchangeName, ReceivedCall } from './dialect.ts'
import { createFaults, type Fault } from './faults.ts'
import { createLimitBook } from './limit-book.ts'
import { type ExchangeOptions, incomeRows, readOptions } from './options.ts'
import { type BanOrder, checkBanOrder, checkFault } from './orders.ts'
import { createRandom } from './random.ts'
import { createRecorder, type ExchangeStats, type LoggedCall } from './stats.ts'
import { numberFrom } from './validate.ts'

/** The exchange without its HTTP server: calls go in as they would arrive, answers come out at once. */
export interface Desk {
  receive(exchange: ExchangeName, call: ReceivedCall): Reply
  /** What happened so far. Plain data, a copy; never holds a key, a secret or a signature. */
  stats(): ExchangeStats
  /** The last calls in the order in which they were judged; see the option `logSize`. */
  log(): LoggedCall[]
  /**
   * Bans at once, whatever the rules say; a ban that is already there is replaced. Returns the epoch milliseconds at
   * which it ends.
   */
  ban(order: BanOrder): number
  /** Lets chosen calls meet with a fault, earlier faults first. Returns a function that ends it before its time. */
  fault(fault: Fault): () => void
  /** Adds rows to a UID's flow of funds on BingX, as may happen between two pages of a walk. */
  addIncome(uid: string, rows: readonly IncomeRow[]): void
  /** The server's epoch clock jumps by so many milliseconds, ahead or back; windows and bans go on undisturbed. */
  stepClock(byMs: number): void
}

/** At most so many faults wait for their calls. */
const maxFaults = 1000

/** Ten years to either side. */
const checkStep = numberFrom(-3.2e11, 3.2e11)

/**
 * Opens the desk alone. `port` and `latency` mean nothing to it.
 * @throws TypeError that names a wrong option
 */
export function openDesk(options?: ExchangeOptions): Desk {
  const settings = readOptions(options)
  const { accounts, clock, countRefused, looks, seed, ban, errorRule, anyErrorRule, goingOn, firewall } = settings
  const recorder = createRecorder({ logSize: settings.logSize })
  const limits = createLimitBook({ countRefused })
  const faults = createFaults(settings.faults, createRandom(seed, 'faults'), maxFaults)
  const findAccount = { bingx: createFindAccount(accounts, 'bingx'), coinw: createFindAccount(accounts, 'coinw') }
  const incomes = createIncomeBook(seed, accounts, readClock(clock).epochMs)
  const bans = {
    bingx: createBanBook((...started) => recorder.ban('bingx', ...started)),
    coinw: createBanBook((...started) => recorder.ban('coinw', ...started)),
  }
  const ladder = settings.ladder && createLadder(settings.ladder, bans.coinw)

  const counters = {
    bingx: {
      dialect: createBingx({ findAccount: findAccount.bingx, seed, incomes, looks }),
      bans: bans.bingx,
      // The edge servers first: where one refusal earns two bans, theirs is the one that is seen.
      rules: [
        firewall && createFirewall(firewall, bans.bingx),
        goingOn && createGoingOnRule(goingOn, bans.bingx),
        ban && createFrequencyRule(ban, bans.bingx),
        // The words that name one code say more, so they have the last word.
        anyErrorRule && createErrorRule(anyErrorRule, false, bans.bingx),
        errorRule && createErrorRule(errorRule, true, bans.bingx),
      ].filter(rule => rule !== undefined),
    },
    coinw: {
      dialect: createCoinw({ findAccount: findAccount.coinw, seed }),
      bans: bans.coinw,
      rules: ladder === undefined ? [] : [ladder],
    },
  }

  function endpointName(text: string, exchange: ExchangeName | undefined, option: string): string {
    const asked = exchange === undefined ? Object.values(counters) : [counters[exchange]]
    for (const { dialect } of asked) {
      const name = dialect.endpointName(text)
      if (name !== undefined) return name
    }
    throw new TypeError(`${option} must be a documented one, but got ${JSON.stringify(text)}`)
  }

  /** A misspelt UID would make a ban or a fault wait for ever, in silence. */
  function checkUid(uid: string | undefined, option: string): void {
    if (uid === undefined || accounts.some(account => account.uid === uid)) return
    throw new TypeError(`${option} must be that of an account, but got ${JSON.stringify(uid)}`)
  }

  function addFault(fault: Fault, name: string): () => void {
    checkUid(fault.uid, `${name}uid`)
    const { endpoint, ...others } = fault
    if (endpoint === undefined) return faults.add(others)
    return faults.add({ ...others, endpoint: endpointName(endpoint, fault.exchange, `${name}endpoint`) })
  }
  for (const [index, fault] of settings.faultyCalls.entries()) {
    addFault(fault, `startExchange: faults.calls[${index}].`)
  }

  return {
    receive: createDesk({ clock, counters, limits, faults, recorder, countRefused }),
    stats: () => recorder.stats(limits.stats(), ladder?.stats(readClock(clock)) ?? []),
    log: () => recorder.log(),
    ban(order) {
      checkBanOrder(order)
      const { exchange, uid, ip, forMs, wording, status } = order
      checkUid(uid, 'exchange.ban: uid')
      const endpoint =
        order.endpoint === undefined ? undefined : endpointName(order.endpoint, exchange, 'exchange.ban: endpoint')
      // The seeds' sample: 20 errors 100202 within 480000 ms.
      const { threshold, windowMs } = errorDefaults
      const words = {
        ...(wording === 'error-count' ? { errors: { code: '100202', count: threshold, windowMs } } : {}),
        ...(status === undefined ? {} : { status }),
      }
      return bans[exchange].start({ endpoint, uid, ip }, 'imposed', forMs, readClock(clock), words).untilEpochMs
    },
    fault(fault) {
      checkFault(fault, 'exchange.fault: ')
      return addFault(fault, 'exchange.fault: ')
    },
    addIncome(uid, rows) {
      checkUid(uid, 'exchange.addIncome: uid')
      incomeRows(rows, 'exchange.addIncome: rows')
      incomes.add(uid, rows)
    },
    stepClock(byMs) {
      checkStep(byMs, 'exchange.stepClock: byMs')
      clock.step(byMs)
    },
  }
}
