import type { Admission } from '@headgate/core'
import type { Call, CallSetup, Verdict } from './call.ts'
import type { TimeSample } from './server-clock.ts'

/** When a request went, and its answer came. */
export interface Sent {
  readonly sentAtMs: number
  /** When the headers were in. */
  readonly receivedAtMs: number
  /** The server's time that it carried, epoch milliseconds. */
  readonly timestampMs: number | undefined
}

/**
 * What an answer tells beside its data goes to the gate and to the server's clock: before the call settles, since the gate
 * takes nothing from it after that.
 * @returns what it said of the time.
 */
export function tellGate(
  admission: Admission,
  { strangeLimits }: Pick<CallSetup, 'strangeLimits'>,
  { clock, asksTime = false }: Pick<Call<unknown>, 'clock' | 'asksTime'>,
  verdict: Verdict<unknown>,
  { sentAtMs, receivedAtMs, timestampMs }: Sent,
): TimeSample | undefined {
  const { serverTimeMs, usage } = verdict
  if ('trouble' in verdict && verdict.isCountedError) admission.failed(String(verdict.trouble.code))
  if (usage !== undefined && !strangeLimits.has(usage.limit)) {
    try {
      admission.usage(usage)
    } catch {
      // Limits of the caller's own may have no bucket of this name.
      strangeLimits.add(usage.limit)
    }
  }
  if (serverTimeMs === undefined) return undefined
  const sample: TimeSample = {
    serverTimeMs,
    sentAtMs,
    receivedAtMs,
    asked: asksTime,
    ...(timestampMs !== undefined && { carriedMs: timestampMs }),
  }
  if (clock?.heard(sample)) admission.counted({ serverTimeMs })
  return sample
}
