import { type ErrorFacts, ExchangeError } from '@headgate/http'

/**
 * A call that BingX did not answer as hoped. `code` is the code as sent, `kind` says what it means; see `ErrorKind`.
 * The errors of the gate itself (MaxWaitError, ClosedError …) come as they are, unless BingX had refused the call
 * before.
 */
export class BingxError extends ExchangeError {
  static {
    BingxError.prototype.name = 'BingxError'
  }
}

export const bingxError = (facts: ErrorFacts, options?: ErrorOptions) => new BingxError(facts, options)
