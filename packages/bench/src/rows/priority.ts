import { seededRandom } from '@headgate/core/testing'
import { quantile } from 'simple-statistics'
import type { Rule } from '../peers/peer.ts'
import { ordinaryNetwork } from '../world/network.ts'
import type { Case, Row } from './row.ts'

interface PriorityCase extends Case {
  readonly rule: Rule
  readonly forMs: number
}

const rule = (limit: number, windowMs: number): Rule => ({ name: 'uid', limit, windowMs, by: ['uid'] })
/** Calls of low priority that always wait or are under way. */
const CROWD = 100
const HIGH = 5

export const priority: Row<PriorityCase> = {
  name: 'priority',
  title: 'Wait of an urgent call while a hundred others wait',
  about:
    'Virtual time, the network as above. A call of high priority comes every second or so (0.5 to 1.5 s) while 100 of low priority always wait. ' +
    'Its wait in intervals of one token (window / limit): a limiter that hands out tokens in bunches is late by more than one. Those ' +
    'without priorities serve first come, first served.',
  cases: quick =>
    [rule(10, 1_000), rule(100, 10_000), rule(1, 200)].map(each => ({
      name: `${each.limit} in ${each.windowMs / 1_000} s`,
      rule: each,
      forMs: quick ? 3_000 : 600_000,
    })),
  asks: () => true,
  async measure(peer, of) {
    const { fakeTime } = await import('../world/fake-time.ts')
    using time = fakeTime()
    const contender = await peer.open([of.rule])
    const random = seededRandom(1)
    const oneWayMs = ordinaryNetwork(2)
    const gate = contender.gate({ uid: 'u', exchange: 'x', ip: 'a' })
    const work = () => time.sleep(oneWayMs() + oneWayMs())
    let isOver = false
    const crowd = async () => {
      while (!isOver) await gate(work).catch(() => undefined)
    }
    for (let i = 0; i < CROWD; i++) void crowd()
    const waits: number[] = []
    const urgent = async () => {
      const askedAtMs = time.nowMs()
      await gate(() => {
        waits.push(time.nowMs() - askedAtMs)
        return work()
      }, HIGH)
    }
    const urgents = async () => {
      while (!isOver) {
        await time.sleep(500 + Math.round(1_000 * random()))
        void urgent().catch(() => undefined)
      }
    }
    void urgents()
    await time.advance(of.forMs)
    isOver = true
    // One that still waits has waited at least so long: left out, a limiter that starves them would look good.
    const intervalMs = of.rule.windowMs / of.rule.limit
    if (waits.length === 0) return { p50: of.forMs / intervalMs, p99: of.forMs / intervalMs }
    return { p50: quantile(waits, 0.5) / intervalMs, p99: quantile(waits, 0.99) / intervalMs }
  },
  columns: [
    { title: 'wait, p50', figure: 'p50', show: waits => waits.toFixed(2), hasRatio: false },
    { title: 'wait, p99', figure: 'p99', show: waits => waits.toFixed(2), hasRatio: false },
  ],
}
