import { parseDisabledPeriod } from '@headgate/core'
import { applyRule, findRule, judgeStatus, type Rule, type Verdict } from '@headgate/http'

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

/** Risk control names no time; disabled periods last about 5 minutes (documented and measured, 2024-09 to 2026-09). */
const RISK_PAUSE_MS = 5 * 60_000

/** 100410 became 109429 on the futures side from 2025-10-16 and is still seen into 2026-09; 100409 is older. */
const RATE_CODES = [100410, 109429, 100409]

/**
 * The first rule that fits decides. Codes: endpoint pages (coincise, 2025-11), docs-v3 (2025-10), and the renumbering
 * of 2025-10-16 (80014, 80001 → 109400; 80020, 40029 → 109403; 80012 → 109500; 80016 → 109421).
 */
const CODE_RULES: readonly Rule[] = [
  { codes: RATE_CODES, words: /system is busy/i, kind: 'transient' },
  { codes: RATE_CODES, words: /risk control/i, kind: 'risk', refused: { holdMs: RISK_PAUSE_MS } },
  { codes: RATE_CODES, kind: 'refused', refused: {} },
  { codes: [100421], words: /\bpair\b/i, kind: 'fatal' },
  { codes: [100421], kind: 'timestamp' },
  { codes: [80014, 80001, 109400], words: /timestamp/i, kind: 'timestamp' },
  { codes: [80014, 80001, 109400], kind: 'fatal' },
  { codes: [100413, 100419], kind: 'key' },
  { codes: [80020, 40029, 109403], kind: 'risk' },
  { codes: [100001, 100004, 100202, 100400, 100404, 100412, 80016, 109421], kind: 'fatal' },
  { codes: [100500, 100503, 109500, 80012], kind: 'transient' },
]

/** For answers without a usable code: 429 seen once, 418 follows on going on after it, 403 is the firewall. */
const STATUS_RULES: readonly Rule[] = [
  { codes: [429], kind: 'refused', refused: {} },
  { codes: [403, 418], kind: 'held', refused: { holdMs: IP_BAN_MS, by: IP_SCOPE } },
  { codes: [408, [500, 599]], kind: 'transient' },
  { codes: [[400, 499]], kind: 'fatal' },
]

const UNKNOWN: Rule = { codes: [], kind: 'unknown' }

/**
 * What an answer that is no success comes to. Words decide before codes: BingX renumbers its codes.
 * @param nowMs the server's epoch time now.
 */
export function feedbackOf(words: Words, scope: Scope, nowMs: number): Verdict<never> {
  const { code, msg, status } = words
  if (code === undefined) return judgeStatus(status, STATUS_RULES, scope, nowMs)
  const rule = findRule(CODE_RULES, Number(code), msg)
  // A rate code, or one that came after this table was written.
  const period = rule === undefined || rule.refused !== undefined ? parseDisabledPeriod(msg, nowMs) : undefined
  if (period !== undefined) {
    const { untilMs } = period
    return { trouble: { code, msg, kind: 'held', untilMs }, refusal: { holdMs: untilMs - nowMs, by: scope } }
  }
  return applyRule(rule ?? UNKNOWN, { code, msg }, scope, nowMs)
}
