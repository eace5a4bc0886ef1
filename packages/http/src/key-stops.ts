import { createHash } from 'node:crypto'
import type { Labels } from '@headgate/core'
import type { ExchangeError } from './errors.ts'

/** A call that waits, or is about to. */
export interface Stoppable {
  /** The key was stopped for `cause`: the call may not be sent any more. */
  stop(cause: ExchangeError): void
}

/**
 * One key and its secret. An exchange that calls them wrong is not asked again: the stop belongs to the key, however
 * many account objects were made with it, and not to others of the same uid.
 */
export class AccountKey {
  /** Why it is stopped. */
  stoppedBy: ExchangeError | undefined
  /** How often it was resumed: what an answer says of the time before means nothing any more. */
  resumes = 0
  readonly #calls = new Set<Stoppable>()
  readonly #told: (type: 'account-stopped' | 'account-resumed', labels: Labels, cause: ExchangeError) => void

  constructor(told: (type: 'account-stopped' | 'account-resumed', labels: Labels, cause: ExchangeError) => void) {
    this.#told = told
  }

  enter(call: Stoppable): void {
    this.#calls.add(call)
  }

  leave(call: Stoppable): void {
    this.#calls.delete(call)
  }

  /** @param resumes as they were when the call was sent that is answered now. */
  stop(cause: ExchangeError, labels: Labels, resumes: number): void {
    if (this.stoppedBy !== undefined || resumes !== this.resumes) return
    this.stoppedBy = cause
    for (const call of [...this.#calls]) call.stop(cause)
    // After it, for the observer may resume.
    this.#told('account-stopped', labels, cause)
  }

  /** Does nothing when it isn't stopped. */
  resume(labels: Labels): void {
    const cause = this.stoppedBy
    if (cause === undefined) return
    this.stoppedBy = undefined
    this.resumes++
    this.#told('account-resumed', labels, cause)
  }
}

/** The keys in use, each once. They are few, and a stop must outlive the account object that met it. */
export class AccountKeys {
  readonly #keys = new Map<string, AccountKey>()
  readonly #told: ConstructorParameters<typeof AccountKey>[0]

  constructor(told: ConstructorParameters<typeof AccountKey>[0]) {
    this.#told = told
  }

  of({ apiKey, secretKey }: { apiKey: string; secretKey: string }): AccountKey {
    // Neither can hold a line break. Hashed, so that nothing that prints this shows them.
    const name = createHash('sha256').update(`${apiKey}\n${secretKey}`).digest('base64')
    let key = this.#keys.get(name)
    if (key === undefined) {
      key = new AccountKey(this.#told)
      this.#keys.set(name, key)
    }
    return key
  }
}
