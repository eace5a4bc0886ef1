import type { Ledger } from '../ports/ledger.ts'
import { sharedLimit, sharedUsage, shareOfLimit } from './share.ts'

/**
 * A ledger that gives out a share of every limit, for processes that use a server's limits together and know nothing of each
 * other. What the ledger within never learns: a limit's whole size, whether documented, set, or told by headers.
 */
export function sharedLedger(ledger: Ledger, share: number): Ledger {
  return {
    open(setup) {
      const limits = new Map(setup.limits.map(limit => [limit.name, limit]))
      const changed = new Map<string, number>()
      const session = ledger.open({ ...setup, limits: setup.limits.map(limit => sharedLimit(limit, share)) })
      const within = { setLimit: session.setLimit.bind(session), usage: session.usage.bind(session) }
      // A session belongs to the scheduler that opened it: two methods take the way round, all others cost nothing.
      session.setLimit = (name, whole, nowMs) => {
        changed.set(name, whole)
        const limit = limits.get(name)
        within.setLimit(name, limit === undefined ? whole : shareOfLimit(limit, whole, share), nowMs)
      }
      session.usage = (ticket, nowMs, seen) => {
        const whole = changed.get(seen.limit) ?? limits.get(seen.limit)?.limit
        if (whole === undefined) return within.usage(ticket, nowMs, seen)
        const documented = typeof whole === 'number' ? whole : whole(ticket.passage.labels)
        within.usage(ticket, nowMs, sharedUsage(seen, documented, share))
      }
      return session
    },
  }
}
