import { createScheduler, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, it } from 'vitest'
import { checkAddresses } from '../../src/egress/addresses.ts'
import { Egress } from '../../src/egress/egress.ts'

const send = (ip: string) => async () => new Response(ip)

function egress(ips: readonly string[]) {
  const clock = virtualClock()
  const limits = [tokenBucket({ name: 'ip', limit: 1, windowMs: 1_000, by: ['exchange', 'ip', 'endpoint'] })]
  const scheduler = createScheduler({ limits, clock, coldStart: 'full' })
  const addresses = checkAddresses(
    'createTest',
    ips.map(ip => ({ ip, fetch: send(ip) })),
  )
  const holds = () => scheduler.snapshot().holds.map(({ labels, name }) => [labels['ip'], name])
  return { clock, scheduler, holds, egress: new Egress('test', addresses, scheduler) }
}

describe('ways', () => {
  it('of one address have no alternatives', () => {
    const it = egress(['a']).egress
    expect(it.ways({ endpoint: 'x' })).toStrictEqual({ labels: { exchange: 'test', ip: 'a', endpoint: 'x' } })
    expect(it.labels).toStrictEqual({ exchange: 'test', ip: 'a' })
  })

  it('of several are one for each, frozen', async () => {
    const it = egress(['a', 'b', 'c']).egress
    const { labels, alternatives = [] } = it.ways({ uid: 'u' })
    expect([labels, ...alternatives]).toStrictEqual(['a', 'b', 'c'].map(ip => ({ exchange: 'test', ip, uid: 'u' })))
    for (const each of [labels, alternatives, ...alternatives]) expect(Object.isFrozen(each)).toBe(true)
    // What is said of all of them names none.
    expect(it.labels).toStrictEqual({ exchange: 'test' })
    for (const each of [labels, ...alternatives]) {
      expect(await (await it.fetchBy(each)?.('http://host'))?.text()).toBe(each['ip'])
    }
  })
})

describe('after a call without an answer', () => {
  const own = { endpoint: 'x' }

  it('another address is taken, if one lets the call go at once', () => {
    const it = egress(['a', 'b', 'c'])
    const ways = it.egress.ways(own)
    const [b, c] = ways.alternatives ?? []
    expect(it.egress.waysAfter(ways, ways.labels)).toStrictEqual({ labels: b, alternatives: [c] })
    it.scheduler.hold({ ip: 'b' }, { forMs: 1_000, reason: 'test' })
    expect(it.egress.waysAfter(ways, ways.labels)).toStrictEqual({ labels: c })
  })

  it('whichever lets it go first, if none does', () => {
    const it = egress(['a', 'b'])
    const ways = it.egress.ways(own)
    it.scheduler.hold({ ip: 'b' }, { forMs: 1_000, reason: 'test' })
    expect(it.egress.waysAfter(ways, ways.labels)).toStrictEqual({
      labels: ways.alternatives?.[0],
      alternatives: [ways.labels],
    })
  })

  it('the only address is taken again', () => {
    const it = egress(['a']).egress
    const ways = it.ways(own)
    expect(it.waysAfter(ways, ways.labels)).toStrictEqual(ways)
  })
})

describe('an address is taken for dead', () => {
  const a = { exchange: 'test', ip: 'a' }

  it('when five calls in a row were not answered, or one could not leave', () => {
    const it = egress(['a', 'b'])
    for (let i = 0; i < 4; i++) it.egress.missed(a, true, 'TIMEOUT')
    it.egress.heard(a)
    for (let i = 0; i < 4; i++) it.egress.missed(a, true, 'TIMEOUT')
    expect(it.holds()).toStrictEqual([])
    it.egress.missed(a, true, 'TIMEOUT')
    expect(it.holds()).toStrictEqual([['a', 'no answer by this address: TIMEOUT']])
    const other = egress(['a', 'b'])
    other.egress.missed(a, false, 'ECONNREFUSED')
    expect(other.holds()).toStrictEqual([['a', 'no answer by this address: ECONNREFUSED']])
  })

  it('never the last one, and never the only one', () => {
    const it = egress(['a', 'b'])
    it.egress.missed(a, false, 'ECONNREFUSED')
    it.egress.missed({ ...a, ip: 'b' }, false, 'ECONNREFUSED')
    expect(it.holds()).toHaveLength(1)
    const one = egress(['a'])
    one.egress.missed(a, false, 'ECONNREFUSED')
    expect(one.holds()).toStrictEqual([])
  })

  it('once: a probe that is not answered lengthens the hold by itself', () => {
    const it = egress(['a', 'b'])
    it.scheduler.hold({ exchange: 'test', ip: 'a' }, { forMs: 60_000, reason: 'banned' })
    it.egress.missed(a, false, 'ECONNREFUSED')
    expect(it.holds()).toStrictEqual([['a', 'banned']])
  })
})
