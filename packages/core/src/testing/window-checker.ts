// The independent judge. It imports nothing, so that no mistake of the scheduler's can be repeated here.

/** A call that a server counted, at the server's instant. */
export interface CountedCall {
  /** On any clock, not necessarily in order. */
  readonly atMs: number
  /** Tokens, a whole number from 0. Default 1. */
  readonly cost?: number
}

export interface WindowRule {
  /** The most that any window may hold. */
  readonly limit: number
  readonly windowMs: number
}

export interface WindowReport {
  readonly ok: boolean
  /** The most counted in any window. */
  readonly peak: number
  /** The first window that holds the peak, [fromMs, toMs). It begins at a call. Absent when nothing was counted. */
  readonly worst?: { readonly fromMs: number; readonly toMs: number; readonly count: number }
  /** All that was counted. */
  readonly total: number
}

export interface LabelledCall extends CountedCall {
  readonly labels: Readonly<Record<string, string>>
}

export interface KeyedWindowRule extends WindowRule {
  readonly name: string
  /** The rule counts calls that carry all of these labels, apart for each set of their values. Empty: all together. */
  readonly by: readonly string[]
}

export interface WindowViolation {
  readonly rule: KeyedWindowRule
  /** The values of the rule's labels. */
  readonly labels: Readonly<Record<string, string>>
  readonly report: WindowReport
}

/** Virtual time is a sum of floats; its noise stays far below this, and every real lateness far above. */
const EPSILON_MS = 1e-6

/**
 * Whether any window held more than the limit. A window is half open: calls exactly `windowMs` apart are never in one.
 * Calls less than `epsilonMs` short of that pass as exactly apart.
 * @throws {TypeError} on a number that makes no sense: a judge who cannot see must not acquit.
 */
export function checkWindow(counts: readonly CountedCall[], rule: WindowRule, epsilonMs = EPSILON_MS): WindowReport {
  const { limit, windowMs } = rule
  demand(Number.isFinite(limit) && limit >= 0, 'limit', 'a finite number from 0', limit)
  demand(Number.isFinite(windowMs) && windowMs > 0, 'windowMs', 'a finite number above 0', windowMs)
  demand(epsilonMs >= 0 && epsilonMs < windowMs, 'epsilonMs', 'from 0 to below windowMs', epsilonMs)
  for (const { atMs, cost = 1 } of counts) {
    demand(Number.isFinite(atMs), 'atMs', 'a finite number', atMs)
    demand(Number.isSafeInteger(cost) && cost >= 0, 'cost', 'a whole number from 0', cost)
  }

  const sorted = [...counts].sort((a, b) => a.atMs - b.atMs)
  let peak = 0
  let worst: WindowReport['worst']
  let total = 0
  let inWindow = 0
  let last = 0
  // The fullest window can always be moved to begin at a call, so only those are looked at.
  for (const first of sorted) {
    for (
      let next = sorted[last];
      next !== undefined && next.atMs - first.atMs < windowMs - epsilonMs;
      next = sorted[last]
    ) {
      inWindow += next.cost ?? 1
      last++
    }
    if (worst === undefined || inWindow > peak) {
      peak = inWindow
      worst = { fromMs: first.atMs, toMs: first.atMs + windowMs, count: inWindow }
    }
    inWindow -= first.cost ?? 1
    total += first.cost ?? 1
  }
  return { ok: peak <= limit, peak, ...(worst && { worst }), total }
}

/** {@link checkWindow} for each rule and each set of values of its labels. Empty when no limit was broken. */
export function checkWindows(
  events: readonly LabelledCall[],
  rules: readonly KeyedWindowRule[],
  epsilonMs = EPSILON_MS,
): WindowViolation[] {
  const violations: WindowViolation[] = []
  for (const rule of rules) {
    const groups = new Map<string, LabelledCall[]>()
    for (const event of events) {
      if (!rule.by.every(label => Object.hasOwn(event.labels, label))) continue
      // JSON, as labels joined by any character could be joined otherwise by values that hold it.
      const key = JSON.stringify(rule.by.map(label => event.labels[label]))
      const group = groups.get(key)
      if (group) group.push(event)
      else groups.set(key, [event])
    }
    // Judged even without a call, so that a rule that makes no sense is never silent.
    if (groups.size === 0) checkWindow([], rule, epsilonMs)
    for (const group of groups.values()) {
      const report = checkWindow(group, rule, epsilonMs)
      if (report.ok) continue
      const labels = Object.fromEntries(rule.by.map(label => [label, group[0]?.labels[label] ?? '']))
      violations.push({ rule, labels, report })
    }
  }
  return violations
}

function demand(holds: boolean, name: string, expected: string, got: unknown): asserts holds {
  if (!holds) throw new TypeError(`${name}: expected ${expected}, got ${String(got)}`)
}
