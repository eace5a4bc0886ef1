import type { Admission, Clock, Labels, Random, Refusal, Scheduler } from '@headgate/core'
import { backoffMs, MaxWaitError, RefusedError, TimeoutError } from '@headgate/core'
import pRetry from 'p-retry'
import type { CallOptions } from './call-options.ts'
import type { ErrorFacts, ExchangeError, Trouble } from './errors.ts'
import { redact } from './redact.ts'
import { sleep } from './sleep.ts'
import { type Answer, type Fetch, type NoAnswer, type SignedRequest, send } from './transport.ts'

/** What an answer comes to. With `refusal` the exchange refused the call over a limit: it goes again through the gate. */
export type Verdict<T> = { readonly value: T } | { readonly trouble: Trouble; readonly refusal?: Omit<Refusal, 'reason'> }

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
 * Ceilings of the pause before a call goes again after a failure, as AWS' SDKs have them in their order of magnitude
 * (base 100 ms, cap 20 s, 2026). The gate's own pace comes on top; a hold is no matter of pauses.
 */
const BACKOFF = { baseMs: 250, capMs: 10_000 } as const

/**
 * A call's life: through the gate, signed, sent, read; again, when it failed and may go again. Every attempt is admitted anew
 * and signed anew. A refusal is the scheduler's business: it puts the call at the head of its lane and runs the task again.
 */
export async function runCall<T>(setup: CallSetup, call: Call<T>, options: CallOptions): Promise<T> {
  const { scheduler, clock, closing } = setup
  const latestStartMs = clock.nowMs() + (options.maxWaitMs ?? Number.POSITIVE_INFINITY)
  // For a scheduler the call has started, and may wait for a hold as long as that takes: hours were no news to its caller.
  const tooLate = new AbortController()
  const signal = anyOf(options.signal, Number.isFinite(latestStartMs) ? tooLate.signal : undefined)
  const life = new Life(setup, call, latestStartMs, tooLate)
  let failures = 0

  const attempt = async (): Promise<T> => {
    const maxWaitMs = failures === 0 ? options.maxWaitMs : Math.max(0, latestStartMs - clock.nowMs())
    life.begin()
    try {
      return await scheduler.schedule({
        labels: call.labels,
        retries: setup.retries,
        ...(Number.isFinite(maxWaitMs) && { maxWaitMs }),
        ...(options.priority !== undefined && { priority: options.priority }),
        ...(signal && { signal }),
      }, admission => life.run(admission))
    } catch (error) {
      throw life.explain(error)
    }
  }

  const shouldRetry = async (): Promise<boolean> => {
    if (!life.mayRepeat || closing.aborted) return false
    const pauseMs = backoffMs(failures++, BACKOFF, setup.random())
    // p-retry rejects with the caller's reason by itself; a client that closes leaves the failure as it is.
    return sleep(clock, pauseMs, anyOf(closing, options.signal)).then(() => true, () => false)
  }
  return pRetry(attempt, {
    retries: setup.retries,
    minTimeout: 0,
    shouldRetry,
    ...(options.signal && { signal: options.signal }),
  })
}

/** Not `AbortSignal.any` where one is enough: most calls have one at most. */
function anyOf(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b)
}

/** What a call remembers from one attempt to the next. */
class Life<T> {
  readonly #setup: CallSetup
  readonly #call: Call<T>
  readonly #latestStartMs: number
  readonly #tooLate: AbortController
  #hide: readonly string[]
  #refused: Trouble | undefined
  #failure: ExchangeError | undefined
  #again = false

  constructor(setup: CallSetup, call: Call<T>, latestStartMs: number, tooLate: AbortController) {
    this.#setup = setup
    this.#call = call
    this.#latestStartMs = latestStartMs
    this.#tooLate = tooLate
    this.#hide = call.hide
  }

  get mayRepeat(): boolean {
    return this.#again
  }

  begin(): void {
    this.#again = false
    this.#refused = undefined
  }

  /** The task: one admission, one request. */
  async run(admission: Admission): Promise<T> {
    const sent = await this.#send(admission)
    if ('why' in sent) throw this.#fail(troubleOf(sent), sent.why === 'unsent' || this.#call.repeatable)
    const verdict = this.#call.judge(sent)
    if ('value' in verdict) return verdict.value
    const { trouble, refusal } = verdict
    if (refusal === undefined) throw this.#fail(trouble, this.#call.repeatable)
    this.#refused = trouble
    admission.refused({ ...refusal, reason: redact(trouble.msg, this.#hide) })
    const againAtMs = this.#setup.clock.nowMs() + (refusal.holdMs ?? 0)
    if (againAtMs > this.#latestStartMs) this.#tooLate.abort(this.#error(trouble))
    // The scheduler looks at no result of a refused call.
    return undefined as never
  }

  async #send(admission: Admission): Promise<Answer | NoAnswer> {
    const { fetch, clock, timeoutMs, maxBodyBytes } = this.#setup
    let request: SignedRequest
    try {
      request = this.#call.sign()
    } catch (error) {
      admission.unsent()
      throw error
    }
    this.#hide = [...this.#call.hide, ...(request.hide ?? [])]
    let counted = false
    const onHeaders = () => {
      counted = true
      admission.counted()
    }
    const { signal } = admission
    const sent = await send(request, { fetch, clock, timeoutMs, maxBodyBytes, signal, onHeaders })
    if (!('why' in sent)) return sent
    if (sent.why === 'unsent') admission.unsent()
    else if (!counted) admission.lost()
    if (sent.code === 'ABORTED') throw signal.reason
    return sent
  }

  /** What the caller is told, for what the scheduler rejected with. */
  explain(error: unknown): unknown {
    // Its own time-out: only where a scheduler of the caller's has a shorter one than the attempt.
    if (error instanceof TimeoutError) {
      return this.#fail({ code: 'TIMEOUT', msg: error.message, kind: 'lost' }, this.#call.repeatable)
    }
    const late = error instanceof MaxWaitError
    if (this.#refused && (late || error instanceof RefusedError)) return this.#error(this.#refused, { cause: error })
    // A repetition that may not start any more: what went wrong before says more than that.
    return late && this.#failure ? this.#failure : error
  }

  #fail(trouble: Trouble, mayRepeat: boolean): ExchangeError {
    this.#again = mayRepeat && (trouble.kind === 'transient' || trouble.kind === 'lost')
    this.#failure = this.#error(trouble)
    return this.#failure
  }

  #error(trouble: Trouble, options?: ErrorOptions): ExchangeError {
    const { endpoint = '', uid } = this.#call.labels
    const msg = redact(trouble.msg, this.#hide)
    return this.#setup.error({ ...trouble, msg, endpoint, ...(uid !== undefined && { uid }) }, options)
  }
}

/** A call that never left may be sent again whatever it is; of one that was sent nobody knows what became of it. */
const KIND_OF = { unsent: 'transient', timeout: 'lost', broken: 'lost', aborted: 'lost', redirected: 'fatal', 'too-large': 'malformed' } as const

const troubleOf = ({ why, code, detail }: NoAnswer): Trouble => ({ code, msg: detail, kind: KIND_OF[why] })
