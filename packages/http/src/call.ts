import type { AlertReason, Clock, Labels, Observer, Random, Refusal, Scheduler, Usage } from '@headgate/core'
import pRetry from 'p-retry'
import { Attempts } from './attempts.ts'
import type { CallOptions } from './call-options.ts'
import type { Egress } from './egress/egress.ts'
import type { ErrorFacts, ExchangeError, Trouble } from './errors.ts'
import type { AccountKey } from './key-stops.ts'
import type { ServerClock } from './server-clock.ts'
import type { Answer, SignedRequest } from './transport.ts'

/** What an answer tells beside what it comes to. */
export interface Hints {
  /** The server's clock, epoch milliseconds, when it counted the call or later. */
  readonly serverTimeMs?: number
  /** What its headers say of the bucket of one limit. */
  readonly usage?: Usage
}

/** An answer that is no success. */
export interface Failure {
  readonly trouble: Trouble
  /** The exchange refused the call over a limit: it goes again through the gate. */
  readonly refusal?: Omit<Refusal, 'reason'>
  /** What was refused is held, and this call does not go again by itself. */
  readonly final?: true
  readonly alert?: AlertReason
  /** The exchange counts it under its error-count rule. */
  readonly isCountedError?: true
}

/** What an answer comes to. */
export type Verdict<T> = ({ readonly value: T } | Failure) & Hints

/** One call, as an exchange package describes it. */
export interface Call<T> {
  /** The same object for every call of one endpoint: the scheduler remembers what follows from it by its identity. */
  readonly labels: Labels
  /** The same by other addresses: the call goes by whichever lets it through. */
  readonly alternatives?: readonly Labels[]
  /** A read: it may be sent again when nobody knows whether it was done. */
  readonly repeatable: boolean
  /** What must never be seen: the key, the secret. */
  readonly hide: readonly string[]
  /** Of a signed call: once the exchange calls it wrong, nothing is sent with it. */
  readonly key?: AccountKey
  /** Answers set it; signed calls wait for it. */
  readonly clock?: ServerClock
  /** It asks the server for its time, and nothing else. */
  readonly asksTime?: boolean
  /** Instead of the client's. */
  readonly retries?: number
  /** Called once per attempt, when the gate has let it through. */
  sign(): SignedRequest
  /**
   * Reads an answer, whatever its status. Must not throw.
   * @param labels by which it went: {@link Call.labels} or an alternative.
   */
  judge(answer: Answer, labels: Labels): Verdict<T>
}

/** What all calls of a client share. */
export interface CallSetup {
  readonly scheduler: Pick<Scheduler, 'schedule' | 'hold'>
  readonly clock: Clock
  readonly random: Random
  readonly egress: Pick<Egress, 'waysAfter' | 'fetchBy' | 'heard' | 'missed'>
  /** Of one attempt, from sending to the end of the body, milliseconds. */
  readonly timeoutMs: number
  /** How often a call goes again after failures; and, each time, after refusals without a time. */
  readonly retries: number
  readonly maxBodyBytes: number
  /** Limits that headers spoke of and a scheduler of the caller's was found not to have. */
  readonly strangeLimits: Set<string>
  /** Aborts when the client closes: nobody then sleeps before a retry. */
  readonly closing: AbortSignal
  /** Is told what the exchange says of accounts and addresses. */
  readonly observer: Observer | undefined
  readonly error: (facts: ErrorFacts, options?: ErrorOptions) => ExchangeError
}

/**
 * A call's life: through the gate, signed, sent, read; again, when it failed and may go again. Every attempt is
 * admitted anew and signed anew. A refusal is the scheduler's business: it puts the call at the head of its lane and
 * runs the task again.
 */
export async function runCall<T>(setup: CallSetup, call: Call<T>, options: CallOptions): Promise<T> {
  const attempts = new Attempts(setup, call, options)
  try {
    return await pRetry(() => attempts.next(), {
      // Being signed afresh by a clock that was set right is no repetition after a failure: Attempts counts those.
      retries: attempts.retries === 0 ? 0 : attempts.retries + 1,
      // The pause is on the injected clock: p-retry's own would be on the host's.
      minTimeout: 0,
      shouldRetry: () => attempts.pause(),
      ...(options.signal && { signal: options.signal }),
    })
  } finally {
    attempts.leave()
  }
}
