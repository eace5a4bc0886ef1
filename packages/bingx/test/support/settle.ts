import type { VirtualClock } from '@headgate/core/testing'

/** Far beyond what a test waits for on its virtual clock. */
export const NEVER_MS = 1_000_000_000

/** Lets the clock run until the promise is settled: network needs real time, everything else is on the clock. */
export async function settle<T>(promise: Promise<T>, clock: VirtualClock, stepMs = 100): Promise<T> {
  let settled = false
  const done = () => {
    settled = true
  }
  promise.then(done, done)
  while (!settled) await clock.advance(stepMs)
  return promise
}

export async function failure(promise: Promise<unknown>, clock: VirtualClock): Promise<unknown> {
  return settle(
    promise.then(
      value => Promise.reject(new Error(`expected a rejection, got ${String(value)}`)),
      error => error,
    ),
    clock,
  )
}
