import { parseDisabledPeriod } from '@headgate/core'
import { applyRule, type Failure, findRule, judgeStatus, type Rule } from '@headgate/http'

/** What an answer that is no success says. */
export interface Words {
  /** As sent. Undefined when the body has none that can be used: then the status decides. */
  readonly code: string | number | undefined
  readonly msg: string
  readonly status: number
}

/** The label names that a refusal speaks of. */
export type Scope = readonly string[]

/** The scope of a rate limit is the endpoint: klines were banned while other endpoints went on. */
export const SIGNED_SCOPE: Scope = ['exchange', 'uid', 'endpoint']
export const PUBLIC_SCOPE: Scope = ['exchange', 'ip', 'endpoint']
const IP_SCOPE: Scope = ['exchange', 'ip']

/** Firewall and "going on after 429": about 5 minutes for the whole IP (documented; clients' observations, 2026). */
const IP_BAN_MS = 5 * 60_000

/**
 * Risk control names no time and asks for a person ("no automatic retry, long pause": clients' observations, 2026). As long
 * as the longest hold that any words of the exchange can set.
 */
const RISK_PAUSE_MS = 15 * 60_000

/** 100410 became 109429 on the futures side from 2025-10-16 and is still seen into 2026-09; 100409 is older. */
const RATE_CODES: readonly number[] = [100410, 109429, 100409]

/** As far as words are looked for; the longest wording known has 165 characters (2025-11). */
const MAX_WORDING = 4_096

/** Stopped by risk control: nothing of the kind goes out for long, and not by itself again. */
const RISK = { kind: 'risk', refused: { holdMs: RISK_PAUSE_MS }, final: true, alert: 'risk-control' } as const

/**
 * The first rule that fits decides. Codes: endpoint pages (coincise, 2025-11), docs-v3 (2025-10), and the renumbering
 * of 2025-10-16 (80014, 80001 → 109400; 80020, 40029 → 109403; 80012 → 109500; 80016 → 109421). What the error-count
 * rule counts is everything but refusals.
 */
const CODE_RULES: readonly Rule[] = [
  // The exchange's own trouble, not our pace: a pause, and no limit is halved.
  {
    codes: RATE_CODES,
    words: /\b(?:system|server|service)s?\b[^.]{0,24}\b(?:busy|overload(?:ed)?)\b/i,
    kind: 'transient',
    uncounted: true,
  },
  { codes: RATE_CODES, words: /\brisk\b/i, ...RISK, uncounted: true },
  { codes: RATE_CODES, kind: 'refused', refused: {}, uncounted: true },
  // The spot gateway's stale timestamp; the same code speaks of restricted pairs.
  { codes: [100421], words: /timestamp/i, kind: 'timestamp' },
  { codes: [100421], words: /\b(?:pairs?|symbols?)\b/i, kind: 'fatal' },
  { codes: [100421], kind: 'timestamp' },
  { codes: [80014, 80001, 109400], words: /timestamp/i, kind: 'timestamp' },
  { codes: [80014, 80001, 109400], kind: 'fatal' },
  { codes: [100413, 100001], kind: 'key' },
  { codes: [100419], kind: 'key', alert: 'ip-not-whitelisted' },
  { codes: [80020, 40029, 109403], ...RISK },
  { codes: [100004, 100202, 100400, 100404, 100412, 80016, 109421], kind: 'fatal' },
  { codes: [100500, 100503, 109500, 80012], kind: 'transient' },
]

/**
 * For answers without a usable code: 429 seen once, 418 follows on going on after it, 403 is the firewall. After a time-out
 * at the gateway (504; 524 at Cloudflare) nobody knows what became of the call.
 */
const STATUS_RULES: readonly Rule[] = [
  { codes: [429], kind: 'refused', refused: {} },
  { codes: [403, 418], kind: 'held', refused: { holdMs: IP_BAN_MS, by: IP_SCOPE }, alert: 'ip-banned' },
  { codes: [504, 524], kind: 'lost' },
  { codes: [408, [500, 599]], kind: 'transient' },
  { codes: [[400, 499]], kind: 'fatal' },
]

const UNKNOWN: Rule = { codes: [], kind: 'unknown' }

/**
 * What an answer that is no success comes to. Words decide before codes: BingX renumbers its codes.
 * @param nowMs the server's epoch time now.
 */
export function feedbackOf(words: Words, scope: Scope, nowMs: number): Failure {
  const { code, msg, status } = words
  if (code === undefined) return judgeStatus(status, STATUS_RULES, scope, nowMs)
  const rule = findRule(CODE_RULES, Number(code), msg.slice(0, MAX_WORDING))
  const counted = rule?.uncounted ? {} : ({ isCountedError: true } as const)
  // A rate code, or one that came after this table was written.
  const mayNameTime = rule === undefined || RATE_CODES.includes(Number(code))
  const period = mayNameTime ? parseDisabledPeriod(msg, nowMs) : undefined
  if (period === undefined) return { ...applyRule(rule ?? UNKNOWN, { code, msg }, scope, nowMs), ...counted }
  const isRisk = rule?.kind === 'risk'
  const untilMs = isRisk ? Math.max(period.untilMs, nowMs + RISK_PAUSE_MS) : period.untilMs
  return {
    trouble: { code, msg, kind: isRisk ? 'risk' : 'held', untilMs },
    refusal: { holdMs: untilMs - nowMs, by: scope },
    ...(isRisk && { final: true, alert: 'risk-control' }),
    ...(period.clamped && { alert: 'hold-clamped' }),
  }
}
