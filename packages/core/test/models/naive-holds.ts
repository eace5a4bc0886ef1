export type Labels = Readonly<Record<string, string>>

/** A hold as the design tells it: what it let through, and what was answered since it closed last. */
export interface NaiveHold {
  readonly labels: Labels
  reason: string
  untilMs: number
  /** How often it closed. */
  closings: number
  /** Answers to calls let through since it closed last. */
  answers: number
  /** Probes without news since the last closing or answer. */
  failures: number
  underWay: NaivePass[]
}

export interface NaivePass {
  readonly hold: NaiveHold
  readonly closings: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

const sameLabels = (a: Labels, b: Labels) =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())

/** Every hold in force, in one list. */
export class NaiveHolds {
  holds: NaiveHold[] = []

  over(labels: Labels): NaiveHold | undefined {
    return this.holds.find(hold => sameLabels(hold.labels, labels))
  }

  matching(labels: Labels): NaiveHold[] {
    return this.holds.filter(hold => Object.entries(hold.labels).every(([name, value]) => labels[name] === value))
  }

  close(labels: Labels, forMs: number, reason: string, nowMs: number): void {
    this.holds = this.holds.filter(hold => hold.underWay.length > 0 || nowMs <= hold.untilMs + HOUR_MS)
    let hold = this.over(labels)
    if (hold === undefined) {
      hold = { labels, reason, untilMs: -1, closings: 0, answers: 0, failures: 0, underWay: [] }
      this.holds.push(hold)
    }
    // A second after the time that the server named; never earlier than it said before.
    const untilMs = nowMs + Math.min(forMs, DAY_MS) + 1_000
    if (untilMs > hold.untilMs) Object.assign(hold, { untilMs, reason })
    hold.closings++
    hold.answers = 0
    hold.failures = 0
  }

  release(labels: Labels): void {
    this.holds = this.holds.filter(hold => !sameLabels(hold.labels, labels))
  }

  readyAtMs(hold: NaiveHold, nowMs: number): number {
    if (nowMs < hold.untilMs) return hold.untilMs
    return hold.underWay.length < hold.answers + 1 ? nowMs : Number.POSITIVE_INFINITY
  }

  /** A call goes. */
  pass(labels: Labels): NaivePass[] {
    return this.matching(labels).map(hold => {
      const pass = { hold, closings: hold.closings }
      hold.underWay.push(pass)
      return pass
    })
  }

  /** The call that passed it has ended. @returns whether the hold is over */
  ended(pass: NaivePass, brought: 'an answer' | 'no news', rampTo: number, nowMs: number, random: number): boolean {
    const { hold, closings } = pass
    hold.underWay = hold.underWay.filter(other => other !== pass)
    if (closings !== hold.closings || !this.holds.includes(hold)) return false
    if (brought === 'an answer') {
      hold.failures = 0
      hold.answers++
      if (hold.answers + 1 < rampTo) return false
      this.holds = this.holds.filter(other => other !== hold)
      return true
    }
    if (hold.answers === 0) {
      const backoffMs = 1_000 + random * Math.min(60_000, 2_000 * 2 ** hold.failures)
      hold.untilMs = Math.max(hold.untilMs, nowMs + backoffMs)
      hold.failures++
    }
    return false
  }
}
