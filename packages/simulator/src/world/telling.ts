import type { Usage } from '@headgate/core'
import { draw } from '../draw.ts'
import { carries, type FaultOf, faultsOf, type Scenario, type UsageLie } from '../scenario/scenario.ts'
import type { Attempt, UsageLog } from './log.ts'
import type { Server, UsageCount } from './server.ts'

const SALT = { failing: 41, usage: 42 } as const
/** A reset time from another scope: more than a window and what rounding may add. */
const OTHER_WINDOW = 3
const ROUNDED_MS = 1_000

/** What an answer says besides yes and no. */
export interface Told {
  readonly code: string | undefined
  /** How long the server thinks before it answers. */
  readonly slowMs: number
  readonly usage: { readonly seen: Usage; readonly log: UsageLog } | undefined
}

/** What the server tells: error codes, which it counts, and how much of a limit is used, which may not be true. */
export class Telling {
  readonly #scenario: Scenario
  readonly #server: Server
  readonly #count: (kind: 'failing' | 'usage') => void
  readonly #failing: readonly FaultOf<'failing'>[]
  readonly #usages: readonly FaultOf<'usage'>[]
  /** Of each limit, what was true a while ago. */
  readonly #stale = new Map<string, UsageCount>()

  constructor(scenario: Scenario, server: Server, count: (kind: 'failing' | 'usage') => void) {
    this.#scenario = scenario
    this.#server = server
    this.#count = count
    this.#failing = faultsOf(scenario, 'failing')
    this.#usages = faultsOf(scenario, 'usage')
  }

  /** Of a call that has just arrived and was judged. */
  of(attempt: Attempt, number: number, atMs: number): Told {
    const failing = attempt.verdict === 'accepted' ? this.#failingOf(attempt, number, atMs) : undefined
    const { seed } = this.#scenario
    const at = Math.floor(draw(seed, SALT.failing, number, 1) * (failing?.codes.length ?? 0))
    return { code: failing?.codes[at], slowMs: failing?.slowMs ?? 0, usage: this.#usageOf(attempt, number, atMs) }
  }

  /** The server has come to the end of it, and counts. */
  fail(attempt: Attempt, { code, slowMs }: Told): void {
    if (code === undefined) return
    attempt.errorCode = code
    attempt.errorAtMs = attempt.arrivedAtMs + slowMs
    this.#count('failing')
    this.#server.failed(attempt.labels, code, attempt.errorAtMs)
  }

  #failingOf({ labels }: Attempt, number: number, atMs: number): FaultOf<'failing'> | undefined {
    return this.#failing.find(
      fault =>
        isIn(fault, atMs) &&
        carries(labels, fault.labels) &&
        draw(this.#scenario.seed, SALT.failing, number) < fault.share,
    )
  }

  #usageOf({ labels }: Attempt, number: number, atMs: number): Told['usage'] {
    const fault = this.#usages.find(each => isIn(each, atMs))
    const count = fault && this.#server.usage(fault.name, labels, atMs)
    if (fault === undefined || count === undefined) return undefined
    const { seed } = this.#scenario
    const { name, windowMs } = this.#scenario.limits.find(
      rule => rule.name === fault.name,
    ) as Scenario['limits'][number]
    const luck = (of: number) => draw(seed, SALT.usage, number, of)
    const isTrue = luck(0) >= fault.share
    const stale = this.#stale.get(name) ?? count
    if (luck(1) < 0.1) this.#stale.set(name, count)
    if (isTrue) return { seen: shown(name, count, luck(2)), log: { name, isTrue, isBelievable: true } }
    this.#count('usage')
    const said = lie(fault.says, count, stale, windowMs, luck)
    const isBelievable = said.limit - said.used <= count.limit && said.resetMs <= windowMs + ROUNDED_MS
    return { seen: shown(name, said, fault.says === 'above' ? 0 : luck(2)), log: { name, isTrue, isBelievable } }
  }
}

function lie(says: UsageLie, count: UsageCount, stale: UsageCount, windowMs: number, luck: (of: number) => number) {
  switch (says) {
    case 'above':
      return { ...count, limit: count.limit + 1 + Math.ceil(3 * count.limit * luck(3)), used: 0 }
    case 'scope':
      return { ...count, used: count.limit, resetMs: ROUNDED_MS + windowMs * (1.01 + OTHER_WINDOW * luck(3)) + 1 }
    case 'epoch':
      return { ...count, used: Math.floor(count.limit * luck(3)), resetMs: 1.7e12 + 1e9 * luck(4) }
    case 'stale':
      return stale
    case 'none':
      return { ...count, used: count.limit, resetMs: windowMs * luck(3) }
  }
}

/** Exchanges show one number or two. */
function shown(limit: string, { limit: max, used, resetMs }: UsageCount, luck: number): Usage {
  const remaining = Math.max(0, max - used)
  if (luck < 0.6) return { limit, remaining, resetMs }
  return luck < 0.8 ? { limit, used, max, resetMs } : { limit, remaining, max, resetMs }
}

function isIn({ atMs, forMs }: { atMs: number; forMs: number }, nowMs: number): boolean {
  return nowMs >= atMs && nowMs < atMs + forMs
}
