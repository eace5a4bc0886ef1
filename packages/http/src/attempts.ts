import type { Admission, Labels } from '@headgate/core'
import { backoffMs, ErrorBudgetError, MaxWaitError, RefusedError, TimeoutError } from '@headgate/core'
import type { Call, CallSetup, Failure } from './call.ts'
import type { CallOptions } from './call-options.ts'
import { CallSignal } from './call-signal.ts'
import { ExchangeError, type Trouble } from './errors.ts'
import { labelled } from './labelled.ts'
import { redact } from './redact.ts'
import type { TimeSample } from './server-clock.ts'
import { sleep } from './sleep.ts'
import { tell } from './tell.ts'
import { type Sent, tellGate } from './tell-gate.ts'
import { type Answer, type NoAnswer, type SignedRequest, send } from './transport.ts'
import { untilAborted } from './until-aborted.ts'

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

const LOST_WRITE = 'nobody knows whether it was done, so it is not sent again'
const STILL_WRONG = "signed afresh by the exchange's clock, and refused again"
const STOPPED = 'no call goes out with this key until account.resume()'

/** One attempt's request, and when it went. */
interface Attempted extends Sent {
  /** By which it went: they name the address. */
  readonly labels: Labels
  readonly answer: Answer | NoAnswer
  /** Of the key, when it went. */
  readonly resumes: number
}

/** The attempts of one call, and what it remembers from one to the next. */
export class Attempts<T> {
  /** How often the call may go again after failures. */
  readonly retries: number
  readonly #setup: CallSetup
  readonly #call: Call<T>
  readonly #options: CallOptions
  readonly #startedAtMs: number
  readonly #latestStartMs: number
  readonly #signal: CallSignal
  #hide: readonly string[]
  #refused: Trouble | undefined
  #failure: ExchangeError | undefined
  #failures = 0
  #mayRepeat = false
  /** By which it was last sent without an answer. */
  #missedBy: Labels | undefined
  /** The clock was set for this call: when it had been sent, and what the answer said of the time. */
  #stale: { sentAtMs: number; said: TimeSample | undefined } | undefined

  constructor(setup: CallSetup, call: Call<T>, options: CallOptions) {
    const { maxWaitMs = Number.POSITIVE_INFINITY, signal } = options
    this.#setup = setup
    this.#call = call
    this.#options = options
    this.retries = call.retries ?? setup.retries
    this.#startedAtMs = setup.clock.nowMs()
    this.#latestStartMs = this.#startedAtMs + maxWaitMs
    this.#hide = call.hide
    this.#signal = new CallSignal(call.key, signal, cause => this.#stoppedBy(cause))
  }

  /** One more, through the gate. */
  async next(): Promise<T> {
    const { scheduler, egress, clock } = this.#setup
    const { priority, maxWaitMs, coalesce } = this.#options
    const { signal } = this.#signal
    // A stopped key's call asks nothing of anybody.
    if (this.#signal.stoppedBy) throw this.#signal.stoppedBy
    this.#mayRepeat = false
    this.#refused = undefined
    const ready = this.#call.key && this.#call.clock?.ready(Math.max(0, this.#latestStartMs - clock.nowMs()))
    if (ready) await untilAborted(ready, signal as AbortSignal)
    const nowMs = clock.nowMs()
    const mayWaitMs = nowMs === this.#startedAtMs ? maxWaitMs : Math.max(0, this.#latestStartMs - nowMs)
    const { labels, alternatives } =
      this.#missedBy === undefined ? this.#call : egress.waysAfter(this.#call, this.#missedBy, priority)
    try {
      return await scheduler.schedule(
        {
          labels,
          ...(alternatives && { alternatives }),
          retries: this.retries,
          ...(Number.isFinite(mayWaitMs) && { maxWaitMs: mayWaitMs as number }),
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

  /**
   * Whether there may be one more; if so, after a pause.
   * @throws what stopped the key, when there might have been.
   */
  async pause(): Promise<boolean> {
    const { clock, closing, random } = this.#setup
    if (!this.#mayRepeat || closing.aborted) return false
    const signal = anyOf(closing, this.#signal.signal)
    try {
      if (this.#stale !== undefined && this.#failure?.kind === 'timestamp') {
        const { sentAtMs, said } = this.#stale
        await untilAborted(this.#call.clock?.resync(sentAtMs, said) ?? Promise.resolve(), signal)
        return clock.nowMs() <= this.#latestStartMs
      }
      if (this.#failures === this.retries) return false
      const pauseMs = backoffMs(this.#failures++, BACKOFF, random())
      if (clock.nowMs() + pauseMs > this.#latestStartMs) return false
      await sleep(clock, pauseMs, signal)
      return true
    } catch {
      // A client that closes leaves the failure as it is; an abort of the caller's goes before it, which p-retry sees to.
      if (this.#signal.stoppedBy) throw this.#signal.stoppedBy
      return false
    }
  }

  leave(): void {
    this.#signal.leave()
  }

  /** The task: one admission, one request. */
  async #run(admission: Admission): Promise<T> {
    this.#signal.setOut()
    try {
      return await this.#attempt(admission)
    } finally {
      this.#signal.back()
    }
  }

  async #attempt(admission: Admission): Promise<T> {
    const sent = await this.#send(admission)
    const { answer, labels } = sent
    if ('why' in answer) {
      const { why, code, detail } = answer
      // Cut by the caller, or by the scheduler's own time-out.
      if (why === 'aborted') throw admission.signal.reason
      throw this.#fail({ code, msg: detail, kind: KIND_OF[why] }, !answer.wasSent)
    }
    const verdict = this.#call.judge(answer, labels)
    const said = tellGate(admission, this.#setup, this.#call, verdict, sent)
    if ('value' in verdict) return verdict.value
    const { trouble, refusal } = verdict
    this.#tellOf(verdict, labels)
    if (trouble.kind === 'timestamp' && this.#call.clock && this.#stale === undefined) {
      this.#stale = { sentAtMs: sent.sentAtMs, said }
      // Refused before it was done: so also a write may go again.
      throw this.#fail(trouble, true)
    }
    if (refusal !== undefined && verdict.final === undefined) {
      this.#refused = trouble
      admission.refused({ ...refusal, reason: redact(trouble.msg, this.#hide) })
      // Of a refused call the scheduler keeps it as the cause, which those who share the call know it by.
      throw this.#error(trouble)
    }
    const { by = [], holdMs = 0 } = refusal ?? {}
    if (refusal !== undefined) {
      const held = Object.fromEntries(by.map(name => [name, labels[name] ?? '']))
      this.#setup.scheduler.hold(held, { forMs: holdMs, reason: redact(trouble.msg, this.#hide) })
    }
    const failure = this.#fail(trouble, false)
    if (trouble.kind === 'key') this.#call.key?.stop(failure, labelled(labels), sent.resumes)
    throw failure
  }

  async #send(admission: Admission): Promise<Attempted> {
    const { egress, clock, timeoutMs, maxBodyBytes } = this.#setup
    const labels = this.#call.alternatives === undefined ? this.#call.labels : admission.labels
    let request: SignedRequest
    try {
      request = this.#call.sign()
    } catch (error) {
      admission.unsent()
      throw error
    }
    this.#hide = [...this.#call.hide, ...(request.hide ?? [])]
    const sentAtMs = clock.nowMs()
    const resumes = this.#call.key?.resumes ?? 0
    let receivedAtMs: number | undefined
    const onHeaders = () => {
      receivedAtMs = clock.nowMs()
      admission.counted()
    }
    const { signal } = admission
    const fetch = egress.fetchBy(labels)
    const answer = await send(request, { fetch, clock, timeoutMs, maxBodyBytes, signal, onHeaders })
    if ('why' in answer && !answer.wasSent) admission.unsent()
    else if (receivedAtMs === undefined) admission.lost()
    if (receivedAtMs !== undefined) egress.heard(labels)
    else if ('why' in answer && answer.why !== 'aborted') {
      this.#missedBy = labels
      egress.missed(labels, answer.wasSent, answer.code)
    }
    const { timestampMs } = request
    return { labels, sentAtMs, receivedAtMs: receivedAtMs ?? clock.nowMs(), timestampMs, answer, resumes }
  }

  #tellOf({ trouble, refusal, alert }: Failure, labels: Labels): void {
    if (alert === undefined) return
    const { code, msg, untilMs } = trouble
    const facts = {
      code,
      msg: redact(msg, this.#hide),
      endpoint: labels['endpoint'] ?? '',
      ...(untilMs !== undefined && { untilMs }),
      ...(refusal?.holdMs !== undefined && { holdMs: refusal.holdMs }),
    }
    tell(this.#setup.observer, { type: 'alert', reason: alert, labels: labelled(labels), facts })
  }

  /** What the caller is told, for what the scheduler rejected with. */
  #explain(error: unknown): unknown {
    // Its own time-out: only where a scheduler of the caller's has a shorter one than the attempt.
    if (error instanceof TimeoutError) {
      return this.#fail({ code: 'TIMEOUT', msg: error.message, kind: 'lost' }, false)
    }
    const late = error instanceof MaxWaitError
    if (this.#refused && late) return this.#error(this.#refused, { cause: error })
    if (error instanceof RefusedError && error.cause instanceof ExchangeError) {
      const { code, msg, kind, untilMs } = error.cause
      return this.#error({ code, msg, kind, ...(untilMs !== undefined && { untilMs }) }, { cause: error })
    }
    if (error instanceof ExchangeError && error !== this.#failure) this.#failedTogether(error)
    // A repetition that can't start, or not in time: what went wrong before says more than that.
    return (late || error instanceof ErrorBudgetError) && this.#failure ? this.#failure : error
  }

  /** @param wasNotDone the server did not do it, so that also a write may go again. */
  #fail(trouble: Trouble, wasNotDone: boolean): ExchangeError {
    const { repeatable } = this.#call
    // A write without a readable answer may have been done, whatever the status.
    const kind = trouble.isUnread && !repeatable ? 'lost' : trouble.kind
    const mayHelp = kind === 'transient' || kind === 'lost' || (kind === 'timestamp' && wasNotDone)
    this.#mayRepeat = mayHelp && (repeatable || wasNotDone)
    this.#failure = this.#error({ ...trouble, kind })
    return this.#failure
  }

  /** Another call's attempt, which this one shared, has failed: this one may go again as after its own. */
  #failedTogether(failure: ExchangeError): void {
    const { repeatable, clock } = this.#call
    const isStale = failure.kind === 'timestamp' && clock !== undefined && this.#stale === undefined
    // Not known here is when it was sent, nor what the answer said.
    if (isStale) this.#stale = { sentAtMs: this.#setup.clock.nowMs(), said: undefined }
    this.#mayRepeat = isStale || (repeatable && (failure.kind === 'transient' || failure.kind === 'lost'))
    this.#failure = failure
  }

  #stoppedBy(cause: ExchangeError): ExchangeError {
    const { code, msg, kind } = cause
    return this.#error({ code, msg, kind }, { cause })
  }

  #error(trouble: Trouble, options?: ErrorOptions): ExchangeError {
    const { endpoint = '', uid } = this.#call.labels
    const msg = redact(trouble.msg, this.#hide)
    const note = this.#noteOn(trouble)
    return this.#setup.error(
      { ...trouble, msg, endpoint, ...(uid !== undefined && { uid }), ...(note && { note }) },
      options,
    )
  }

  #noteOn({ kind }: Trouble): string | undefined {
    if (kind === 'lost' && !this.#call.repeatable) return LOST_WRITE
    if (kind === 'timestamp' && this.#stale !== undefined && this.#failure?.kind === 'timestamp') return STILL_WRONG
    return kind === 'key' && this.#call.key ? STOPPED : undefined
  }
}

/** Not `AbortSignal.any` where one is enough: most calls have one at most. */
function anyOf(a: AbortSignal, b: AbortSignal | undefined): AbortSignal {
  return b ? AbortSignal.any([a, b]) : a
}
