import type { Labels, Limit } from '../limits/limit.ts'
import type { Reserve } from '../limits/reserve.ts'
import type { Refusal, ScheduleRequest, Seen, Usage } from '../request.ts'
import type { Lasting } from './memory.ts'
import type { SchedulerEvent } from './observer.ts'
import type { Random } from './random.ts'

/** How a bucket begins that knows nothing of what went before it. */
export type ColdStart = 'paced' | 'full' | 'spent'

/** Something that can refuse a call: a token bucket, an in-flight cap, an error budget or a hold. Compared by identity. */
export interface Gate {
  readonly kind: 'bucket' | 'cap' | 'budget' | 'hold'
  /** The limit's name, or the hold's reason. */
  readonly name: string
  readonly key: string
  /** The label names it is kept by. */
  readonly by: readonly string[]
  /** How long a token of it is away at least, milliseconds; 0 for what has no tokens. */
  readonly windowMs: number
  /** Parts of it that only calls of some priority may use. */
  readonly reserve?: readonly Reserve[] | undefined
}

/** The gates that labels lead to. Resolved once per labels object. Holds come and go and are not among them. */
export interface Passage {
  readonly labels: Labels
  readonly gates: readonly Gate[]
}

/** Errors have used a budget up: its calls fail at once. */
export interface SpentBudget {
  /** The budget's name. */
  readonly limit: string
  /** The error code that used it up. */
  readonly errorCode: string
  /** From then on one call may go again. */
  readonly untilMs: number
}

/** The first call of a lane, asking to go. */
export interface Head {
  readonly passage: Passage
  readonly cost: ScheduleRequest['cost']
  /** Default 0. */
  readonly priority?: number | undefined
}

/** Leave to go: every gate was charged. */
export interface Ticket {
  readonly passage: Passage
  readonly sentAtMs: number
}

/** Nothing was charged. */
export interface Refused {
  /** The gate that refuses for longest. */
  readonly gate: Gate
  /** Infinity: not before an answer that is still under way. */
  readonly readyAtMs: number
}

export type Decision = Ticket | Refused
export type Decisions = readonly Decision[]

/**
 * How a call ended, as far as its tokens are concerned. `failed`: answered, but its task threw, so the answer may be some
 * proxy's on the way and says nothing of how fast the server is.
 */
export type Outcome = 'answered' | 'failed' | 'lost' | 'unsent'

/** What the scheduler tells its ledger once, before the first call. */
export interface LedgerSetup {
  readonly limits: readonly Limit[]
  readonly coldStart: ColdStart
  readonly lostCallMs: number
  /** False turns the floor of round trips off. */
  readonly useFloor: boolean
  readonly random: Random
  /** The label whose values are different callers behind one address. */
  readonly fairBy: string
  /** When the scheduler was made: cold starts count from it. */
  readonly bornAtMs: number
  readonly nowMs: () => number
  /** The wall clock, which goes on while the machine sleeps. */
  readonly epochMs: () => number
  /** To be called whenever a gate may let a call through earlier than it last said. */
  readonly changed: (gate: Gate) => void
  /**
   * To be called whenever {@link LedgerSession.lasting} has changed, other than by the passing of time. `at once`: a server has
   * told of a ban, and it is to be saved when the function returns; else that may be at the end of the turn.
   */
  readonly lastingChanged: (when?: 'at once') => void
  /** To be called when errors have used a budget up: the calls that wait for it fail. */
  readonly spent: (gate: Gate) => void
  readonly emit: (event: SchedulerEvent) => void
}

/**
 * Where buckets, caps and holds live. Judging and charging is one step: between them nothing else may be judged.
 * Instants are the scheduler's monotonic milliseconds.
 */
export interface LedgerSession {
  /** The passage of labels; asked again only after its gates were dropped for being idle. */
  resolve(labels: Labels): Passage
  /** Lanes that wait refer to their gates: such gates are never dropped. */
  retain(passage: Passage): void
  release(passage: Passage): void
  /**
   * Judges the heads in order, each against all its gates and holds; one that may go is charged before the next is judged.
   * One answer a head. A ledger elsewhere answers later; the scheduler then asks for no other decision until it has this one.
   */
  decide(heads: readonly Head[], nowMs: number): Decisions | Promise<Decisions>
  /** When `gate` alone could let `tokens` through, as far as is known here. At most `nowMs`: it can now. */
  readyAtMs(gate: Gate, tokens: number, nowMs: number): number
  /** Tokens that `gate` takes for this head. */
  costOf(gate: Gate, head: Head): number
  /** Tokens of `gate` that this head has to leave for calls of higher priority. */
  reservedOf(gate: Gate, head: Head, nowMs: number): number
  /** Tokens per window of `gate`, Infinity for a hold; with a head, those that it may use. */
  sizeOf(gate: Gate, head?: Head): number
  /** No start is possible before it. */
  earliestMs(head: Head, nowMs: number): number
  /** The gate, if any, whose size for the head is below what it costs: it can never go. */
  neverFits(head: Head): Gate | undefined
  /** The budget, if any, that fails the head at once. */
  spent(head: Head, nowMs: number): SpentBudget | undefined
  counted(ticket: Ticket, nowMs: number, seen: Seen): void
  /** Headers told of one of the call's limits. @throws {TypeError} for a limit that is none of the call's */
  usage(ticket: Ticket, nowMs: number, seen: Usage): void
  /** The server answered with an error of this code. */
  failed(ticket: Ticket, nowMs: number, code: string): void
  refused(ticket: Ticket, nowMs: number, refusal: Refusal): void
  settled(ticket: Ticket, nowMs: number, outcome: Outcome): void
  hold(labels: Labels, forMs: number, reason: string, nowMs: number): void
  /** Ends the hold and the halving over exactly these labels. */
  releaseHolds(labels: Labels, nowMs: number): void
  setLimit(name: string, limit: number, nowMs: number): void
  /** Halves every limit whose `by` names include these labels', for these values of them: rounded down, at least 1. Only grows. */
  halve(labels: Labels, forMs: number, reason: string, nowMs: number): void
  /** What must outlive the process. Absent where the ledger itself does. */
  lasting?(nowMs: number): Lasting
  /** Takes over what an earlier process left, before the first call. Instants are monotonic. */
  restore?(lasting: Lasting, nowMs: number): void
  explain(head: Head, nowMs: number): readonly GateState[]
  gates(nowMs: number): readonly GateState[]
}

/** A gate as plain data. */
export interface GateState {
  readonly kind: Gate['kind']
  /** The limit's name; of a hold its reason. */
  readonly name: string
  /** The label values it stands for. */
  readonly labels: Labels
  /** Tokens per window, calls in flight, errors, or calls let through by a hold that is opening. */
  readonly limit: number
  readonly free: number
  readonly inFlight: number
  /** How long until it lets the call (or, in a snapshot, one token) through, milliseconds; null while that hangs on an answer. */
  readonly waitMs: number | null
  /** Of `free`, tokens that this call has to leave for higher priorities; absent where none are. */
  readonly reserved?: number
}

/** A place for tokens. A scheduler opens its ledger once. */
export interface Ledger {
  open(setup: LedgerSetup): LedgerSession
}
