import type { Labels, Limit } from '../limits/limit.ts'
import type { LedgerSession, Passage } from '../ports/ledger.ts'
import type { ScheduleRequest } from '../request.ts'
import { checkLabels } from './check-request.ts'
import { Passages } from './passages.ts'

const NONE: readonly never[] = Object.freeze([])

/** Which limits a request has to pass: its labels, and those it may go by instead, lead there. */
export class Resolver {
  readonly #ledger: LedgerSession
  readonly #limits: readonly Limit[]
  readonly #passages = new Passages()

  constructor(ledger: LedgerSession, limits: readonly Limit[]) {
    this.#ledger = ledger
    this.#limits = limits
  }

  /** @throws {TypeError} the labels are none, or no limit applies to them and the request does not say that it knows */
  passageOf(request: ScheduleRequest, labels: Labels = request.labels): Passage {
    let passage = this.#passages.get(labels)
    if (passage === undefined) {
      checkLabels('schedule', labels)
      passage = this.#ledger.resolve(labels)
      this.#passages.add(labels, passage)
    }
    if (request.unlimited !== true && !passage.gates.some(gate => gate.kind !== 'budget')) {
      const names = Object.keys(labels).join(', ') || 'none'
      const by = this.#limits.map(limit => `"${limit.name}" by ${limit.by.join('+')}`).join(', ')
      throw new TypeError(
        `schedule: option "labels": expected labels that a limit applies to (${by}), or unlimited: true, got ${names}`,
      )
    }
    return passage
  }

  /** @throws {TypeError} as {@link Resolver.passageOf} */
  alternativesOf(request: ScheduleRequest): readonly Passage[] {
    const { alternatives } = request
    return alternatives === undefined ? NONE : alternatives.map(labels => this.passageOf(request, labels))
  }
}
