import type { Result } from '../run-seed.ts'

/** What many seeds come to. */
export class Tally {
  seeds = 0
  calls = 0
  arrivals = 0
  refused = 0
  readonly byKind = new Map<string, number>()
  readonly faults = new Map<string, number>()
  readonly tried = new Map<string, number>()
  readonly excuses = new Map<string, number>()
  readonly failed: Result[] = []
  readonly #startedMs: number

  constructor(nowMs: number) {
    this.#startedMs = nowMs
  }

  add(result: Result): void {
    this.seeds++
    this.calls += result.calls
    this.arrivals += result.arrivals
    this.refused += result.refused
    this.byKind.set(result.kind, (this.byKind.get(result.kind) ?? 0) + 1)
    for (const [kind, times] of result.faults) this.faults.set(kind, (this.faults.get(kind) ?? 0) + times)
    for (const [what, times] of result.tried) this.tried.set(what, (this.tried.get(what) ?? 0) + times)
    for (const [why, times] of result.excuses) this.excuses.set(why, (this.excuses.get(why) ?? 0) + times)
    if (result.violations.length > 0) this.failed.push(result)
  }

  progress(nowMs: number): string {
    const seconds = (nowMs - this.#startedMs) / 1_000
    const rate = (this.seeds / Math.max(seconds, 0.001)).toFixed(1)
    return `${this.seeds} seeds, ${rate}/s, ${this.calls} calls, ${this.failed.length} failed`
  }

  summary(nowMs: number): string {
    const seconds = (nowMs - this.#startedMs) / 1_000
    const rows: [string, string][] = [
      [
        'seeds',
        `${this.seeds} (${list(this.byKind)}) in ${seconds.toFixed(1)} s, ${(this.seeds / Math.max(seconds, 0.001)).toFixed(1)}/s`,
      ],
      ['calls', `${this.calls}, of which ${this.arrivals} requests came to the server`],
      ['faults', list(this.faults) || 'none'],
      ['tried', list(this.tried) || 'none'],
      [
        'refused',
        `${this.refused}${this.refused > 0 ? ` (${((100 * this.refused) / this.arrivals).toFixed(3)} %)` : ''}`,
      ],
      ['excuses', list(this.excuses) || 'none'],
      ['failed', `${this.failed.length}`],
    ]
    return rows.map(([name, value]) => `${name.padEnd(9)}${value}`).join('\n')
  }
}

function list(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, times]) => `${name} ${times}`)
    .join(', ')
}
