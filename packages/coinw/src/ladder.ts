import type { Clock, Labels, Scheduler, SchedulerEvent } from '@headgate/core'

/**
 * CoinW's escalation ("Precautions", coinw.com/api-doc/en/common/precautions, undated, read 2026-11): more refusals than
 * the threshold in a fixed window of 10 s bring a warning of 5 minutes with halved limits; as many again within it a ban of
 * 30 s; too many bans in 8 h a blacklist of 8 h.
 */
const WINDOW_MS = 10_000
const WARNING_MS = 5 * 60_000
const BAN_MS = 30_000
const BLACKLIST_MS = 8 * 3_600_000

/** What is counted: a user ID or an address. */
interface Kind {
  /** More refusals than this in one window lead a step up. */
  readonly threshold: number
  /** More bans than this in 8 h lead to the blacklist. */
  readonly bans: number
}

/** "5 for one device and IP" may mean the address alone or with a user ID: the stricter reading is taken for addresses. */
const KINDS = { uid: { threshold: 60, bans: 10 }, ip: { threshold: 80, bans: 5 } } as const satisfies Record<
  string,
  Kind
>

/**
 * The share of the threshold at which the client stops. The rest is for what it can't take back: the calls in flight (at
 * CoinW's 100/s per address, those of 0.3 s for a user ID and of 0.4 s for an address), and refusals of other clients on
 * the same user ID or address.
 */
const STOP_SHARE = 0.5

export interface LadderSetup {
  readonly scheduler: Pick<Scheduler, 'hold' | 'halve' | 'remember' | 'recall'>
  readonly clock: Clock
  /** The names of the client's addresses, as in labels. */
  readonly ips: readonly string[]
  readonly tell: (event: SchedulerEvent) => void
}

/**
 * Mirrors CoinW's escalation of refusals, and stays well below it. Refusals are counted over a sliding window: CoinW's are
 * fixed, and none of them holds more than the sliding one that ends with it. Counts what this client sees; warnings and
 * bans are in the scheduler's memory, under the user ID's or the address's name.
 */
export class Ladder {
  readonly #setup: LadderSetup
  readonly #ips: ReadonlyMap<string, Subject>
  readonly #uids = new Map<string, Subject>()

  constructor(setup: LadderSetup) {
    this.#setup = setup
    this.#ips = new Map(setup.ips.map(ip => [ip, new Subject(setup, 'ip', ip)]))
  }

  /** An account begins: what one of its addresses is warned of holds for it too. */
  join(uid: string): void {
    const subject = this.#uid(uid)
    const warnedForMs = Math.max(...[...this.#ips.values()].map(ip => ip.warnedForMs))
    if (warnedForMs > 0) subject.halve(warnedForMs)
  }

  /** CoinW refused a call over a limit, of these labels. A public command has no `uid`. */
  refused({ ip = '', uid }: Labels): void {
    const step = this.#ips.get(ip)?.refused()
    // Every endpoint's limit is halved, and most are kept by user ID.
    if (step === 'warned') for (const subject of this.#uids.values()) subject.halve(WARNING_MS)
    if (uid !== undefined) this.#uid(uid).refused()
  }

  #uid(uid: string): Subject {
    let subject = this.#uids.get(uid)
    if (subject === undefined) {
      subject = new Subject(this.#setup, 'uid', uid)
      this.#uids.set(uid, subject)
    }
    return subject
  }
}

/** One user ID or address, and where it stands on the ladder. */
class Subject {
  readonly #setup: LadderSetup
  readonly #kind: Kind
  readonly #name: string
  readonly #labels: Labels
  /** When it was refused, ascending; at most as many as the threshold, and one. */
  #refusals: number[] = []

  constructor(setup: LadderSetup, label: keyof typeof KINDS, value: string) {
    this.#setup = setup
    this.#kind = KINDS[label]
    this.#name = `coinw ${label} ${value}`
    this.#labels = Object.freeze({ exchange: 'coinw', [label]: value })
  }

  /** What is left of a warning, milliseconds. A ban ends it. */
  get warnedForMs(): number {
    const { scheduler, clock } = this.#setup
    const warnedAtMs = scheduler.recall(this.#warnings).at(-1)
    if (warnedAtMs === undefined) return 0
    const bannedAtMs = scheduler.recall(this.#bans).at(-1)
    if (bannedAtMs !== undefined && bannedAtMs >= warnedAtMs) return 0
    // The wall clock may have been set back meanwhile.
    return Math.min(WARNING_MS, warnedAtMs + WARNING_MS - clock.epochMs())
  }

  halve(forMs: number): void {
    this.#setup.scheduler.halve(this.#labels, { forMs, reason: 'CoinW: too many refusals' })
  }

  refused(): 'warned' | undefined {
    const { scheduler, clock } = this.#setup
    const nowMs = clock.nowMs()
    this.#refusals = this.#refusals.filter(atMs => nowMs - atMs < WINDOW_MS)
    const count = this.#refusals.push(nowMs)
    if (count > this.#kind.threshold) return this.#over()
    if (count >= this.#kind.threshold * STOP_SHARE) {
      scheduler.hold(this.#labels, { forMs: WINDOW_MS, reason: `CoinW: ${count} refusals in 10 s` })
    }
    return undefined
  }

  /** The threshold was passed all the same: CoinW has gone a step up, and so does the client. */
  #over(): 'warned' | undefined {
    const { scheduler, tell } = this.#setup
    this.#refusals = []
    if (this.warnedForMs <= 0) {
      scheduler.remember(this.#warnings, WARNING_MS)
      scheduler.hold(this.#labels, { forMs: WINDOW_MS, reason: 'CoinW: too many refusals, warned' })
      this.halve(WARNING_MS)
      return 'warned'
    }
    const bans = scheduler.remember(this.#bans, BLACKLIST_MS).length
    const isLast = bans >= this.#kind.bans - 1
    scheduler.hold(this.#labels, {
      forMs: isLast ? BLACKLIST_MS : BAN_MS,
      reason: isLast ? `CoinW: ${bans} bans in 8 h, stopped before it blacklists` : 'CoinW: too many refusals, banned',
    })
    if (isLast) tell({ type: 'alert', reason: 'ladder', labels: this.#labels, facts: { bans, forMs: BLACKLIST_MS } })
    return undefined
  }

  get #warnings(): string {
    return `${this.#name} warnings`
  }

  get #bans(): string {
    return `${this.#name} bans`
  }
}
