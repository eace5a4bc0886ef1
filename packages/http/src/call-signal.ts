import type { ExchangeError } from './errors.ts'
import type { AccountKey, Stoppable } from './key-stops.ts'

/**
 * What takes a waiting call out: its caller's signal, or the stop of its key. A call that is under way is not cut by the
 * stop: its answer is worth having, and a cut call would count as lost.
 */
export class CallSignal implements Stoppable {
  /** For whoever waits on the call's behalf. */
  readonly signal: AbortSignal | undefined
  /** What the call rejects with once its key is stopped. */
  stoppedBy: ExchangeError | undefined
  readonly #key: AccountKey | undefined
  readonly #controller: AbortController | undefined
  readonly #explain: (cause: ExchangeError) => ExchangeError
  #isUnderWay = false
  #stopFollowing: (() => void) | undefined

  /** @param explain makes of the error that stopped the key the one that this call rejects with. */
  constructor(
    key: AccountKey | undefined,
    caller: AbortSignal | undefined,
    explain: (cause: ExchangeError) => ExchangeError,
  ) {
    this.#key = key
    this.#explain = explain
    if (key === undefined) {
      this.signal = caller
      return
    }
    const controller = new AbortController()
    this.#controller = controller
    this.signal = controller.signal
    if (caller !== undefined) this.#follow(caller, controller)
    if (key.stoppedBy === undefined) key.enter(this)
    else this.stop(key.stoppedBy)
  }

  stop(cause: ExchangeError): void {
    this.stoppedBy = this.#explain(cause)
    if (!this.#isUnderWay) this.#controller?.abort(this.stoppedBy)
  }

  setOut(): void {
    this.#isUnderWay = true
  }

  /** The call is back: it may have to wait again. */
  back(): void {
    this.#isUnderWay = false
    if (this.stoppedBy !== undefined) this.#controller?.abort(this.stoppedBy)
  }

  leave(): void {
    this.#key?.leave(this)
    this.#stopFollowing?.()
  }

  #follow(caller: AbortSignal, controller: AbortController): void {
    const abort = () => controller.abort(caller.reason)
    if (caller.aborted) abort()
    else {
      caller.addEventListener('abort', abort, { once: true })
      this.#stopFollowing = () => caller.removeEventListener('abort', abort)
    }
  }
}
