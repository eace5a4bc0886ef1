import type { PollOptions, Reading, Scheduler } from '@headgate/core'
import { ClosedError } from '@headgate/core'
import { type Call, type CallSetup, runCall } from './call.ts'
import { type CallOptions, callChecks } from './call-options.ts'
import { type Checks, checkOptions, oneOf } from './options.ts'

/** How an endpoint is to be polled. */
export interface EndpointPollOptions extends PollOptions, CallOptions {
  /**
   * Pollers of the same endpoint, parameters and text share requests. Default: one text for all pollers, so that those who
   * poll the same thing share.
   */
  coalesce?: string
}

const POLL = 'poll'

const positive = (expected: string, least: number) => ({
  expected,
  test: (value: unknown) => Number.isFinite(value) && (value as number) >= least,
})

const checks: Checks<EndpointPollOptions> = {
  ...callChecks,
  everyMs: { ...positive('a number of milliseconds from 1', 1), required: true },
  weight: positive('a number above 0', Number.MIN_VALUE),
  onError: oneOf(['yield', 'throw']),
  maxAgeMs: positive('a number of milliseconds from 1', 1),
}

/** @throws {TypeError} naming the option, what was expected and what came. */
export function checkEndpointPollOptions(
  where: string,
  given: EndpointPollOptions,
): { pace: PollOptions; options: CallOptions } {
  const { priority, maxWaitMs, coalesce = POLL, ...pace } = checkOptions<EndpointPollOptions>(where, given, checks)
  return {
    pace,
    options: { coalesce, ...(priority !== undefined && { priority }), ...(maxWaitMs !== undefined && { maxWaitMs }) },
  }
}

/** Every poll is a call as any other, its repetitions among them; only that its first attempt waits for its place too. */
export function pollCall<T>(
  setup: CallSetup,
  scheduler: Pick<Scheduler, 'hold' | 'pollWith'>,
  call: Call<T>,
  pace: PollOptions,
  options: CallOptions,
): AsyncIterable<Reading<T>> {
  const { closing } = setup
  return scheduler.pollWith(
    {
      labels: call.labels,
      ...(call.alternatives && { alternatives: call.alternatives }),
      ...options,
      signal: closing,
    },
    (schedule, signal) => {
      // A scheduler that is shared stays open.
      if (closing.aborted) throw new ClosedError()
      const gate = { schedule, hold: scheduler.hold.bind(scheduler) }
      return runCall({ ...setup, scheduler: gate }, call, { ...options, signal })
    },
    pace,
  )
}
