import type { Limit } from '../limits/limit.ts'
import type { Clock } from '../ports/clock.ts'
import type { LedgerSession } from '../ports/ledger.ts'
import type { Kept, KeptHistory, Lasting, Memory, MemorySession } from '../ports/memory.ts'
import type { SchedulerEvent } from '../ports/observer.ts'

/**
 * A hold whose time ran out while nobody ran begins with its probe if it ended less than so long ago, or than the widest
 * window: servers lift late, and clocks differ. After that it is over.
 */
const PROBE_MS = 60_000
/** The same ban, told by many answers, comes to an end that differs by rounding and by the way: that is no news. */
const SAME_MS = 100
/** How much of a server's words is kept. */
const MAX_REASON_CHARS = 200
/** Instants in a history; the oldest go first. */
const MAX_TIMES = 1_000

export interface RemembranceSetup {
  readonly memory: Memory | undefined
  readonly clock: Clock
  readonly limits: readonly Limit[]
  readonly emit: (event: SchedulerEvent) => void
}

/** What outlives the process: read when the scheduler is made, saved when something has changed. */
export class Remembrance {
  readonly #clock: Clock
  readonly #emit: RemembranceSetup['emit']
  readonly #probeMs: number
  readonly #histories = new Map<string, KeptHistory>()
  readonly #session: MemorySession | undefined
  readonly #kept: Kept | undefined
  #ledger: LedgerSession | undefined
  #saved: Kept | undefined
  #pending = false

  constructor({ memory, clock, limits, emit }: RemembranceSetup) {
    this.#clock = clock
    this.#emit = emit
    const windows = limits.map(limit => (limit.kind === 'token-bucket' ? limit.windowMs : 0))
    this.#probeMs = Math.max(PROBE_MS, ...windows)
    this.#session = memory?.open()
    this.#kept = this.#session?.kept
    if (this.#session?.warning !== undefined) emit({ type: 'warning', reason: this.#session.warning })
  }

  /** Hands over what the last process left, and saves for this one from now on. */
  begin(ledger: LedgerSession): void {
    this.#ledger = ledger
    const kept = this.#kept
    if (kept === undefined) return
    this.#saved = kept
    // A clock that was set back must not make anything longer than it was when it was saved.
    const epochMs = Math.max(this.#clock.epochMs(), kept.savedAtMs)
    const nowMs = this.#clock.nowMs()
    ledger.restore?.(this.#current(shifted(kept, nowMs - epochMs), nowMs), nowMs)
    for (const { name, forMs, times } of kept.histories) {
      const ages = times.map(atMs => epochMs - atMs).filter(ageMs => ageMs < forMs)
      const nowEpochMs = this.#clock.epochMs()
      if (ages.length > 0)
        this.#histories.set(name, { name, forMs, times: ages.map(ageMs => nowEpochMs - Math.max(0, ageMs)) })
    }
  }

  /**
   * Something that must outlive the process has changed. The first change of a turn is saved at once, for whoever made it may
   * be the one who kills the process; the others together at the end of the turn, but a ban also at once.
   */
  changed(when?: 'at once'): void {
    if (this.#session === undefined) return
    if (!this.#pending || when === 'at once') this.#save()
    if (this.#pending) return
    this.#pending = true
    queueMicrotask(() => {
      this.#pending = false
      this.#save()
    })
  }

  recall(name: string): readonly number[] {
    const history = this.#histories.get(name)
    return history === undefined ? [] : this.#recent(history).times
  }

  remember(name: string, forMs: number): readonly number[] {
    const before = this.#histories.get(name)
    const recent = this.#recent({ name, forMs, times: [...(before?.times ?? []), this.#clock.epochMs()] })
    const times = recent.times.slice(-MAX_TIMES)
    this.#histories.set(name, { name, forMs, times })
    this.changed()
    return times
  }

  #recent(history: KeptHistory): KeptHistory {
    const epochMs = this.#clock.epochMs()
    return { ...history, times: history.times.filter(atMs => epochMs - atMs < history.forMs) }
  }

  #save(): void {
    const nowMs = this.#clock.nowMs()
    const savedAtMs = this.#clock.epochMs()
    const lasting = this.#ledger?.lasting?.(nowMs) ?? NOTHING
    const histories = [...this.#histories.values()].map(history => this.#recent(history))
    const kept: Kept = {
      savedAtMs,
      ...shifted(this.#current(lasting, nowMs), savedAtMs - nowMs),
      histories: histories.filter(({ times }) => times.length > 0),
    }
    if (this.#saved !== undefined && isSame(this.#saved, kept)) return
    try {
      this.#session?.save(kept)
      this.#saved = kept
    } catch (error) {
      // The next change tries again.
      this.#saved = undefined
      this.#emit({ type: 'warning', reason: error instanceof Error ? error.message : String(error) })
    }
  }

  /** What is still worth keeping. Monotonic instants. */
  #current({ holds, reductions, halvings }: Lasting, nowMs: number): Lasting {
    return {
      holds: holds
        .filter(({ untilMs }) => untilMs > nowMs - this.#probeMs)
        .map(hold => ({ ...hold, reason: hold.reason.slice(0, MAX_REASON_CHARS) })),
      reductions: reductions.map(reduction => ({ ...reduction, sinceMs: Math.min(reduction.sinceMs, nowMs) })),
      halvings: halvings.filter(({ untilMs }) => untilMs > nowMs),
    }
  }
}

const NOTHING: Lasting = { holds: [], reductions: [], halvings: [] }

/** On another clock, rounded up to whole milliseconds: nothing ends early by it. */
function shifted({ holds, reductions, halvings }: Lasting, byMs: number): Lasting {
  const later = <T extends { readonly untilMs: number }>(each: T) => ({
    ...each,
    untilMs: Math.ceil(each.untilMs + byMs),
  })
  return {
    holds: holds.map(later),
    reductions: reductions.map(each => ({ ...each, sinceMs: Math.ceil(each.sinceMs + byMs) })),
    halvings: halvings.map(later),
  }
}

/** Whether nothing is new in it: instants of one thing may differ a little. */
function isSame(a: Kept, b: Kept): boolean {
  const text = ({ savedAtMs: _, ...kept }: Kept) =>
    JSON.stringify(kept, (name, value) => (name === 'untilMs' || name === 'sinceMs' ? undefined : value))
  const instants = ({ holds, reductions, halvings }: Kept) => [
    ...holds.map(hold => hold.untilMs),
    ...reductions.map(reduction => reduction.sinceMs),
    ...halvings.map(halving => halving.untilMs),
  ]
  if (text(a) !== text(b)) return false
  const others = instants(b)
  return instants(a).every((atMs, index) => Math.abs(atMs - (others[index] as number)) < SAME_MS)
}
