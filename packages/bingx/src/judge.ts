import type { Usage } from '@headgate/core'
import { type Answer, isEpochMs, parseJson, readData, type Schema, type Verdict } from '@headgate/http'
import * as z from 'zod'
import { feedbackOf, type Scope } from './feedback.ts'
import { usageOf } from './usage.ts'

const envelope = z.object({
  code: z.union([z.number(), z.string().regex(/^-?\d+$/)]),
  msg: z.unknown().optional(),
  data: z.unknown().optional(),
  timestamp: z.unknown().optional(),
})

/** How answers of one endpoint are to be read. */
export interface Reading<T> {
  /** Of `data`. */
  readonly schema: Schema<T>
  /** What a rate limit of this endpoint speaks of. */
  readonly scope: Scope
  /** The name of the limit of which its usage headers speak. */
  readonly usageLimit?: string
}

/**
 * Reads an answer: by the body's code first, whatever the status; by the status only when the body has no code.
 * @param nowMs the server's epoch time as far as we know it; the answer's own `timestamp` goes before it.
 */
export function judge<T>(
  answer: Pick<Answer, 'status' | 'text'> & Partial<Answer>,
  reading: Reading<T>,
  nowMs: number,
): Verdict<T> {
  const { status } = answer
  const usage = usageIn(answer, reading, nowMs)
  const body = envelope.safeParse(parseJson(answer.text))
  if (!body.success) return { ...feedbackOf({ code: undefined, msg: '', status }, reading.scope, nowMs), ...usage }
  const { code, msg, data, timestamp } = body.data
  const toldMs = epochMsOf(timestamp)
  if (Number(code) !== 0) {
    const words = { code, msg: typeof msg === 'string' ? msg : '', status }
    return { ...feedbackOf(words, reading.scope, toldMs ?? nowMs), ...usage, ...timeIn(toldMs) }
  }
  return { ...readData(reading.schema, data, code), ...usage, ...timeIn(toldMs) }
}

const timeIn = (serverTimeMs: number | undefined) => serverTimeMs !== undefined && { serverTimeMs }

function usageIn(
  answer: Partial<Answer>,
  { usageLimit }: Pick<Reading<never>, 'usageLimit'>,
  nowMs: number,
): { usage?: Usage } {
  const usage = usageLimit === undefined || !answer.header ? undefined : usageOf(answer.header, nowMs)
  return usage && usageLimit !== undefined ? { usage: { limit: usageLimit, ...usage } } : {}
}

/** Epoch milliseconds, or nothing: what is no time of this century in milliseconds is some other unit. */
function epochMsOf(timestamp: unknown): number | undefined {
  const ms = typeof timestamp === 'string' || typeof timestamp === 'number' ? Number(timestamp) : Number.NaN
  return isEpochMs(ms) ? ms : undefined
}
