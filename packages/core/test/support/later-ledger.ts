import { type Clock, type Ledger, type LedgerSession, memoryLedger } from '@headgate/core'

/**
 * The ledger in memory, as far away as one in Redis: heads travel `delayMs()` to it, are judged and charged there in one
 * step, and the decisions travel back as long. Everything else is known at once.
 */
export function laterLedger(clock: Clock, delayMs: () => number): Ledger {
  return {
    open(setup) {
      const session = memoryLedger().open(setup)
      const decide: LedgerSession['decide'] = heads =>
        new Promise((resolve, reject) => {
          clock.setTimer(() => {
            try {
              const decisions = session.decide(heads, clock.nowMs())
              clock.setTimer(() => resolve(decisions), delayMs())
            } catch (error) {
              reject(error)
            }
          }, delayMs())
        })
      return new Proxy(session, {
        get(target, name) {
          if (name === 'decide') return decide
          return (Reflect.get(target, name) as (...args: unknown[]) => unknown).bind(target)
        },
      })
    },
  }
}
