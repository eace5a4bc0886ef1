import type { Attempt } from '../world/log.ts'

/** Where requests get lost, a few may be refused before one comes back that tells of the faster route: refusals teach nothing. */
const FEW = 5

/**
 * "A route that becomes faster than any seen before may cost a refusal once" (design, section 2). Once for each record of a
 * route and each bucket; as many as the bucket has tokens may be under way together.
 */
export class Once {
  readonly #refused = new Map<string, number>()

  /** @param seenMs the shortest round trip that the client had seen, and relied on */
  add(
    { call, sentAtMs }: Attempt,
    key: string,
    limit: number,
    seenMs: number,
    say: (what: string, atMs: number) => void,
  ) {
    const record = `${call.life} ${key} ${seenMs}`
    const refused = (this.#refused.get(record) ?? 0) + 1
    this.#refused.set(record, refused)
    if (refused !== Math.max(FEW, limit) + 1) return
    say(`${key}: ${refused} refusals because a route was faster than the ${seenMs.toFixed(1)} ms seen before`, sentAtMs)
  }
}
