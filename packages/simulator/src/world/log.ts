import type { ColdStart, Labels } from '../scenario/scenario.ts'

// What was seen from outside, in the server's true milliseconds. It is all that the checkers get.

/** One request that left the client. */
export interface Attempt {
  /** What happened before has a smaller one, also at the same instant. */
  readonly order: number
  readonly call: CallLog
  /** When its call came to the gate for it; undefined: when it was made, or a refusal put it back there. */
  readonly again: { readonly atMs: number; readonly order: number } | undefined
  readonly labels: Labels
  readonly cost: number
  readonly sentAtMs: number
  /** When it reached the server; NaN: never. */
  arrivedAtMs: number
  verdict: 'none' | 'accepted' | 'refused' | 'banned'
  /** When its answer reached the client; NaN: never. */
  answeredAtMs: number
  /** When it was over for the client; NaN: it never was. */
  endedAtMs: number
  outcome: 'open' | 'answered' | 'lost' | 'unsent' | 'crashed'
  /** Until when the answer said that the caller is banned. */
  toldUntilMs: number
  /** The server's time of day that a public call was told; NaN: none. */
  saidTimeMs: number
  /** Its answer was no error: only such a one says how fast the route is. */
  succeeded: boolean
  /** It was banned, and something on the way left nothing of the words that say so. */
  isBanUnread?: boolean
  /** From when on it was held up on its way, because nothing passed; NaN: it was not. */
  stuckFromMs: number
  /** The error code that the server answered with; undefined: none. */
  errorCode: string | undefined
  /** What that error finds wrong. */
  errorKind: 'key' | 'time' | 'other' | undefined
  /** When the server counted that error; NaN: there was none. */
  errorAtMs: number
  /** When the client was told of it; NaN: never. */
  failedAtMs: number
  /** Its place in the order of things. Infinity: never. */
  failedOrder: number
  /** An answer that came at the very instant of giving up: heard of or not. */
  tiedAtMs: number
  /** An error that was told then. */
  doubtfulAtMs: number
  endedOrder: number
  /** What its answer told of a limit's usage; undefined: nothing. */
  usage: UsageLog | undefined
}

/** What is known of a request as it leaves. */
export const UNANSWERED = {
  arrivedAtMs: Number.NaN,
  verdict: 'none',
  answeredAtMs: Number.NaN,
  endedAtMs: Number.NaN,
  outcome: 'open',
  toldUntilMs: Number.NaN,
  saidTimeMs: Number.NaN,
  succeeded: false,
  stuckFromMs: Number.NaN,
  errorCode: undefined,
  errorKind: undefined,
  errorAtMs: Number.NaN,
  failedAtMs: Number.NaN,
  failedOrder: Number.POSITIVE_INFINITY,
  tiedAtMs: Number.NaN,
  doubtfulAtMs: Number.NaN,
  endedOrder: Number.POSITIVE_INFINITY,
  usage: undefined,
} satisfies Partial<Attempt>

export interface UsageLog {
  /** The limit's name. */
  readonly name: string
  readonly isTrue: boolean
  /** The numbers can be those of the limit that it names. */
  readonly isBelievable: boolean
}

/** The load of a call that the client makes for itself. */
export const NOBODYS = -1
/** The load of a poller's call. */
export const POLLED = -2

/** One run of a poller's task, which is one request. Over HTTP those of one poll are one call's attempts. Times that a name calls the client's are its monotonic clock's. */
export interface PollRun {
  readonly attempt: Attempt
  readonly startedClientMs: number
  /** When its task was over; NaN: never. */
  overAtMs: number
  overClientMs: number
  /** http: when the poll was over of which it was the last attempt; undefined: it was not, or that never was. */
  doneAtMs?: number
  doneClientMs?: number
}

/** What somebody read. */
export interface ReadingLog {
  readonly askedAtMs: number
  readonly gotAtMs: number
  readonly gotClientMs: number
  readonly ok: boolean
  /** The run that brought it; undefined: none did, or it failed. */
  readonly answer: Attempt | undefined
  readonly error: string | undefined
  /** How old it says that the last good one is. */
  readonly ageMs: number | undefined
  readonly heldUntilMs: number | undefined
  readonly readAtMs: number
  readonly waitedMs: number
  readonly sincePreviousMs: number
}

/** One iteration of a poller. */
export interface PollLog {
  /** Which of the scenario's pollers. */
  readonly plan: number
  readonly life: number
  readonly beganAtMs: number
  readonly beganClientMs: number
  /** When it was told to end, or ended by itself; Infinity: never. */
  endedAtMs: number
  endedOrder: number
  how: 'open' | 'signal' | 'return' | 'break' | 'threw' | 'close'
  /** When its reader last asked for a reading. */
  askedAtMs: number
  /** When its reader was told that there is no more; NaN: never. */
  doneAtMs: number
  readonly runs: PollRun[]
  /** http: when polls were over of which no request of its own had gone, by the client's clock. */
  readonly vain: number[]
  readonly readings: ReadingLog[]
}

export interface CallLog {
  readonly id: number
  /** Whose it is; {@link NOBODYS}: the client's own question for the server's time. */
  readonly load: number
  /** How many crashes there had been. */
  readonly life: number
  readonly scheduledAtMs: number
  readonly maxWaitMs: number
  abortedAtMs: number
  attempts: Attempt[]
  order: number
  /** When it first came to the gate; NaN: never. */
  cameAtMs: number
  /** http: how often it came to the gate. */
  comings: number
  settledAtMs: number
  settledOrder: number
  /** How often. */
  settled: number
  how: string
  /** http: how many attempts went for it: its own, and those that it shared. */
  went: number
  /** What it asks for, if others of the same labels may share it. */
  readonly coalesce: string | undefined
  /** Of one that may be shared, the first attempt that went while it waited; undefined: none did. */
  sharedBy: Attempt | undefined
  /** The attempt that it was answered by, and what it settled with. http: also of others, if it was an error. */
  answer: Attempt | undefined
  outcome: unknown
  /** What stopped it, and after how long it was told that its like may go again. */
  stopped: { readonly budget: string; readonly againAfterMs: number } | undefined
}

/** What came to the server, in order. */
export interface ArrivalLog {
  readonly atMs: number
  readonly labels: Labels
  readonly cost: number
  readonly verdict: 'accepted' | 'refused' | 'banned'
  /** Undefined: somebody else's. */
  readonly attempt: Attempt | undefined
}

export interface LifeLog {
  readonly bornAtMs: number
  readonly coldStart: ColdStart
  /** Infinity: it lived to the end. */
  diedAtMs: number
}

/** A hold that the client was told of, or set by its user. */
export interface KnownHold {
  readonly labels: Labels
  readonly fromMs: number
  /** By the server's clock, where the server told. */
  untilMs: number
  /** By the latest reading that the documents allow. */
  readonly latestMs: number
  /** When its user released it. */
  releasedAtMs: number
  readonly life: number
  readonly by: 'server' | 'user'
  /** Whose answer told it. */
  readonly attempt: Attempt | undefined
}

/** Numbers of a snapshot of the scheduler's. */
export interface GateLog {
  readonly name: string
  readonly labels: Labels
  readonly limit: number
  readonly free: number
  readonly inFlight: number
}

export interface SnapshotLog {
  readonly atMs: number
  readonly buckets: readonly GateLog[]
  readonly caps: readonly GateLog[]
  readonly holds: readonly GateLog[]
  readonly queued: number
  readonly running: number
  /** Calls made and not settled, and pollers that have not ended. */
  readonly wanted: number
  /** As the world counts them: not answered, not over. By limit name and label values. */
  readonly openCost: ReadonlyMap<string, number>
}

export interface RunLog {
  readonly calls: CallLog[]
  /** Pollers' calls are only here, and in `polls`. */
  readonly attempts: Attempt[]
  readonly polls: PollLog[]
  readonly arrivals: ArrivalLog[]
  readonly lives: LifeLog[]
  readonly holds: KnownHold[]
  readonly snapshots: SnapshotLog[]
  /** When somebody resumed all accounts. */
  readonly resumes: number[]
  /** Limits that the client was given while it ran. */
  readonly ownLimits: { readonly atMs: number; readonly name: string; readonly limit: number }[]
  /** After all was over and everything had had time to come back; undefined when it never was. */
  atEnd: SnapshotLog | undefined
  /** Timers that were left long after the scheduler was closed; NaN: it never was. */
  timersLeft: number
  /** From when the last calls were sent, one after the other, to see whether all still works. */
  epilogueAtMs: number
  /** Errors that nobody caught, and the like. */
  readonly mishaps: string[]
  /** All that was given out: events, errors, snapshots. */
  readonly texts: string[]
  /** What must not be in them. */
  readonly secrets: string[]
  readonly injected: Map<string, number>
}

/** A call that has just been made. */
export function newCall(
  made: Pick<CallLog, 'id' | 'load' | 'life' | 'scheduledAtMs' | 'order'>,
  coalesce?: string | undefined,
): CallLog {
  return {
    ...made,
    maxWaitMs: Number.POSITIVE_INFINITY,
    abortedAtMs: Number.NaN,
    attempts: [],
    cameAtMs: Number.NaN,
    comings: 0,
    settledAtMs: Number.NaN,
    settledOrder: Number.POSITIVE_INFINITY,
    settled: 0,
    how: 'open',
    went: 0,
    coalesce,
    sharedBy: undefined,
    answer: undefined,
    outcome: undefined,
    stopped: undefined,
  }
}

export function newLog(): RunLog {
  return {
    calls: [],
    attempts: [],
    polls: [],
    arrivals: [],
    lives: [],
    holds: [],
    snapshots: [],
    resumes: [],
    ownLimits: [],
    atEnd: undefined,
    timersLeft: Number.NaN,
    epilogueAtMs: Number.POSITIVE_INFINITY,
    mishaps: [],
    texts: [],
    secrets: [],
    injected: new Map(),
  }
}
