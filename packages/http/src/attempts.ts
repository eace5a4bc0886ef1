import type { Admission } from '@headgate/core'
import { backoffMs, MaxWaitError, RefusedError, TimeoutError } from '@headgate/core'
import type { Call, CallSetup } from './call.ts'
import type { CallOptions } from './call-options.ts'
import type { ExchangeError, Trouble } from './errors.ts'
import { redact } from './redact.ts'
import { sleep } from './sleep.ts'
import { type Answer, type NoAnswer, type SignedRequest, send } from './transport.ts'

/**
 * Ceilings of the pause before a call goes again after a failure, of the order that AWS' SDKs use (100 ms, 20 s). The
 * gate's own pace comes on top; a hold is no matter of pauses.
 */
const BACKOFF = { baseMs: 250, capMs: 10_000 } as const

/** A call that never left may go again whatever it is; of one that was sent nobody knows what became of it. */
const KIND_OF = {
  unsent: 'transient',
  timeout: 'lost',
  broken: 'lost',
  redirected: 'fatal',
  'too-large': 'malformed',
} as const

/** The attempts of one call, and what it remembers from one to the next. */
export class Attempts<T> {
  readonly #setup: CallSetup
  readonly #call: Call<T>
  readonly #options: CallOptions
  readonly #latestStartMs: number
  #hide: readonly string[]
  #refused: Trouble | undefined
  #failure: ExchangeError | undefined
  #failures = 0
  #mayRepeat = false

  constructor(setup: CallSetup, call: Call<T>, options: CallOptions) {
    const { maxWaitMs = Number.POSITIVE_INFINITY } = options
    this.#setup = setup
    this.#call = call
    this.#options = options
    this.#latestStartMs = setup.clock.nowMs() + maxWaitMs
    this.#hide = call.hide
  }

  /** One more, through the gate. */
  async next(): Promise<T> {
    const { scheduler, clock, retries } = this.#setup
    const { priority, maxWaitMs, signal, coalesce } = this.#options
    const mayWaitMs = this.#failures === 0 ? maxWaitMs : Math.max(0, this.#latestStartMs - clock.nowMs())
    this.#mayRepeat = false
    this.#refused = undefined
    try {
      return await scheduler.schedule(
        {
          labels: this.#call.labels,
          retries,
          ...(Number.isFinite(mayWaitMs) && { maxWaitMs: mayWaitMs }),
          ...(priority !== undefined && { priority }),
          ...(signal && { signal }),
          ...(coalesce !== undefined && { coalesce }),
        },
        admission => this.#run(admission),
      )
    } catch (error) {
      throw this.#explain(error)
    }
  }

  /** Whether there may be one more; if so, after a pause. */
  async pause(): Promise<boolean> {
    const { clock, closing, random } = this.#setup
    const pauseMs = backoffMs(this.#failures++, BACKOFF, random())
    if (!this.#mayRepeat || closing.aborted || clock.nowMs() + pauseMs > this.#latestStartMs) return false
    // A client that closes leaves the failure as it is; an abort of the caller's goes before it, which p-retry sees to.
    return sleep(clock, pauseMs, anyOf(closing, this.#options.signal)).then(
      () => true,
      () => false,
    )
  }

  /** The task: one admission, one request. */
  async #run(admission: Admission): Promise<T> {
    const sent = await this.#send(admission)
    if ('why' in sent) {
      const { why, code, detail } = sent
      // Cut by the caller, or by the scheduler's own time-out.
      if (why === 'aborted') throw admission.signal.reason
      throw this.#fail({ code, msg: detail, kind: KIND_OF[why] }, why === 'unsent' || this.#call.repeatable)
    }
    const verdict = this.#call.judge(sent)
    if ('value' in verdict) return verdict.value
    const { trouble, refusal } = verdict
    if (refusal === undefined) throw this.#fail(trouble, this.#call.repeatable)
    this.#refused = trouble
    admission.refused({ ...refusal, reason: redact(trouble.msg, this.#hide) })
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
    const sent = await send(request, { fetch, clock, timeoutMs, maxBodyBytes, signal: admission.signal, onHeaders })
    if ('why' in sent && sent.why === 'unsent') admission.unsent()
    else if (!counted) admission.lost()
    return sent
  }

  /** What the caller is told, for what the scheduler rejected with. */
  #explain(error: unknown): unknown {
    // Its own time-out: only where a scheduler of the caller's has a shorter one than the attempt.
    if (error instanceof TimeoutError) {
      return this.#fail({ code: 'TIMEOUT', msg: error.message, kind: 'lost' }, this.#call.repeatable)
    }
    const late = error instanceof MaxWaitError
    if (this.#refused && (late || error instanceof RefusedError)) return this.#error(this.#refused, { cause: error })
    // A repetition that can't start in time: what went wrong before says more than that.
    return late && this.#failure ? this.#failure : error
  }

  #fail(trouble: Trouble, mayRepeat: boolean): ExchangeError {
    this.#mayRepeat = mayRepeat && (trouble.kind === 'transient' || trouble.kind === 'lost')
    this.#failure = this.#error(trouble)
    return this.#failure
  }

  #error(trouble: Trouble, options?: ErrorOptions): ExchangeError {
    const { endpoint = '', uid } = this.#call.labels
    const msg = redact(trouble.msg, this.#hide)
    return this.#setup.error({ ...trouble, msg, endpoint, ...(uid !== undefined && { uid }) }, options)
  }
}

/** Not `AbortSignal.any` where one is enough: most calls have one at most. */
function anyOf(a: AbortSignal | undefined, b: AbortSignal | undefined): AbortSignal | undefined {
  return a && b ? AbortSignal.any([a, b]) : (a ?? b)
}
