/** What happens in one seed, as plain data: whatever is not here is decided by `draw` from the seed. */
export interface Scenario {
  readonly seed: number
  readonly kind: 'core' | 'http'
  readonly durationMs: number
  readonly limits: readonly Rule[]
  readonly caps: readonly Cap[]
  /** The server's rules on errors. Default none. */
  readonly budgets?: readonly Budget[]
  /** Whether the client's scheduler has a memory that outlives a crash. Default false. */
  readonly memory?: boolean
  /** http: limits that the client is given from the start, lower than the server's, by name. */
  readonly ownLimits?: Readonly<Record<string, number>>
  readonly routes: readonly Route[]
  /** core: whether each call may go by any of the routes, whatever its load's labels say. Default false. */
  readonly roams?: boolean
  /** http: whether the clients of all addresses share one scheduler, or have one each and no account in common. */
  readonly schedulers?: 'one' | 'each'
  /** http: how the exchange says what it says. */
  readonly looks?: Looks
  readonly loads: readonly Load[]
  /** Who asks again and again, besides the loads. Default nobody. */
  readonly pollers?: readonly PollPlan[]
  /** core: the server's time of day at the beginning, where its windows or answers have to do with it. */
  readonly serverEpochMs?: number
  /** core: whether answers carry the server's time. Default false. */
  readonly tellsTime?: boolean
  readonly coldStart: ColdStart
  readonly lostCallMs: number
  /** The scheduler's own time-out. */
  readonly timeoutMs: number
  /** When the task gives a call up, as an HTTP client would; null: it never does. */
  readonly giveUpMs: number | null
  readonly maxQueued: number
  /** core: who goes when more than that would wait. Default reject. */
  readonly overflow?: 'reject' | 'drop-oldest' | 'drop-lowest'
  /** core: the label whose values share evenly. Default uid. */
  readonly fairBy?: string
  /** core: how many schedulers there are, each with its share of the limits and some of the accounts. Default 1. */
  readonly clients?: number
  readonly faults: readonly Fault[]
}

export type ColdStart = 'paced' | 'full' | 'spent'
export type Labels = Readonly<Record<string, string>>

/** A limit as the server keeps it. */
export interface Rule {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
  readonly by: readonly string[]
  readonly burst?: number
  /** How the server counts. Default in sliding windows. */
  readonly window?: 'aligned' | 'anchored' | 'decay'
  /** Applies only to calls that carry these. */
  readonly only?: Labels
  /** core: what the client keeps free of it for calls of at least this priority. */
  readonly reserve?: { readonly share: number; readonly priority: number }
  /** Does not apply to calls that carry these. */
  readonly except?: Labels
}

/** A cap that the client keeps for itself. */
export interface Cap {
  readonly name: string
  readonly limit: number
  readonly by: readonly string[]
}

/** As the exchange simulator takes them. */
export interface Looks {
  readonly codes: 'old' | 'new' | 'mixed' | 'documented' | 'renumbered'
  readonly refusalStatus: 200 | 429
  readonly usageHeaders: 'honest' | 'missing' | 'epoch' | 'lying'
  readonly bodyTimestamp: boolean
}

/** More than `limit` errors in a window ban the caller there. */
export interface Budget {
  readonly name: string
  readonly limit: number
  readonly windowMs: number
  readonly by: readonly string[]
  /** Whether the server counts each code by itself. */
  readonly count: 'apart' | 'together'
  /** How long the ban is. */
  readonly banMs: number
  /** Applies only to calls that carry these. */
  readonly only?: Labels
  /** The share of `limit` at which the client stops. */
  readonly stopAt: number
}

/** One way: `baseMs`, and log-normal on top. */
export interface Leg {
  readonly baseMs: number
  readonly medianMs: number
  readonly sigma: number
}

export interface Route {
  readonly ip: string
  readonly there: Leg
  readonly back: Leg
}

export type Pattern =
  /** So many calls at a time, the next as soon as one is over. */
  | { readonly kind: 'saturating'; readonly width: number }
  /** At random instants. */
  | { readonly kind: 'poisson'; readonly perSecond: number }
  /** `size` at one instant, every `everyMs`, sharp. */
  | { readonly kind: 'lockstep'; readonly size: number; readonly everyMs: number }
  /** As lockstep, at irregular instants. */
  | { readonly kind: 'bursts'; readonly size: number; readonly everyMs: number }

/** One source of calls. */
export interface Load {
  readonly labels: Labels
  readonly pattern: Pattern
  readonly priority: number
  readonly cost: number
  readonly retries: number
  /** How many different things its calls ask for, which others of the same labels may ask for too and share. Default: shares nothing. */
  readonly shares?: number
}

/** One who polls, and one who reads what the poller brings. */
export interface PollPlan {
  readonly labels: Labels
  readonly everyMs: number
  readonly weight: number
  readonly priority: number
  readonly cost: number
  readonly retries: number
  readonly onError: 'yield' | 'throw'
  /** Null: it never tells that what was read is old. */
  readonly maxAgeMs: number | null
  /** How long whoever reads needs for each reading. */
  readonly consumerMs: number
  readonly fromMs: number
  /** `break`: with the first reading after `atMs`. Null: at the end of the run, from outside. */
  readonly end: { readonly atMs: number; readonly how: 'signal' | 'return' | 'break' } | null
  /** Polls the same as others of these labels. Default: shares with nobody. */
  readonly coalesce?: string
}

/** What befalls a share of the calls. */
type ShareKind = 'lost-request' | 'lost-answer' | 'late-arrival' | 'broken' | 'error' | 'unsent' | 'abort' | 'expiry'
type OfShare = { [K in ShareKind]: { readonly kind: K; readonly forMs: number; readonly share: number } }[ShareKind]

/** Everything that goes wrong. Each fault stands alone: any subset of the list is a scenario. */
export type Fault = { readonly atMs: number } & (
  | OfShare
  /** Nothing passes; at its end all that was stuck arrives. Of one route, or of all. */
  | { readonly kind: 'blackout'; readonly forMs: number; readonly ip: string | null }
  | { readonly kind: 'route-change'; readonly ip: string; readonly there: Leg; readonly back: Leg }
  /** By decree. `tells`: the true end, none, or to different calls different ones, never later than the true one. */
  | {
      readonly kind: 'ban'
      readonly forMs: number
      readonly labels: Labels
      readonly tells: 'truth' | 'nothing' | 'mixed'
    }
  /** Somebody else takes so much of the limit of these labels. */
  | { readonly kind: 'foreign'; readonly forMs: number; readonly labels: Labels; readonly perSecond: number }
  /** `first`: who knows first, the server or the client. The other follows after `lagMs`. */
  | {
      readonly kind: 'limit'
      readonly name: string
      readonly limit: number
      readonly first: 'server' | 'client'
      readonly lagMs: number
    }
  | {
      readonly kind: 'user-hold'
      readonly forMs: number
      readonly labels: Labels
      readonly releaseAfterMs: number | null
    }
  | { readonly kind: 'wall-step'; readonly byMs: number }
  | { readonly kind: 'drift'; readonly ppm: number }
  /** The client's machine sleeps. `counted`: its monotonic clock goes on meanwhile. */
  | { readonly kind: 'suspend'; readonly forMs: number; readonly counted: boolean }
  /** Timers come early and late, and only at ticks. */
  | {
      readonly kind: 'timers'
      readonly forMs: number
      readonly earlyMs: number
      readonly lateMs: number
      readonly tickMs: number
    }
  /** The server answers a share of the calls with these labels with an error, after thinking for so long. */
  | {
      readonly kind: 'failing'
      readonly forMs: number
      readonly labels: Labels
      readonly codes: readonly string[]
      readonly share: number
      readonly slowMs: number
    }
  /** Answers tell the usage of a limit, a share of them something else than is true. */
  | {
      readonly kind: 'usage'
      readonly forMs: number
      readonly name: string
      readonly share: number
      readonly says: UsageLie
    }
  | { readonly kind: 'crash'; readonly downMs: number; readonly coldStart: ColdStart }
  /** http only: the exchange finds an account's key wrong. When it does no more, somebody resumes the account. */
  | { readonly kind: 'key-wrong'; readonly forMs: number; readonly uid: string; readonly code: string }
  /** http only: the client is given another limit, never above the server's. */
  | { readonly kind: 'own-limit'; readonly name: string; readonly limit: number }
  /** http only: the server's time of day is set by so much, and from then on goes too fast by so much. */
  | { readonly kind: 'server-clock'; readonly byMs: number; readonly ppm: number }
  /** http only: answers with wrong or without headers and times. */
  | { readonly kind: 'lies'; readonly forMs: number; readonly share: number }
)

/**
 * Numbers of another scope: more is left than there can be (`above`), or it comes back later than the window is long
 * (`scope`, `epoch`). Or numbers that may be true and are not: those of a while ago (`stale`), and nothing left (`none`).
 */
export type UsageLie = 'above' | 'scope' | 'epoch' | 'stale' | 'none'

export type FaultKind = Fault['kind']
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>

export function faultsOf<K extends FaultKind>(scenario: Scenario, ...kinds: readonly K[]): FaultOf<K>[] {
  return scenario.faults.filter(fault => kinds.includes(fault.kind as K)) as FaultOf<K>[]
}

/** The limits as the client knows them at its start. */
export function clientLimits({ limits, ownLimits }: Scenario): readonly Rule[] {
  return limits.map(rule => ({ ...rule, limit: ownLimits?.[rule.name] ?? rule.limit }))
}

/** Whether labels carry all of these values. */
export function carries(labels: Labels, wanted: Labels): boolean {
  for (const name in wanted) if (labels[name] !== wanted[name]) return false
  return true
}

/** The keys of some rules for labels, worked out once for each object of labels: all calls of a load carry the same one. */
export class Keys {
  readonly #rules: readonly Parameters<typeof keyOf>[0][]
  readonly #known = new Map<Labels, readonly (string | undefined)[]>()

  constructor(rules: readonly Parameters<typeof keyOf>[0][]) {
    this.#rules = rules
  }

  /** In the order of the rules; undefined where one does not apply. */
  of(labels: Labels): readonly (string | undefined)[] {
    let keys = this.#known.get(labels)
    if (keys === undefined) {
      keys = this.#rules.map(rule => keyOf(rule, labels))
      this.#known.set(labels, keys)
    }
    return keys
  }
}

/** The key of a rule for these labels; undefined where it does not apply. */
export function keyOf(rule: Pick<Rule, 'name' | 'by' | 'only' | 'except'>, labels: Labels): string | undefined {
  if (rule.only !== undefined && !carries(labels, rule.only)) return undefined
  if (rule.except !== undefined && carries(labels, rule.except)) return undefined
  let key = rule.name
  for (const name of rule.by) {
    const value = labels[name]
    if (value === undefined) return undefined
    key += `|${value}`
  }
  return key
}

/** Tokens of a limit that a call of this priority leaves: the share rounded up, but never all (docs of `reserve`). */
export function reservedOf({ reserve, limit }: Rule, priority: number): number {
  if (reserve === undefined || priority >= reserve.priority) return 0
  return Math.min(Math.ceil(reserve.share * limit - 1e-9), limit - 1)
}
