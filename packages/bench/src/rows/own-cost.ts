import type { Labels } from '@headgate/core'
import { Bench } from 'tinybench'
import type { Gate, Peer, Rule } from '../peers/peer.ts'
import type { Case, Row } from './row.ts'

/**
 * Nothing binds: more tokens than any of them can use up in a window, and more than all calls of a measurement, for p-throttle
 * keeps as many instants and moves them all once it has them (8.1.1: 1 ms a call at a million).
 */
const PLENTY = { limit: 1_000_000, windowMs: 250 }
const RULES: readonly Rule[] = [
  { name: 'uid', by: ['uid'], ...PLENTY },
  { name: 'group', by: ['group'], ...PLENTY },
  { name: 'ip', by: ['ip'], ...PLENTY },
]
/** Calls timed together: one takes less time than the clock can tell. Fewer of those that pass through timers. */
const BATCH = 1_000
const SLOW_BATCH = 20
const SLOW_MS = 0.2
const SLOW_ROUNDS = 3

interface OwnCostCase extends Case {
  readonly limits: number
  readonly keys: number
  readonly freshLabels: boolean
  readonly batches: number
}

export const ownCost: Row<OwnCostCase> = {
  name: 'cost',
  title: 'Own cost of a call when no limit binds',
  about:
    'Microseconds, the median of 200 batches of 1,000 calls one after the other, each awaited, after as many to warm up; the best of three ' +
    'processes; the task is an `async` function that does nothing. *Reused*: the same labels object (for those that know ' +
    'no keys, the same limiter in hand). *Fresh*: a new one for every call (for those that know no keys, the limiter looked up by its key). ' +
    'Targets: at most the best of the others with one limit and reused labels, at most twice that with three.',
  cases(quick) {
    const batches = quick ? 2 : 200
    const each = (limits: number, keys: number) =>
      [false, true].map(freshLabels => ({
        name: `${limits === 1 ? '1 limit' : `${limits} limits`}, ${keys === 1 ? '1 key' : `${keys.toLocaleString('en')} keys`}, ${freshLabels ? 'fresh' : 'reused'}`,
        limits,
        keys,
        freshLabels,
        batches,
      }))
    return [...each(1, 1), ...each(1, 1_000), ...each(3, 1), ...each(3, 1_000)]
  },
  rounds: 3,
  asks: () => true,
  async measure(peer, of) {
    const calls = await callsOf(peer, of)
    const isSlow = (await leastMs(calls)) > SLOW_BATCH * SLOW_MS
    const batch = isSlow ? SLOW_BATCH : BATCH
    const iterations = isSlow ? Math.ceil(of.batches / 100) : of.batches
    const bench = new Bench({ time: 0, warmupTime: 0, iterations, warmupIterations: iterations })
    bench.add('batch', async () => {
      for (let i = 0; i < batch; i++) await calls(i)
    })
    const [task] = await bench.run()
    const result = task?.result
    if (result === undefined || !('latency' in result)) throw new Error(`not measured: ${result?.state}`)
    return { us: (1_000 * result.latency.p50) / batch }
  },
  columns: [
    {
      title: 'limits, keys, labels',
      figure: 'us',
      show: us => `${us.toFixed(us < 10 ? 2 : 0)} µs`,
      hasRatio: true,
      target(name, figures) {
        if (name.includes('fresh')) return ''
        const others = [...(figures.get('1 limit, 1 key, reused') ?? [])].filter(([peer]) => peer !== 'Headgate')
        const best = Math.min(...others.map(([, measured]) => measured?.['us'] ?? Number.POSITIVE_INFINITY))
        return `${(best * (name.startsWith('1') ? 1 : 2)).toFixed(2)} µs`
      },
    },
  ],
}

/** Of a few first calls the quickest: another process may have the machine, and nothing is compiled yet. */
async function leastMs(calls: (i: number) => Promise<void>): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < SLOW_ROUNDS; round++) {
    const startedMs = performance.now()
    for (let i = 0; i < SLOW_BATCH; i++) await calls(i)
    least = Math.min(least, performance.now() - startedMs)
  }
  return least
}

async function callsOf(peer: Peer, { limits, keys, freshLabels }: OwnCostCase): Promise<(i: number) => Promise<void>> {
  const contender = await peer.open(RULES.slice(0, limits))
  const labels = Array.from({ length: keys }, (_, i): Labels => ({ uid: `u${i}`, group: 'g', ip: 'a' }))
  const task = async () => {}
  const of = (i: number) => labels[i % keys] as Labels
  if (freshLabels) return i => contender.gate({ ...of(i) })(task)
  const gates = labels.map(each => contender.gate(each))
  return i => (gates[i % keys] as Gate)(task)
}
