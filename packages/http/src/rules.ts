import type { Verdict } from './call.ts'
import type { ErrorKind, Trouble } from './errors.ts'

/** What an exchange means by a code: a row of its table. */
export interface Rule {
  /** Codes of the body, or statuses of an answer whose body has none. A pair is a range, both ends included. */
  readonly codes: readonly (number | readonly [from: number, to: number])[]
  /** The row is only for messages with these words. */
  readonly words?: RegExp
  readonly kind: ErrorKind
  /** Over a limit: shut for so long, or refused without a time. `by` where it isn't the endpoint's own scope. */
  readonly refused?: { readonly holdMs?: number; readonly by?: readonly string[] }
}

/** The first row that fits. */
export function findRule(rules: readonly Rule[], code: number, msg = ''): Rule | undefined {
  return rules.find(
    ({ codes, words }) =>
      codes.some(each => (typeof each === 'number' ? each === code : code >= each[0] && code <= each[1])) &&
      (words === undefined || words.test(msg)),
  )
}

/**
 * What a row makes of an answer.
 * @param scope the label names that a refusal of this endpoint speaks of.
 * @param nowMs the server's epoch time now.
 */
export function applyRule(
  { kind, refused }: Rule,
  said: Pick<Trouble, 'code' | 'msg'>,
  scope: readonly string[],
  nowMs: number,
): Verdict<never> {
  if (refused === undefined) return { trouble: { ...said, kind } }
  const { holdMs, by = scope } = refused
  if (holdMs === undefined) return { trouble: { ...said, kind }, refusal: { by } }
  return { trouble: { ...said, kind, untilMs: nowMs + holdMs }, refusal: { holdMs, by } }
}

/** What an answer comes to whose body has no code that can be used: an edge server's page, or half a body. */
export function judgeStatus(
  status: number,
  rules: readonly Rule[],
  scope: readonly string[],
  nowMs: number,
): Verdict<never> {
  const said = { code: status, msg: `HTTP ${status} without a readable code` }
  return applyRule(findRule(rules, status) ?? { codes: [], kind: 'malformed' }, said, scope, nowMs)
}
