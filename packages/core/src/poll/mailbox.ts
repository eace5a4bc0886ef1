interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void
  readonly reject: (error: unknown) => void
}

/** Hands items to whoever asks for them; keeps the newest for who asks later, and no other. */
export class Mailbox<T> {
  #newest: { readonly item: T } | undefined
  #failure: { readonly error: unknown } | undefined
  #waiters: Waiter<T>[] = []
  #closed = false
  readonly #taken: (item: T) => T

  /** @param taken is told of every item that somebody gets, and may complete it */
  constructor(taken: (item: T) => T) {
    this.#taken = taken
  }

  /** The item that nobody has taken yet. */
  get newest(): T | undefined {
    return this.#newest?.item
  }

  put(item: T): void {
    if (this.#closed) return
    const waiter = this.#waiters.shift()
    if (waiter === undefined) this.#newest = { item }
    else waiter.resolve({ done: false, value: this.#taken(item) })
  }

  take(): Promise<IteratorResult<T, undefined>> {
    if (this.#failure !== undefined) {
      const { error } = this.#failure
      this.#failure = undefined
      return Promise.reject(error)
    }
    if (this.#newest !== undefined) {
      const { item } = this.#newest
      this.#newest = undefined
      return Promise.resolve({ done: false, value: this.#taken(item) })
    }
    if (this.#closed) return Promise.resolve({ done: true, value: undefined })
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  /** @param failure what the next one who asks, or asks already, is told; once */
  close(failure?: { readonly error: unknown }): void {
    if (this.#closed) return
    this.#closed = true
    this.#newest = undefined
    const waiters = this.#waiters
    this.#waiters = []
    if (failure !== undefined) {
      const first = waiters.shift()
      if (first === undefined) this.#failure = failure
      else first.reject(failure.error)
    }
    for (const { resolve } of waiters) resolve({ done: true, value: undefined })
  }
}
