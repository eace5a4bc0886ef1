import { checkedLimit } from '../limits/define.ts'
import type { Limit } from '../limits/limit.ts'
import { memoryLedger } from '../limits/memory-ledger.ts'
import { sharedLedger } from '../limits/shared-ledger.ts'
import { checkKeys, checkNumber, checkWhole, wrongOption } from '../options.ts'
import type { Clock } from '../ports/clock.ts'
import type { ColdStart, Ledger } from '../ports/ledger.ts'
import type { Memory } from '../ports/memory.ts'
import type { Observer } from '../ports/observer.ts'
import type { Random } from '../ports/random.ts'
import { systemClock } from '../system/clock.ts'
import { systemRandom } from '../system/random.ts'
import { OVERFLOWS, type Overflow } from './overflow.ts'

export interface SchedulerOptions {
  /** Every limit that the server enforces; at least one. */
  limits: readonly Limit[]
  /** How many calls may wait; when one more would have to, `overflow` says which rejects with QueueFullError. Default 10 000. */
  maxQueued?: number
  /**
   * `reject` (default): the newcomer. `drop-oldest`: the call that has waited longest, for whom only what is new counts.
   * `drop-lowest`: of the lowest priority the one that came last, which is the newcomer itself unless a lower one waits. A
   * newcomer that need not wait takes nobody's place, and so does a call that goes again after a refusal.
   */
  overflow?: Overflow
  /**
   * What the buckets hold at first. `paced` (default): tokens come in evenly over two windows, for a predecessor may have
   * spent them. `spent`: none for a window and `lostCallMs`, the only proof. `full`: for those who know that nothing went before.
   */
  coldStart?: ColdStart
  /** The label whose values share evenly, however many endpoints each of them calls. Default `uid`. */
  fairBy?: string
  /**
   * Of every limit, above 0 and at most 1: for several processes that use the same limits without a common ledger, each with
   * its share. Rounded down, but at least 1 (of an error budget 2), so the shares of a small limit may be more than the whole.
   * `setLimit` and what headers tell speak of the whole limit; snapshots, `explain` and errors show the share. A share of an
   * `anchored` limit is kept as a sliding one, for nobody knows whose call began the window. Default 1.
   */
  share?: number
  /** After so long a task is given up, its signal aborts and its call counts as lost. Milliseconds, default 60 000. */
  timeoutMs?: number
  /**
   * How long a request that was given up may still be under way to the server, milliseconds: its token comes back one
   * window after that. At least the server's `recvWindow`. Default 5 000.
   */
  lostCallMs?: number
  /** 0 turns the learning of round trips off: every token then waits a whole window after its answer. */
  floorMs?: 0
  /** Default: the host's. */
  clock?: Clock
  /** Uniform in [0, 1). Default: the host's. */
  random?: Random
  /** Where buckets and holds live. Default: in memory. */
  ledger?: Ledger
  /**
   * Where holds, halvings and histories outlive the process: `fileMemory(path)` of `@headgate/core/memory-file`. Default:
   * nowhere, so that a restart in a ban calls into it.
   */
  memory?: Memory
  /** Is told what happens. Default: nobody. */
  observer?: Observer
}

/** The options, checked and completed. */
export interface Settings {
  readonly limits: readonly Limit[]
  readonly limitNames: ReadonlySet<string>
  readonly maxQueued: number
  readonly overflow: Overflow
  readonly coldStart: ColdStart
  readonly fairBy: string
  readonly timeoutMs: number
  readonly lostCallMs: number
  readonly useFloor: boolean
  readonly clock: Clock
  readonly random: Random
  readonly ledger: Ledger
  readonly memory: Memory | undefined
  readonly observer: Observer | undefined
}

const WHERE = 'createScheduler'
const KNOWN: readonly (keyof SchedulerOptions)[] = [
  'limits',
  'maxQueued',
  'overflow',
  'coldStart',
  'fairBy',
  'share',
  'timeoutMs',
  'lostCallMs',
  'floorMs',
  'clock',
  'random',
  'ledger',
  'memory',
  'observer',
]

/** @throws {TypeError} names the option, what was expected and what came */
export function settingsOf(options: SchedulerOptions): Settings {
  checkKeys(WHERE, options, KNOWN)
  const {
    limits,
    maxQueued = 10_000,
    overflow = 'reject',
    coldStart = 'paced',
    fairBy = 'uid',
    share = 1,
    timeoutMs = 60_000,
    lostCallMs = 5_000,
  } = options
  if (!Array.isArray(limits) || limits.length === 0 || !limits.every(isLimit)) {
    throw wrongOption(
      WHERE,
      'limits',
      'an array of limits made by tokenBucket(), inFlight() or errorBudget(), at least one',
      limits,
    )
  }
  const limitNames = new Set(limits.map((limit: Limit) => limit.name))
  if (limitNames.size < limits.length)
    throw wrongOption(WHERE, 'limits', 'limits of different names', limits.map((limit: Limit) => limit.name).join(', '))
  checkWhole(WHERE, 'maxQueued', maxQueued, 0)
  if (!OVERFLOWS.includes(overflow))
    throw wrongOption(WHERE, 'overflow', '"reject", "drop-oldest" or "drop-lowest"', overflow)
  if (!['paced', 'full', 'spent'].includes(coldStart))
    throw wrongOption(WHERE, 'coldStart', '"paced", "full" or "spent"', coldStart)
  if (typeof fairBy !== 'string' || fairBy === '') throw wrongOption(WHERE, 'fairBy', 'the name of a label', fairBy)
  if (!(Number.isFinite(share) && share > 0 && share <= 1))
    throw wrongOption(WHERE, 'share', 'a number above 0 and at most 1', share)
  checkNumber(WHERE, 'timeoutMs', timeoutMs, 1)
  checkNumber(WHERE, 'lostCallMs', lostCallMs, 0)
  if (options.floorMs !== undefined && options.floorMs !== 0) throw wrongOption(WHERE, 'floorMs', '0', options.floorMs)
  checkPort('clock', options.clock, ['nowMs', 'epochMs', 'setTimer'])
  checkPort('ledger', options.ledger, ['open'])
  checkPort('memory', options.memory, ['open'])
  for (const option of ['random', 'observer'] as const) {
    if (options[option] !== undefined && typeof options[option] !== 'function')
      throw wrongOption(WHERE, option, 'a function', options[option])
  }
  const ledger = options.ledger ?? memoryLedger()
  return {
    limits: limits.map(checkedLimit),
    limitNames,
    maxQueued,
    overflow,
    coldStart,
    fairBy,
    timeoutMs,
    lostCallMs,
    useFloor: options.floorMs !== 0,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    ledger: share === 1 ? ledger : sharedLedger(ledger, share),
    memory: options.memory,
    observer: options.observer,
  }
}

function isLimit(limit: unknown): boolean {
  const kind = (limit as Limit | null | undefined)?.kind
  return kind === 'token-bucket' || kind === 'in-flight' || kind === 'error-budget'
}

function checkPort(option: string, port: unknown, methods: readonly string[]): void {
  if (port === undefined) return
  const has = (method: string) => typeof (port as Record<string, unknown> | null)?.[method] === 'function'
  if (!methods.every(has)) throw wrongOption(WHERE, option, `an object with ${methods.join(', ')}`, port)
}
