import { MaxWaitError, type Reading } from '@headgate/core'
import {
  type CallOptions,
  checkCallOptions,
  type EndpointPollOptions,
  type Params,
  type Send,
  sleep,
  untilAborted,
} from '@headgate/http'
import type { Context } from './requests.ts'

/** All that the account's calls wait for goes first. */
const ASKING: CallOptions = { priority: Number.MAX_SAFE_INTEGER }
const WHERE = 'account'

/**
 * The UID of an account as the exchange calls it: asked for once, when the account's first call is made. Whoever comes in
 * the meantime waits for the same answer; where there is none, they reject with what went wrong, and the next call asks again.
 */
export class AskedUid {
  /** Undefined until it was told. */
  known: string | undefined
  #flight: Promise<string> | undefined
  readonly #context: Context
  readonly #ask: Send<string>

  constructor(context: Context, ask: Send<string>) {
    this.#context = context
    this.#ask = ask
  }

  /** An endpoint whose labels carry the UID, made when that is known. */
  send<T>(make: (uid: string) => Send<T>, check: (where: string, params: Params) => void): Send<T> {
    let made: Send<T> | undefined
    const send = (uid: string) => {
      made ??= make(uid)
      return made
    }
    return Object.assign(
      async (where: string, params: Params, given: CallOptions | undefined) => {
        if (this.known !== undefined) return send(this.known)(where, params, given)
        check(where, params)
        const options = checkCallOptions(where, given)
        const sinceMs = this.#context.exchange.clock.nowMs()
        const uid = await this.#within(options)
        const { maxWaitMs } = options
        const waitedMs = this.#context.exchange.clock.nowMs() - sinceMs
        return send(uid)(where, params, {
          ...options,
          ...(maxWaitMs !== undefined && { maxWaitMs: Math.max(0, maxWaitMs - waitedMs) }),
        })
      },
      {
        poll: (where: string, params: Params, options: EndpointPollOptions): AsyncIterable<Reading<T>> => {
          if (this.known !== undefined) return send(this.known).poll(where, params, options)
          check(`${where}.poll`, params)
          // Polled until it is known: what keeps it away is told as it would be of the endpoint.
          const asking = this.#ask.poll(where, {}, options)
          return { [Symbol.asyncIterator]: () => this.#iterator(asking, uid => send(uid).poll(where, params, options)) }
        },
      },
    )
  }

  #get(): Promise<string> {
    this.#flight ??= this.#ask(WHERE, {}, ASKING)
      .then(uid => {
        this.known = uid
        return uid
      })
      .finally(() => {
        this.#flight = undefined
      })
    return this.#flight
  }

  async #within({ signal, maxWaitMs }: CallOptions): Promise<string> {
    const { clock, labels } = this.#context.exchange
    signal?.throwIfAborted()
    const answered = new AbortController()
    const ends = AbortSignal.any([answered.signal, ...(signal ? [signal] : [])])
    const waits = [untilAborted(this.#get(), ends)]
    if (maxWaitMs !== undefined && maxWaitMs !== Number.POSITIVE_INFINITY) {
      waits.push(
        sleep(clock, maxWaitMs, ends).then(() => {
          throw new MaxWaitError(labels, maxWaitMs, maxWaitMs)
        }),
      )
    }
    try {
      return await Promise.race(waits)
    } finally {
      answered.abort()
    }
  }

  #iterator<T>(
    asking: AsyncIterable<Reading<string>>,
    poll: (uid: string) => AsyncIterable<Reading<T>>,
  ): AsyncIterator<Reading<T>, undefined> {
    const first = asking[Symbol.asyncIterator]()
    let then: AsyncIterator<Reading<T>> | undefined
    let ended = false
    const next = async (): Promise<IteratorResult<Reading<T>, undefined>> => {
      if (then === undefined) {
        const { done, value: reading } = await first.next()
        if (ended || done) return { done: true, value: undefined }
        if (!reading.ok) return { done: false, value: reading }
        this.known = reading.value
        await first.return?.()
        if (ended) return { done: true, value: undefined }
        then = poll(reading.value)[Symbol.asyncIterator]()
      }
      return then.next()
    }
    return {
      next,
      async return() {
        ended = true
        await first.return?.()
        await then?.return?.()
        return { done: true, value: undefined }
      },
    }
  }
}
