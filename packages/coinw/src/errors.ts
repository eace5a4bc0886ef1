import { type ErrorFacts, ExchangeError } from '@headgate/http'

/**
 * A call that CoinW did not answer as hoped. `code` is the code as sent, `kind` says what it means; see `ErrorKind`.
 * The errors of the gate itself (MaxWaitError, ClosedError …) come as they are, unless CoinW had refused the call
 * before.
 */
export class CoinwError extends ExchangeError {
  static {
    CoinwError.prototype.name = 'CoinwError'
  }
}

export const coinwError = (facts: ErrorFacts, options?: ErrorOptions) => new CoinwError(facts, options)
