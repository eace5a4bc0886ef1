import { createFindAccount } from './accounts.ts'
import { createBans, errorDefaults } from './bans.ts'
import { createBingx } from './bingx/dialect.ts'
import { readClock } from './clock.ts'
import { createCoinw } from './coinw/dialect.ts'
import { createDesk, type Reply } from './desk.ts'
import type { ExchangeName, ReceivedCall } from './dialect.ts'
import { createFaults, type Fault } from './faults.ts'
import { createLimitBook } from './limit-book.ts'
import { type BanOrder, checkBanOrder, checkFault, type ExchangeOptions, readOptions } from './options.ts'
import { createRandom } from './random.ts'
import { createRecorder, type ExchangeStats, type LoggedCall } from './stats.ts'

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
}

/** At most so many faults wait for their calls. */
const maxFaults = 1000

/**
 * Opens the desk alone. `port` and `latency` mean nothing to it.
 * @throws TypeError that names a wrong option
 */
export function openDesk(options?: ExchangeOptions): Desk {
  const settings = readOptions(options)
  const { accounts, clock, codes, countRefused, incomeOrder, seed } = settings
  const { epochMs: startEpochMs } = readClock(clock)
  const recorder = createRecorder({ logSize: settings.logSize })
  const limits = createLimitBook({ countRefused })
  const faults = createFaults(settings.faults, createRandom(seed, 'faults'), maxFaults)

  const counters = {
    bingx: {
      dialect: createBingx({
        findAccount: createFindAccount(accounts, 'bingx'),
        seed,
        startEpochMs,
        codes,
        incomeOrder,
      }),
      bans: createBans({
        frequency: settings.ban,
        errors: settings.errorRule,
        onBan: (...ban) => recorder.ban('bingx', ...ban),
      }),
    },
    coinw: {
      dialect: createCoinw({ findAccount: createFindAccount(accounts, 'coinw'), seed }),
      // CoinW has neither of BingX's rules; its ladder, once it is here, takes this place.
      bans: createBans({ frequency: undefined, errors: undefined, onBan: (...ban) => recorder.ban('coinw', ...ban) }),
    },
  }

  function endpointName(text: string, exchange: ExchangeName | undefined, caller: string): string {
    const asked = exchange === undefined ? Object.values(counters) : [counters[exchange]]
    for (const { dialect } of asked) {
      const name = dialect.endpointName(text)
      if (name !== undefined) return name
    }
    throw new TypeError(`${caller}: endpoint must be a documented one, but got ${JSON.stringify(text)}`)
  }

  /** A misspelt UID would make a ban or a fault wait for ever, in silence. */
  function checkUid(uid: string | undefined, caller: string): void {
    if (uid === undefined || accounts.some(account => account.uid === uid)) return
    throw new TypeError(`${caller}: uid must be that of an account, but got ${JSON.stringify(uid)}`)
  }

  return {
    receive: createDesk({ clock, counters, limits, faults, recorder, countRefused }),
    stats: () => recorder.stats(limits.stats()),
    log: () => recorder.log(),
    ban(order) {
      checkBanOrder(order)
      const { exchange, uid, ip, forMs, wording } = order
      checkUid(uid, 'exchange.ban')
      const endpoint = endpointName(order.endpoint, exchange, 'exchange.ban')
      // The seeds' sample: 20 errors 100202 within 480000 ms.
      const { threshold, windowMs } = errorDefaults
      const errors = wording === 'error-count' ? { code: '100202', count: threshold, windowMs } : undefined
      return counters[exchange].bans.impose({ endpoint, uid, ip }, forMs, readClock(clock), errors).untilEpochMs
    },
    fault(fault) {
      checkFault(fault)
      checkUid(fault.uid, 'exchange.fault')
      const { endpoint, ...others } = fault
      if (endpoint === undefined) return faults.add(others)
      return faults.add({ ...others, endpoint: endpointName(endpoint, fault.exchange, 'exchange.fault') })
    },
  }
}
