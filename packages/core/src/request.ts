import type { Labels } from './limits/limit.ts'

/** What a call says of itself before it may go. */
export interface ScheduleRequest {
  /**
   * What the call is: `{ exchange, ip, uid, endpoint, group }` or any names of yours. Every limit whose `by` names are all
   * here applies. Never mutated after it is passed in: what follows from it is remembered by its identity.
   * @throws {TypeError} when no token bucket and no in-flight cap applies, unless `unlimited` is true.
   */
  labels: Labels
  /**
   * Other labels under which the call may go instead: by another address, say. It waits under all of them at once and goes
   * by the first that let it, under several by those with the most room; `admission.labels` tells which. A refusal speaks of
   * those it went by. Each at most once; like `labels` never mutated. Default: none.
   * @throws {TypeError} also when no limit applies to one of them; the call must fit all of them.
   */
  alternatives?: readonly Labels[]
  /** Tokens to take: from every bucket, or by limit name (1 from those not named). Whole numbers from 0. Default 1. */
  cost?: number | Readonly<Record<string, number>>
  /**
   * Larger goes first. Default 0. But calls age: one that has waited 10 s, and two windows of the limit that refuses it, is
   * overtaken there by at most ten tokens of higher priority for each of its own, then goes before all of them, and so does
   * it at its other limits. Of several such calls the oldest goes first. None touches what is reserved for higher priorities.
   */
  priority?: number
  /**
   * The call must START within this many milliseconds, else it rejects with MaxWaitError: at once when even the earliest
   * possible start is later. Default: no bound.
   */
  maxWaitMs?: number
  /** Aborting it while the call waits takes the call out; while it runs, `admission.signal` aborts. */
  signal?: AbortSignal
  /**
   * Joins a call with the same labels and alternatives (by value) and this text that is still waiting, also one that waits again after a
   * refusal: one admission, one run of the first one's task, one answer for all. The highest priority of all counts; a
   * signal or a deadline takes out its own sharer alone; cost and retries are the first one's. Default: shares with nobody.
   */
  coalesce?: string
  /** How often the call goes again after a refusal that names no time. Waiting for a hold uses up none. Default 3. */
  retries?: number
  /** Let a call through to which no limit applies. Default false. */
  unlimited?: boolean
}

/** What a server's answer says of itself. */
export interface Seen {
  /**
   * The server's own clock in the answer, epoch milliseconds, at the counting or later: the token then comes back by it. Only
   * for servers whose clock runs in milliseconds.
   */
  serverTimeMs?: number
  /** Whether the call went over a connection that was open already: only such a round trip says how fast the route is. */
  reusedConnection?: boolean
}

/** What an answer's headers tell of one limit. At least one of `remaining`, `used` and `max`. */
export interface Usage {
  /** The limit's name: it speaks of the bucket that the call's own labels lead to. */
  limit: string
  /** Tokens left in the server's window, after this call. */
  remaining?: number
  /** Tokens used in the server's window, with this call. */
  used?: number
  /** The server's limit. More than is documented is not believed, unless the limit has `trustHeaders: 'raise'`. */
  max?: number
  /** How long until the server's window ends, milliseconds from now: until then tokens that others took are away. */
  resetMs: number
}

/** How a server refused a call. */
export interface Refusal {
  /** For how long, milliseconds from now, counted on the server's clock. Without it the server named no time. */
  holdMs?: number
  /** The label names the refusal speaks of. Default: those of the most specific limit that applies. */
  by?: readonly string[]
  /** In words, for errors and events. */
  reason?: string
}

/** A call's leave to go, handed to its task. What the task says here is what the limiter learns. */
export interface Admission {
  /** By which the call goes: the request's `labels`, or those of its `alternatives` that let it through. */
  readonly labels: Labels
  /** How long the call waited for this admission, milliseconds. */
  readonly waitedMs: number
  /** Aborts with the caller's signal (of a shared call when all sharers have left) and when the task's time is up. */
  readonly signal: AbortSignal
  /**
   * The server has counted the call: say it as soon as the response's headers are in, so that reading the body is not held
   * against it. Said by itself when the task ends in an answer. May be said again with what the body tells.
   */
  counted(seen?: Seen): void
  /** The server refused the call. It goes to the head of its lane again, up to `retries` times. */
  refused(how?: Refusal): void
  /**
   * The server answered with an error of this code, a text or whole number: error budgets count it. The call settles with
   * what its task returns or throws.
   */
  failed(code: string | number): void
  /** The answer's headers tell how much of a limit is used: what of it is not our own is somebody else's on the same key. */
  usage(seen: Usage): void
  /** The call was sent and no answer came: the server may still count it. */
  lost(): void
  /** The call never left: its tokens go straight back. */
  unsent(): void
}

export interface HoldOptions {
  /** Milliseconds from now, at most a day. */
  forMs: number
  /** In words, for events and snapshots. */
  reason: string
}

/** The work that an admission lets through. */
export type Task<T> = (admission: Admission) => Promise<T> | T
