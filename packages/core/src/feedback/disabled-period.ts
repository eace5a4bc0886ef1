import { MAX_HOLD_MS } from './max-hold.ts'

/** What a server said of the time for which it answers no more. */
export interface DisabledPeriod {
  /** Epoch milliseconds on the server's clock, always in [nowMs, nowMs + 15 minutes]. */
  untilMs: number
  /** `frequency`: too many calls. `error-count`: too many calls of ours ended in errors; see the next three. */
  cause: 'frequency' | 'error-count'
  /** The code of those errors. Absent when the server named none. */
  errorCode?: number
  /** How many errors are too many. */
  errorCount?: number
  /** Within what time. */
  windowMs?: number
  /** The server named a time over 15 minutes ahead: worth an alert, it may be a new format. */
  clamped?: true
}

/**
 * Characters of a message that are looked at; 500 times the longest wording known (131, 2026-09).
 * The bound keeps the cost of a hostile body below some milliseconds, whatever its length.
 */
const MAX_CHARS = 65_536

/** Words after a verb that may stand before the time. One more, and the number is taken to speak of something else. */
const MAX_WORDS_BETWEEN = 6

/** Words after "over N" in which the error-count rule is looked for; the longest wording known has 6. */
const MAX_RULE_WORDS = 12

const REOPENS: ReadonlySet<string> = new Set(
  'lifted released retried retry try unban unbanned unblock unblocked'.split(' '),
)
const SHUT: ReadonlySet<string> = new Set(['disabled', 'blocked', 'banned'])
const FROM: ReadonlySet<string> = new Set(['after', 'at', 'until', 'till', 'time', 'timestamp'])
// "Disabled after 20 errors" names no time, "disabled until …" does.
const UP_TO: ReadonlySet<string> = new Set(['until', 'till'])
const FILLERS: ReadonlySet<string> = new Set(
  (
    'again automatically be been endpoint epoch for from in is it milliseconds ms of on only period request requests ' +
    'server the this to unix utc'
  ).split(' '),
)
const MORE_THAN: ReadonlySet<string> = new Set(['over', 'exceed', 'exceeds', 'exceeded', 'exceeding', 'than'])
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['millisecond', 1],
  ['milliseconds', 1],
  ['s', 1000],
  ['sec', 1000],
  ['secs', 1000],
  ['second', 1000],
  ['seconds', 1000],
  ['min', 60_000],
  ['mins', 60_000],
  ['minute', 60_000],
  ['minutes', 60_000],
])

/**
 * Reads from a server's message until when it is shut, and why. `nowMs` is the server's epoch time now.
 *
 * A time in the past means "now" (`untilMs` is `nowMs`), one over 15 minutes ahead is cut to that and marked `clamped`.
 * Ten digits are epoch seconds; a small number with a unit ("30 seconds") counts from now; a calendar date is not read.
 *
 * `undefined` when the message names no time, is no string (the caller knows where its envelope keeps the text;
 * guessing here would run foreign getters), or `nowMs` is not finite. Never throws. Reads the first 65,536 characters,
 * in linear time.
 */
export function parseDisabledPeriod(message: unknown, nowMs: number): DisabledPeriod | undefined {
  if (typeof message !== 'string' || !Number.isFinite(nowMs)) return undefined
  const tokens = tokensOf(message)
  const saidMs = reopeningMs(tokens, nowMs)
  if (saidMs === undefined) return undefined
  const latestMs = nowMs + MAX_HOLD_MS
  return {
    untilMs: Math.min(Math.max(saidMs, nowMs), latestMs),
    ...(errorRule(tokens) ?? { cause: 'frequency' }),
    ...(saidMs > latestMs ? { clamped: true } : {}),
  }
}

/**
 * Words in lower case, and numbers; all else only parts them. A date or a clock time ("2024-09-24", "16:03:34") is one
 * token, which is not a number. Neither alternative can match a text in two ways, so nothing is tried twice.
 */
function tokensOf(message: string): readonly string[] {
  const tokens =
    message
      .slice(0, MAX_CHARS)
      .toLowerCase()
      .match(/[a-z]+|\d+(?:[-/:.]\d+)*/g) ?? []
  // A number that the bound cuts in two would look like a time in the past.
  if (/^\d\d/.test(message.slice(MAX_CHARS - 1, MAX_CHARS + 1))) tokens.pop()
  return tokens
}

const isNumeric = (token: string | undefined): token is string => token !== undefined && token < 'a'

function reopeningMs(tokens: readonly string[], nowMs: number): number | undefined {
  for (const [i, token] of tokens.entries()) {
    const prepositions = REOPENS.has(token) ? FROM : SHUT.has(token) ? UP_TO : undefined
    const ms = prepositions && timeAfter(tokens, i + 1, prepositions, nowMs)
    if (ms !== undefined) return ms
  }
  return undefined
}

function timeAfter(
  tokens: readonly string[],
  start: number,
  prepositions: ReadonlySet<string>,
  nowMs: number,
): number | undefined {
  // Without one, the number is a count: "retry 3 times".
  let introduced = false
  for (let i = start; i <= start + MAX_WORDS_BETWEEN; i++) {
    const token = tokens[i]
    if (token === undefined) return undefined
    if (isNumeric(token)) return introduced ? instantMs(token, tokens[i + 1], nowMs) : undefined
    if (prepositions.has(token)) introduced = true
    else if (!FILLERS.has(token)) return undefined
  }
  return undefined
}

function instantMs(token: string, unit: string | undefined, nowMs: number): number | undefined {
  // Hundreds of digits give Infinity, which the clamp takes; a date gives NaN.
  const value = Number(token)
  if (Number.isNaN(value)) return undefined
  if (value >= 1e9 && value < 1e10) return Math.round(value * 1000)
  const unitMs = UNIT_MS.get(unit ?? '')
  // From 1e9 on it is an epoch even with a unit behind it: "1727193970155 ms".
  return Math.round(unitMs !== undefined && value < 1e9 ? nowMs + value * unitMs : value)
}

type ErrorRule = Pick<DisabledPeriod, 'cause' | 'errorCode' | 'errorCount' | 'windowMs'>

/** "over 20 error code:100202 requests within 480000 ms": the count comes first, code and window may be missing. */
function errorRule(tokens: readonly string[]): ErrorRule | undefined {
  for (const [i, token] of tokens.entries()) {
    const rule = MORE_THAN.has(token) && isNumeric(tokens[i + 1]) ? ruleAt(tokens, i + 1) : undefined
    if (rule !== undefined) return rule
  }
  return undefined
}

function ruleAt(tokens: readonly string[], start: number): ErrorRule | undefined {
  let ofErrors = false
  const rule: ErrorRule = { cause: 'error-count' }
  const errorCount = Number(tokens[start])
  if (Number.isSafeInteger(errorCount)) rule.errorCount = errorCount
  for (let i = start + 1; i <= start + MAX_RULE_WORDS; i++) {
    const token = tokens[i]
    if (token === undefined || REOPENS.has(token)) break
    if (token === 'error' || token === 'errors') ofErrors = true
    const next = tokens[i + 1]
    if (!isNumeric(next)) continue
    const value = Number(next)
    if (/^(?:errors?|codes?)$/.test(token) && Number.isSafeInteger(value)) rule.errorCode ??= value
    if (token !== 'within' && token !== 'in') continue
    const windowMs = value * (UNIT_MS.get(tokens[i + 2] ?? '') ?? 1)
    if (Number.isFinite(windowMs)) rule.windowMs = windowMs
    break
  }
  return ofErrors ? rule : undefined
}
