import type { Gate, Peer, Rule } from '../peers/peer.ts'
import type { Case, Row } from './row.ts'

interface WaitingCase extends Case {
  readonly calls: number
  readonly keys: number
}

const RULES: readonly Rule[] = [
  { name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] },
  { name: 'ip', limit: 1_000, windowMs: 1_000, by: ['ip'] },
]
/** Timers of one call each, and a turn of the event loop for each timer: beyond it, the clock costs more than the limiter. */
const MOST_FOR_OTHERS = 100_000

const thousands = (value: number) => value.toLocaleString('en')

export const manyWaiting: Row<WaitingCase> = {
  name: 'waiting',
  title: 'Cost of a call when very many wait',
  about:
    'All calls come at once, ten a key, under 5 a second for each key and 1,000 a second for all together, and wait until they have gone; ' +
    'virtual time. Microseconds of the main thread a call, from its coming to its end, the faked clock included. Target: flat, a million at ' +
    'most 1.5 times ten thousand.',
  cases: quick =>
    (quick ? [1_000] : [10_000, 100_000, 1_000_000]).map(calls => ({
      name: `${thousands(calls)} calls over ${thousands(calls / 10)} keys`,
      calls,
      keys: calls / 10,
    })),
  asks: (peer, { calls }) => peer.package === undefined || calls <= MOST_FOR_OTHERS,
  async measure(peer, { calls, keys }) {
    const { fakeTime } = await import('../world/fake-time.ts')
    using time = fakeTime()
    const contender = await peer.open(RULES)
    const gates = Array.from({ length: keys }, (_, i) => contender.gate({ uid: `u${i}`, ip: 'a' }))
    let done = 0
    const task = () => {
      done++
    }
    const before = process.threadCpuUsage()
    for (let i = 0; i < calls; i++) void (gates[i % keys] as Gate)(task)
    // Fixed windows need no longer than sliding ones.
    const mostMs = (calls / 1_000) * 1_000 * 5 + 20_000
    for (let passed = 0; done < calls && passed < mostMs; passed += 1_000) await time.advance(1_000)
    const used = process.threadCpuUsage(before)
    if (done < calls) throw new Error(`${calls - done} calls still wait`)
    return { us: (used.user + used.system) / calls }
  },
  columns: [
    {
      title: 'waiting',
      figure: 'us',
      show: us => `${us.toFixed(1)} µs`,
      hasRatio: true,
      target(_, figures) {
        const first = [...figures.values()][0]?.get('Headgate')?.['us']
        return first === undefined ? '' : `${(1.5 * first).toFixed(1)} µs`
      },
    },
  ],
}

interface JudgingCase extends Case {
  readonly lanes: number
  readonly forMs: number
}

export const judgements: Row<JudgingCase> = {
  name: 'judgements',
  title: 'Judgements of a call behind two saturated limits',
  about:
    'Every lane always has calls waiting, under 500 in 10 s and 1,000 in 60 s shared by all. How often a call is judged for each that goes. ' +
    'Target: at most 3. The others do not judge a call against several limits at once.',
  cases: quick =>
    (quick ? [60] : [6_000]).map(lanes => ({ name: `${thousands(lanes)} lanes`, lanes, forMs: lanes * 100 })),
  asks: (peer: Peer) => peer.package === undefined,
  async measure(peer, { lanes, forMs }) {
    const { fakeTime } = await import('../world/fake-time.ts')
    const { ordinaryNetwork } = await import('../world/network.ts')
    using time = fakeTime()
    const contender = await peer.open([
      { name: 'a', limit: 500, windowMs: 10_000, by: ['a'] },
      { name: 'b', limit: 1_000, windowMs: 60_000, by: ['b'] },
    ])
    const oneWayMs = ordinaryNetwork(1)
    let isOver = false
    const go = async (gate: Gate) => {
      while (!isOver) await gate(() => time.sleep(oneWayMs() + oneWayMs()))
    }
    for (let i = 0; i < lanes; i++) {
      const gate = contender.gate({ a: '1', b: '1', uid: `u${i}` })
      for (let width = 0; width < 2; width++) void go(gate)
    }
    await time.advance(forMs)
    isOver = true
    const counters = contender.counters?.()
    if (counters === undefined) throw new Error('it counts nothing')
    return { each: counters.judgements / counters.admitted }
  },
  columns: [{ title: 'judgements', figure: 'each', show: each => each.toFixed(2), hasRatio: false, target: () => '3' }],
}
