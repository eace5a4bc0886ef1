import { labelsOf } from './keys.ts'
import type { Labels, Limit } from './limit.ts'

/** What the gates of all limits have in common: each stands for one set of label values. */
export abstract class LimitGate {
  /** The values of the labels it is kept by. */
  readonly values: string
  /** Of a bucket tokens, else calls, that were sent and neither answered nor given up. */
  inFlight = 0
  /** How many lanes, and calls that have not settled, refer to it: such a gate is never dropped. */
  lanes = 0
  dropped = false

  constructor(values: string) {
    this.values = values
  }

  abstract get limit(): Limit

  /** Tells the gates of one limit from those of others. */
  protected abstract get id(): string

  get key(): string {
    return `${this.id}/${this.values}`
  }

  get labels(): Labels {
    return labelsOf(this.by, this.values)
  }

  get name(): string {
    return this.limit.name
  }

  get by(): readonly string[] {
    return this.limit.by
  }
}
