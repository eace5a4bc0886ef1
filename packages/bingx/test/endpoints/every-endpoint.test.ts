import type { GateState, Labels } from '@headgate/core'
import { describe, expect, it } from 'vitest'
import { world } from '../support/exchange.ts'
import { type Fact, facts } from '../support/facts.ts'
import { recording } from '../support/recording.ts'
import { settle } from '../support/settle.ts'

const KLINES = 'GET /openApi/swap/v3/quote/klines'
const isPublic = ({ name, uidLimits }: Fact) => uidLimits.length === 0 || name === KLINES

/** Values per IP in force since 2025-09-10 (docs-v3, 2025-10; support article 31103871611289). */
function expectedOf(fact: Fact): string[] {
  const { uidLimits, groups, name } = fact
  const group = isPublic(fact) || groups.includes('1') ? '1' : (groups[0] ?? '2')
  const ofGroup =
    group === '1'
      ? [`500 for exchange=bingx ip=default group=1`, `1000 for exchange=bingx ip=default group=1`]
      : [`300 for exchange=bingx ip=default endpoint=${name}`, `2000 for exchange=bingx ip=default group=${group}`]
  return isPublic(fact)
    ? [`500 for exchange=bingx ip=default endpoint=${name}`, ...ofGroup]
    : [`${Math.min(...uidLimits)} for exchange=bingx uid=u1 endpoint=${name}`, ...ofGroup]
}

const told = (gates: readonly GateState[]) =>
  gates
    .filter(({ kind }) => kind === 'bucket')
    .map(({ limit, labels }) => {
      const of = Object.entries(labels).map(([name, value]) => `${name}=${value}`)
      return `${limit} for ${of.join(' ')}`
    })

describe('account.call', () => {
  it.each(facts)('$name is under its documented limits, and no others', async fact => {
    const { account, scheduler, clock, labels, sent } = recording()
    await settle(account.call(fact.name), clock, 1)
    await settle(account.call(fact.name), clock, 1)
    // One object, whatever the number of calls.
    expect(labels.size).toBe(1)
    const { gates } = scheduler.explain({ labels: [...labels][0] as Labels })
    expect(told(gates).sort()).toEqual(expectedOf(fact).sort())
    expect(sent).toHaveLength(2)
    for (const { method, url, apiKey } of sent) {
      expect(`${method} ${url.pathname}`).toBe(fact.name)
      expect(apiKey === null).toBe(isPublic(fact))
      expect(url.searchParams.has('signature')).toBe(!isPublic(fact))
    }
  })
})

describe('bingx.call', () => {
  it.each(facts.filter(isPublic))('$name is market data, under the labels that an account uses too', async fact => {
    const { bingx, account, scheduler, clock, labels } = recording()
    await settle(bingx.call(fact.name), clock, 1)
    await settle(account.call(fact.name), clock, 1)
    expect(labels.size).toBe(1)
    const { gates } = scheduler.explain({ labels: [...labels][0] as Labels })
    expect(told(gates).sort()).toEqual(expectedOf(fact).sort())
  })

  it.each(facts.filter(fact => !isPublic(fact)))('$name is refused before anything is sent', async ({ name }) => {
    const { bingx, sent, labels } = recording()
    await expect(bingx.call(name)).rejects.toThrow(
      new TypeError(`bingx.call("${name}"): expected a public endpoint, got a signed one, which account.call is for`),
    )
    expect([...sent, ...labels]).toEqual([])
  })
})

describe('over time', () => {
  it.each([
    ['GET /openApi/subAccount/v1/list', 1],
    ['POST /openApi/swap/v2/trade/cancelAllAfter', 1],
    ['GET /openApi/fund/v1/account/balance', 2],
    ['DELETE /openApi/swap/v2/trade/order', 5],
    ['GET /openApi/swap/v2/trade/forceOrders', 10],
    ['GET /openApi/agent/v2/reward/commissionDataList', 20],
  ])('%s: at most %i in any second of one account, and as many for another', async (name, perSecond) => {
    const { bingx, account, clock, sent } = recording()
    const other = bingx.account({ apiKey: 'another-key', secretKey: 'another-secret', uid: 'u2' })
    const calls = Array.from({ length: 3 * perSecond }, () => [account.call(name), other.call(name)]).flat()
    await settle(Promise.all(calls), clock, 5)
    for (const key of new Set(sent.map(({ apiKey }) => apiKey))) {
      const times = sent.filter(({ apiKey }) => apiKey === key).map(({ atMs }) => atMs)
      expect(times).toHaveLength(3 * perSecond)
      times.forEach((atMs, i) => {
        const earlier = times[i - perSecond]
        if (earlier !== undefined) expect(atMs - earlier).toBeGreaterThanOrEqual(1000)
      })
      // And no slower than that.
      expect((times.at(-1) as number) - (times[0] as number)).toBeLessThan(2100)
    }
  })
})

describe('against a stand-in with a table of its own', () => {
  it('nothing is refused: more of every endpoint at once than a second allows', async () => {
    await using it = await world()
    const { account, clock, exchange } = it
    let calls = 0
    // Some at a time, and in small steps of time: a signature must not grow old while it is under way.
    for (let i = 0; i < facts.length; i += 20) {
      const names = facts
        .slice(i, i + 20)
        .flatMap(fact => Array<string>(isPublic(fact) ? 2 : Math.min(...fact.uidLimits) + 1).fill(fact.name))
      calls += names.length
      await settle(Promise.all(names.map(name => account.call(name))), clock, 1)
    }
    expect(exchange.stats()).toMatchObject({ accepted: calls, refused: 0, unknown: 0, failed: 0 })
  })
})
