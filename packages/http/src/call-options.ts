import { abortSignal, checkOptions, finite, text } from './options.ts'

/** How one call is to go. */
export interface CallOptions {
  /** Larger goes first. Default 0. */
  priority?: number
  /**
   * The call must start within this many milliseconds, and its repetitions too; else it rejects, at once when even the
   * earliest possible start is later. Default: no bound.
   */
  maxWaitMs?: number
  /** Takes the call out while it waits, aborts it while it runs. The call then rejects with the signal's reason. */
  signal?: AbortSignal
  /**
   * Shares one request with calls of the same endpoint, parameters and text that still wait for theirs: one answer for
   * all. When that request fails, each goes again as it may, and shares again with those it meets. Default: none; a
   * poller shares by default.
   */
  coalesce?: string
}

export const callChecks = {
  priority: finite,
  maxWaitMs: {
    expected: 'a number of milliseconds from 0',
    test: (value: unknown) => typeof value === 'number' && value >= 0,
  },
  signal: abortSignal,
  coalesce: text,
}

/**
 * @param where who was called, the first word of every error: `account.swap.balance`.
 * @throws {TypeError} naming the option, what was expected and what came.
 */
export function checkCallOptions(where: string, given: CallOptions | undefined): CallOptions {
  return given === undefined ? {} : checkOptions<CallOptions>(where, given, callChecks)
}
