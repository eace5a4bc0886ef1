import {
  type Answer,
  applyRule,
  findRule,
  judgeStatus,
  parseJson,
  type Rule,
  readData,
  type Schema,
  type Verdict,
} from '@headgate/http'
import * as z from 'zod'

const envelope = z.object({
  // An integer in errors, a string in successes.
  code: z.union([z.number(), z.string().regex(/^-?\d+$/)]),
  msg: z.unknown().optional(),
  message: z.unknown().optional(),
  data: z.unknown().optional(),
  success: z.unknown().optional(),
  failed: z.unknown().optional(),
})

/**
 * "API Error Code Guide" (coinw.com/api-doc, undated, read 2026-11) and client libraries. 29001 names no time, and can
 * also be the platform's own congestion: the two can't be told apart.
 */
const CODE_RULES: readonly Rule[] = [
  { codes: [29001], kind: 'refused', refused: {} },
  { codes: [-200, 500, 10001], kind: 'transient' },
  { codes: [-103, 1003, 6000, 10006, 10007], kind: 'key' },
  { codes: [-3, 10002, 10003, 10004, 10005, 200005], kind: 'fatal' },
]

/** Cloudflare's firewall names no time; BingX's lasts about 5 minutes (clients' observations, 2026). */
const IP_BAN_MS = 5 * 60_000

/**
 * For Cloudflare's pages, which stand before CoinW: a 403 is its firewall, and shuts out the address. After a time-out at
 * the gateway (504, 524) nobody knows what became of the call.
 */
const STATUS_RULES: readonly Rule[] = [
  { codes: [429], kind: 'refused', refused: {} },
  { codes: [403, 418], kind: 'held', refused: { holdMs: IP_BAN_MS, by: ['exchange', 'ip'] }, alert: 'ip-banned' },
  { codes: [504, 524], kind: 'lost' },
  { codes: [408, [500, 599]], kind: 'transient' },
  { codes: [[400, 499]], kind: 'fatal' },
]

const UNKNOWN: Rule = { codes: [], kind: 'unknown' }

/** How answers of one command are to be read. */
export interface Reading<T> {
  /** Of `data`. */
  readonly schema: Schema<T>
  /** The label names that a refusal of this command speaks of. */
  readonly scope: readonly string[]
}

/** Reads an answer: by the body's code first, whatever the status; by the status only when the body has no code. */
export function judge<T>(
  answer: Pick<Answer, 'status' | 'text'>,
  { schema, scope }: Reading<T>,
  nowMs: number,
): Verdict<T> {
  const body = envelope.safeParse(parseJson(answer.text))
  if (!body.success) return judgeStatus(answer.status, STATUS_RULES, scope, nowMs)
  const { code, msg, message, data, success, failed } = body.data
  if (String(code) !== '200' || success === false || failed === true) {
    const said = [msg, message].find(each => typeof each === 'string')
    const words = { code, msg: typeof said === 'string' ? said : '' }
    return applyRule(findRule(CODE_RULES, Number(code)) ?? UNKNOWN, words, scope, nowMs)
  }
  return readData(schema, data, code)
}
