import type { Labels } from '@headgate/core'
import type { Gate, Heard, Rule } from '../peers/peer.ts'
import { ExactServer } from '../world/exact-server.ts'
import { ordinaryNetwork } from '../world/network.ts'
import type { Case, Row } from './row.ts'

interface PacingCase extends Case {
  readonly accounts: number
  readonly rules: readonly Rule[]
  readonly forMs: number
}

const ACCOUNT: Rule = { name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] }
const address = (limit: number): Rule => ({ name: 'ip', limit, windowMs: 10_000, by: ['ip'] })
/** Calls that each account always has waiting or under way: enough for any of them to use its share. */
const WIDTH = 8

export const pacing: Row<PacingCase> = {
  name: 'pacing',
  title: 'Refused, and quota used',
  about:
    'Virtual time. One way over the network: 10 ms + log-normal (median 5 ms, sigma 1). The server counts in exact sliding windows when calls ' +
    'arrive. Every account always has calls waiting. Promised: none refused.',
  cases(quick) {
    const length = quick ? { forMs: 3_000 } : { forMs: 200_000 }
    return [
      {
        name: '1 account, 5 in 1 s',
        accounts: 1,
        rules: [ACCOUNT],
        forMs: quick ? 3_000 : 2_000_000,
      },
      {
        name: '40 accounts, and 1,000 in 10 s for all',
        accounts: 40,
        rules: [ACCOUNT, address(1_000)],
        ...length,
      },
      {
        name: '60 accounts, and 300 in 10 s for all',
        accounts: 60,
        rules: [ACCOUNT, address(300)],
        ...length,
      },
    ]
  },
  asks: () => true,
  async measure(peer, of) {
    const { fakeTime } = await import('../world/fake-time.ts')
    using time = fakeTime()
    const contender = await peer.open(of.rules)
    const server = new ExactServer(of.rules)
    const oneWayMs = ordinaryNetwork(1)
    let isOver = false
    const go = async (gate: Gate, labels: Labels) => {
      const call = async (heard?: Heard) => {
        await time.sleep(oneWayMs())
        if (isOver) return
        const isAccepted = server.arrive(labels, time.nowMs())
        await time.sleep(oneWayMs())
        if (isOver) return
        heard?.counted()
        if (!isAccepted) heard?.refused()
      }
      while (!isOver) await gate(call).catch(() => undefined)
    }
    for (let i = 0; i < of.accounts; i++) {
      const labels = { uid: `u${i}`, ip: 'a', exchange: 'x' }
      const gate = contender.gate(labels)
      for (let width = 0; width < WIDTH; width++) void go(gate, labels)
    }
    await time.advance(of.forMs)
    isOver = true
    const { refused, accepted } = server
    return { refused: refused / (accepted + refused), used: accepted / quota(of) }
  },
  columns: [
    {
      title: 'refused',
      figure: 'refused',
      show: share => `${(100 * share).toFixed(2)} %`,
      hasRatio: false,
      target: () => '0',
    },
    { title: 'quota used', figure: 'used', show: share => `${(100 * share).toFixed(1)} %`, hasRatio: false },
  ],
}

/** The most that windows that begin empty let through; the last one begun counted whole. */
function quota({ accounts, rules, forMs }: PacingCase): number {
  const most = rules.map(
    ({ limit, windowMs, by }) => (by.includes('uid') ? accounts : 1) * limit * Math.ceil(forMs / windowMs),
  )
  return Math.min(...most)
}
