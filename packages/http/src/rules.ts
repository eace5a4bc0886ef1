import type { AlertReason } from '@headgate/core'
import type { Failure } from './call.ts'
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
  /** The call does not go again by itself once the hold is over. */
  readonly final?: true
  /** A person should know. */
  readonly alert?: AlertReason
  /** Not what the exchange counts under its error-count rule. */
  readonly uncounted?: true
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
  { kind, refused, final, alert }: Rule,
  said: Pick<Trouble, 'code' | 'msg' | 'isUnread'>,
  scope: readonly string[],
  nowMs: number,
): Failure {
  const more = { ...(alert && { alert }), ...(final && { final }) }
  if (refused === undefined) return { trouble: { ...said, kind }, ...more }
  const { holdMs, by = scope } = refused
  if (holdMs === undefined) return { trouble: { ...said, kind }, refusal: { by }, ...more }
  return { trouble: { ...said, kind, untilMs: nowMs + holdMs }, refusal: { holdMs, by }, ...more }
}

/** What an answer comes to whose body has no code that can be used: an edge server's page, or half a body. */
export function judgeStatus(status: number, rules: readonly Rule[], scope: readonly string[], nowMs: number): Failure {
  const said = { code: status, msg: `HTTP ${status} without a readable code` }
  const rule = findRule(rules, status) ?? { codes: [], kind: 'malformed' }
  // A page of some server on the way, or half an answer: the exchange itself may have done the call.
  const isUnread = status < 400 || status >= 500
  return applyRule(rule, { ...said, ...(isUnread && { isUnread }) }, scope, nowMs)
}
