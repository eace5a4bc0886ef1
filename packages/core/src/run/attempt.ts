import type { Labels } from '../limits/limit.ts'
import { checkKeys, checkNames, checkNumber, wrongOption } from '../options.ts'
import type { LedgerSession, Outcome, Ticket } from '../ports/ledger.ts'
import type { Admission, Refusal, Seen, Usage } from '../request.ts'
import type { Call } from './call.ts'

/** What an attempt needs of its scheduler. */
export interface AttemptSetup {
  readonly ledger: LedgerSession
  readonly nowMs: () => number
  /** Something was heard or has ended: tokens may have come free. */
  readonly heard: () => void
}

/** One admission of a call. What its task says after its end is ignored: the call may have another by then. */
export class Attempt implements Admission {
  readonly call: Call
  readonly ticket: Ticket
  readonly waitedMs: number
  ended = false
  refusal: Refusal | undefined
  /** What the task said outright. */
  outcome: Outcome | undefined
  previous: Attempt | undefined
  next: Attempt | undefined
  /** The one whose task starts after this one's. */
  nextToStart: Attempt | undefined
  readonly #setup: AttemptSetup
  #controller: AbortController | undefined
  #stopFollowing: (() => void) | undefined

  constructor(call: Call, ticket: Ticket, setup: AttemptSetup) {
    this.call = call
    this.ticket = ticket
    this.waitedMs = ticket.sentAtMs - call.waitingSinceMs
    this.#setup = setup
  }

  get labels(): Labels {
    return this.ticket.passage.labels
  }

  /** Made only when asked for: most tasks of a busy scheduler never do. */
  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal
    const controller = new AbortController()
    this.#controller = controller
    const { signal } = this.call.request
    if (signal?.aborted) controller.abort(signal.reason)
    else if (signal !== undefined && !this.ended) {
      const follow = () => controller.abort(signal.reason)
      signal.addEventListener('abort', follow, { once: true })
      this.#stopFollowing = () => signal.removeEventListener('abort', follow)
    }
    return controller.signal
  }

  counted(seen: Seen = {}): void {
    checkKeys('counted', seen, ['serverTimeMs', 'reusedConnection'])
    if (seen.serverTimeMs !== undefined) checkNumber('counted', 'serverTimeMs', seen.serverTimeMs, 0)
    if (seen.reusedConnection !== undefined && typeof seen.reusedConnection !== 'boolean') {
      throw wrongOption('counted', 'reusedConnection', 'true or false', seen.reusedConnection)
    }
    if (this.ended || this.outcome !== undefined) return
    this.#setup.ledger.counted(this.ticket, this.#setup.nowMs(), seen)
    this.#setup.heard()
  }

  refused(how: Refusal = {}): void {
    checkKeys('refused', how, ['holdMs', 'by', 'reason'])
    if (how.holdMs !== undefined) checkNumber('refused', 'holdMs', how.holdMs, 0)
    if (how.by !== undefined) checkNames('refused', 'by', how.by)
    if (how.reason !== undefined && typeof how.reason !== 'string')
      throw wrongOption('refused', 'reason', 'a text', how.reason)
    if (this.ended || this.outcome !== undefined || this.refusal !== undefined) return
    this.#setup.ledger.refused(this.ticket, this.#setup.nowMs(), how)
    this.refusal = how
    this.#setup.heard()
  }

  failed(code: string | number): void {
    if (typeof code !== 'string' && !Number.isSafeInteger(code))
      throw wrongOption('failed', 'code', 'a text or a whole number', code)
    if (this.ended || this.outcome !== undefined) return
    this.#setup.ledger.failed(this.ticket, this.#setup.nowMs(), String(code))
    this.#setup.heard()
  }

  usage(seen: Usage): void {
    checkKeys('usage', seen, ['limit', 'remaining', 'used', 'max', 'resetMs'])
    checkNumber('usage', 'resetMs', seen.resetMs, 0)
    const told = (['remaining', 'used', 'max'] as const).filter(option => seen[option] !== undefined)
    for (const option of told) checkNumber('usage', option, seen[option], 0)
    if (told.length === 0) throw new TypeError('usage: expected at least one of remaining, used, max, got none')
    if (this.ended || this.outcome !== undefined) return
    this.#setup.ledger.usage(this.ticket, this.#setup.nowMs(), seen)
    this.#setup.heard()
  }

  lost(): void {
    this.#say('lost')
  }

  unsent(): void {
    this.#say('unsent')
  }

  /** The task is over, or is given up. */
  end(outcome: Outcome): void {
    this.ended = true
    this.#stopFollowing?.()
    if (this.outcome === undefined) this.#setup.ledger.settled(this.ticket, this.#setup.nowMs(), outcome)
  }

  /** Also for a task that asks for its signal only later. */
  abort(reason: unknown): void {
    this.#controller ??= new AbortController()
    this.#controller.abort(reason)
  }

  #say(outcome: Outcome): void {
    if (this.ended || this.outcome !== undefined) return
    this.outcome = outcome
    this.#setup.ledger.settled(this.ticket, this.#setup.nowMs(), outcome)
    this.#setup.heard()
  }
}
