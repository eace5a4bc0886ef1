import type { Bans } from './bans.ts'
import { type Clock, readClock } from './clock.ts'
import type { Answer, Dialect, ExchangeName, ReceivedCall } from './dialect.ts'
import type { FaultReply, Faults } from './faults.ts'
import type { LimitBook } from './limit-book.ts'
import type { Outcome, Recorder } from './stats.ts'

/** One exchange: its words and its bans. */
interface Counter {
  readonly dialect: Dialect
  readonly bans: Bans
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
    const { dialect, bans } = counters[exchange]
    const call = dialect.identify(received)

    const note = (outcome: Outcome, counted: boolean): void => {
      const uid = call?.uid ?? null
      const endpoint = call?.endpoint ?? null
      recorder.call({ atMs: at.nowMs, exchange, uid, ip: received.ip, endpoint, outcome, counted })
    }
    const faultAnswer = (reply: Exclude<FaultReply, string>): Answer => {
      const known = reply.code === undefined ? undefined : dialect.failed(reply.code, reply.msg ?? '', at)
      const status = reply.status ?? known?.status ?? 502
      const answer = known ?? { headers: { 'content-type': 'text/html' }, body: reply.body ?? '' }
      const headers = { ...answer.headers, ...lowerCase(reply.headers) }
      return { error: {}, ...answer, status, headers }
    }

    if (call === undefined) {
      note('unknown', false)
      return dialect.noSuchEndpoint(at)
    }

    const fault = faults.find(call)
    if (fault !== undefined && !fault.counted) {
      fault.spend()
      note('faulted', false)
      return typeof fault.reply === 'string' ? fault.reply : faultAnswer(fault.reply)
    }

    const ban = bans.active(call, at)
    if (ban !== undefined) {
      bans.calledInto(ban, at)
      note('into-ban', false)
      return dialect.banned(call, ban, at)
    }

    const admitted = limits.admit(call.limits, at.nowMs)
    const usage = call.told === undefined ? {} : dialect.usageHeaders(limits.usage(call.told, at.nowMs))
    if (!admitted) {
      note('refused', countRefused)
      // The refusal that earns a ban already speaks of it: otherwise an obedient caller could not obey.
      const earned = bans.refused(call, at)
      const answer = earned === undefined ? dialect.refused(call, at) : dialect.banned(call, earned, at)
      return { ...answer, headers: { ...answer.headers, ...usage } }
    }

    const own = call.answer(at)
    const answer = typeof fault?.reply === 'object' ? faultAnswer(fault.reply) : own
    fault?.spend()
    if (answer.error?.code !== undefined) bans.failed(call, answer.error.code, at)
    note(answer.error === undefined ? 'accepted' : 'failed', true)
    if (typeof fault?.reply === 'string') return fault.reply
    return { ...answer, headers: { ...usage, ...answer.headers } }
  }
}

/** All our own names are in lower case: a fault's header then replaces ours and does not stand beside it. */
function lowerCase(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
