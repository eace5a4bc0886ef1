import type { Clock, Labels, Random, Refusal, Scheduler } from '@headgate/core'
import pRetry from 'p-retry'
import { Attempts } from './attempts.ts'
import type { CallOptions } from './call-options.ts'
import type { ErrorFacts, ExchangeError, Trouble } from './errors.ts'
import type { Answer, Fetch, SignedRequest } from './transport.ts'

/**
 * What an answer comes to. With `refusal` the exchange refused the call over a limit: it goes again through the gate.
 */
export type Verdict<T> =
  | { readonly value: T }
  | { readonly trouble: Trouble; readonly refusal?: Omit<Refusal, 'reason'> }

/** One call, as an exchange package describes it. */
export interface Call<T> {
  /** The same object for every call of one endpoint: the scheduler remembers what follows from it by its identity. */
  readonly labels: Labels
  /** A read: it may be sent again when nobody knows whether it was done. */
  readonly repeatable: boolean
  /** What must never be seen: the key, the secret. */
  readonly hide: readonly string[]
  /** Called once per attempt, when the gate has let it through. */
  sign(): SignedRequest
  /** Reads an answer, whatever its status. Must not throw. */
  judge(answer: Answer): Verdict<T>
}

/** What all calls of a client share. */
export interface CallSetup {
  readonly scheduler: Pick<Scheduler, 'schedule'>
  readonly clock: Clock
  readonly random: Random
  readonly fetch: Fetch | undefined
  /** Of one attempt, from sending to the end of the body, milliseconds. */
  readonly timeoutMs: number
  /** How often a call goes again after failures; and, each time, after refusals without a time. */
  readonly retries: number
  readonly maxBodyBytes: number
  /** Aborts when the client closes: nobody then sleeps before a retry. */
  readonly closing: AbortSignal
  readonly error: (facts: ErrorFacts, options?: ErrorOptions) => ExchangeError
}

/**
 * A call's life: through the gate, signed, sent, read; again, when it failed and may go again. Every attempt is
 * admitted anew and signed anew. A refusal is the scheduler's business: it puts the call at the head of its lane and
 * runs the task again.
 */
export function runCall<T>(setup: CallSetup, call: Call<T>, options: CallOptions): Promise<T> {
  const attempts = new Attempts(setup, call, options)
  return pRetry(() => attempts.next(), {
    retries: setup.retries,
    // The pause is on the injected clock: p-retry's own would be on the host's.
    minTimeout: 0,
    shouldRetry: () => attempts.pause(),
    ...(options.signal && { signal: options.signal }),
  })
}
