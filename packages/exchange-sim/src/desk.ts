import type { BanBook } from './ban-book.ts'
import { type Clock, type Instant, readClock } from './clock.ts'
import type { Answer, Dialect, ExchangeName, IdentifiedCall, ReceivedCall } from './dialect.ts'
import { alterAnswer } from './fault-answer.ts'
import type { Faults } from './faults.ts'
import type { LimitBook } from './limit-book.ts'
import type { Rule } from './rule.ts'
import type { Outcome, Recorder } from './stats.ts'

/** One exchange: its words, its bans, and the rules that impose them. */
interface Counter {
  readonly dialect: Dialect
  readonly bans: BanBook
  readonly rules: readonly Rule[]
}

export interface DeskOptions {
  readonly clock: Clock
  readonly counters: Readonly<Record<ExchangeName, Counter>>
  readonly limits: LimitBook
  readonly faults: Faults
  readonly recorder: Recorder
  readonly countRefused: boolean
}

export type Reply = Answer | 'drop' | 'hang'

/**
 * Judges a call at the instant of its arrival. There is no `await` in here: two calls are never judged at once.
 *
 * The order, and why:
 * 1. The endpoint: what does not exist has no limits.
 * 2. Faults that count nothing: they stand for what goes wrong before the exchange.
 * 3. Bans, then limits. A gateway refuses floods before it spends work on them, so calls with a wrong key, signature or
 *    timestamp use up quota like all others (a wrong key only that of its IP, having no UID).
 * 4. Key, signature, timestamp, parameters: the dialect's answer.
 */
export function createDesk({ clock, counters, limits, faults, recorder, countRefused }: DeskOptions) {
  return (exchange: ExchangeName, received: ReceivedCall): Reply => {
    const at = readClock(clock)
    const { dialect, bans, rules } = counters[exchange]
    const call = dialect.identify(received)

    const note = (outcome: Outcome, counted: boolean): void => {
      const uid = call?.uid ?? null
      const endpoint = call?.endpoint ?? null
      recorder.call({ atMs: at.nowMs, exchange, uid, ip: received.ip, endpoint, outcome, counted })
    }

    if (call === undefined) {
      note('unknown', false)
      return dialect.noSuchEndpoint(at)
    }

    const answerWith = (answer: Answer): Answer => {
      for (const rule of rules) rule.answered?.(call, answer.status, at)
      return answer
    }

    const fault = faults.find(call)
    if (fault !== undefined && !fault.counted) {
      fault.spend()
      note('faulted', false)
      if (typeof fault.reply === 'string') return fault.reply
      return answerWith(alterAnswer(fault.reply, dialect, at))
    }

    const ban = bans.active(call, at)
    if (ban !== undefined) {
      for (const rule of rules) rule.calledInto?.(call, ban, at)
      note('into-ban', false)
      return answerWith(dialect.banned(call, ban, at))
    }

    const applied = loweredLimits(rules, call, at) ?? call.limits
    const admitted = limits.admit(applied, at.nowMs)
    const usage = call.told === undefined ? {} : dialect.usageHeaders(limits.usage(call.told, at.nowMs), at)
    if (!admitted) {
      note('refused', countRefused)
      // The refusal that earns a ban already speaks of it: otherwise an obedient caller could not obey.
      const earned = rules.map(rule => rule.refused?.(call, at)).find(one => one !== undefined)
      const answer = earned === undefined ? dialect.refused(call, at) : dialect.banned(call, earned, at)
      // An edge server's page knows of no usage.
      return answerWith(earned?.status === undefined ? { ...answer, headers: { ...answer.headers, ...usage } } : answer)
    }

    const own = call.answer(at)
    const answer = typeof fault?.reply === 'object' ? alterAnswer(fault.reply, dialect, at, own) : own
    fault?.spend()
    const { error } = answer
    if (error?.code !== undefined) for (const rule of rules) rule.failed?.(call, error.code, at)
    note(error === undefined ? 'accepted' : 'failed', true)
    if (typeof fault?.reply === 'string') return fault.reply
    return answerWith({ ...answer, headers: { ...usage, ...answer.headers } })
  }
}

function loweredLimits(
  rules: readonly Rule[],
  call: IdentifiedCall,
  at: Instant,
): IdentifiedCall['limits'] | undefined {
  for (const rule of rules) {
    const lowered = rule.lowered?.(call, at)
    if (lowered !== undefined) return lowered
  }
  return undefined
}
