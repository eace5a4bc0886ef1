import { type Answer, parseJson, readData, type Schema, type Verdict } from '@headgate/http'
import * as z from 'zod'
import { feedbackOf, type Scope } from './feedback.ts'

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
}

/**
 * Reads an answer: by the body's code first, whatever the status; by the status only when the body has no code.
 * @param nowMs the server's epoch time as far as we know it; the answer's own `timestamp` goes before it.
 */
export function judge<T>(answer: Pick<Answer, 'status' | 'text'>, reading: Reading<T>, nowMs: number): Verdict<T> {
  const { status } = answer
  const body = envelope.safeParse(parseJson(answer.text))
  if (!body.success) return feedbackOf({ code: undefined, msg: '', status }, reading.scope, nowMs)
  const { code, msg, data, timestamp } = body.data
  if (Number(code) !== 0) {
    const words = { code, msg: typeof msg === 'string' ? msg : '', status }
    return feedbackOf(words, reading.scope, serverTimeMs(timestamp) ?? nowMs)
  }
  return readData(reading.schema, data, code)
}

/** Epoch milliseconds, or nothing: what is no time of this century in milliseconds is some other unit. */
function serverTimeMs(timestamp: unknown): number | undefined {
  const ms = typeof timestamp === 'string' || typeof timestamp === 'number' ? Number(timestamp) : Number.NaN
  return ms > 1e12 && ms < 4e12 ? ms : undefined
}
