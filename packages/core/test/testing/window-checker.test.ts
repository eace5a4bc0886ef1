import { describe, expect, test } from 'vitest'
import { checkWindow, checkWindows } from '../../src/testing/window-checker.ts'

const at = (...times: number[]) => times.map(atMs => ({ atMs }))
const twoPerSecond = { limit: 2, windowMs: 1000 }

describe('checkWindow', () => {
  test('nothing counted breaks nothing', () => {
    expect(checkWindow([], { limit: 0, windowMs: 1 })).toStrictEqual({ ok: true, peak: 0, total: 0 })
  })

  test.each([
    ['the limit exactly', at(0, 999), 2, true],
    ['one more', at(0, 500, 999), 3, false],
    ['one more, exactly a window later', at(0, 500, 1000), 2, true],
    ['one more, within rounding noise of a window later', at(0, 500, 1000 - 1e-7), 2, true],
    ['one more, a microsecond early', at(0, 500, 999.999), 3, false],
    ['across the edge of a fixed window', at(900, 950, 1001), 3, false],
    ['all at one instant', at(7, 7, 7), 3, false],
    ['not in order', at(999, 5000, 0, 500), 3, false],
    ['before zero', at(-1500, -501, -500), 2, true],
    ['a sum of tenths', at(...Array.from({ length: 21 }, (_, i) => i).map(i => 0.1 * i * 5000)), 2, true],
  ])('%s', (_, counts, peak, ok) => {
    expect(checkWindow(counts, twoPerSecond)).toMatchObject({ peak, ok, total: counts.length })
  })

  test('costs count, 0 among them', () => {
    const counts = [
      { atMs: 0, cost: 2 },
      { atMs: 1, cost: 0 },
      { atMs: 999, cost: 3 },
    ]
    expect(checkWindow(counts, { limit: 4, windowMs: 1000 })).toStrictEqual({
      ok: false,
      peak: 5,
      worst: { fromMs: 0, toMs: 1000, count: 5 },
      total: 5,
    })
  })

  test('the first of the fullest windows is shown', () => {
    expect(checkWindow(at(0, 5000, 5100, 9000, 9900), twoPerSecond).worst).toStrictEqual({
      fromMs: 5000,
      toMs: 6000,
      count: 2,
    })
  })

  test('without an epsilon it is exact to the last bit', () => {
    expect(checkWindow(at(0, 500, 1000 - 1e-7), twoPerSecond, 0).ok).toBe(false)
    expect(checkWindow(at(0, 500, 1000), twoPerSecond, 0).ok).toBe(true)
  })

  test('the input stays as it was', () => {
    const counts = Object.freeze(at(2, 1, 3))
    checkWindow(counts, twoPerSecond)
    expect(counts).toStrictEqual(at(2, 1, 3))
  })

  test.each([
    ['atMs', () => checkWindow(at(Number.NaN), twoPerSecond)],
    ['atMs', () => checkWindow(at(0, Number.POSITIVE_INFINITY), twoPerSecond)],
    ['cost', () => checkWindow([{ atMs: 0, cost: Number.NaN }], twoPerSecond)],
    ['cost', () => checkWindow([{ atMs: 0, cost: -1 }], twoPerSecond)],
    ['cost', () => checkWindow([{ atMs: 0, cost: 0.5 }], twoPerSecond)],
    ['limit', () => checkWindow([], { limit: Number.NaN, windowMs: 1000 })],
    ['windowMs', () => checkWindow([], { limit: 1, windowMs: Number.NaN })],
    ['windowMs', () => checkWindow([], { limit: 1, windowMs: 0 })],
    ['epsilonMs', () => checkWindow([], { limit: 1, windowMs: 1 }, 1)],
    ['limit', () => checkWindows([], [{ name: 'x', limit: Number.NaN, windowMs: 1, by: [] }])],
  ])('a senseless %s throws instead of passing', (name, run) => {
    expect(run).toThrow(TypeError)
    expect(run).toThrow(name)
  })
})

describe('checkWindows', () => {
  const perUid = { name: 'uid', limit: 1, windowMs: 1000, by: ['uid', 'endpoint'] }
  const perIp = { name: 'ip', limit: 2, windowMs: 1000, by: ['ip'] }
  const call = (atMs: number, labels: Record<string, string>) => ({ atMs, labels })

  test('values are counted apart, labels that a rule does not name together', () => {
    const events = [
      call(0, { ip: 'a', uid: '1', endpoint: 'x' }),
      call(1, { ip: 'a', uid: '1', endpoint: 'y' }),
      call(2, { ip: 'a', uid: '2', endpoint: 'x' }),
      call(3, { ip: 'b', uid: '3', endpoint: 'x' }),
    ]
    expect(checkWindows(events, [perUid, perIp])).toStrictEqual([
      {
        rule: perIp,
        labels: { ip: 'a' },
        report: { ok: false, peak: 3, worst: { fromMs: 0, toMs: 1000, count: 3 }, total: 3 },
      },
    ])
  })

  test('a call without one of the labels is not counted', () => {
    expect(checkWindows([call(0, { uid: '1' }), call(0, { uid: '1' }), call(0, { endpoint: 'x' })], [perUid])).toEqual(
      [],
    )
    expect(checkWindows([call(0, {}), call(0, {})], [{ ...perIp, limit: 0, by: ['constructor'] }])).toEqual([])
  })

  test('values that look alike when joined are still apart', () => {
    const events = [
      call(0, { uid: '1","2', endpoint: '3' }),
      call(0, { uid: '1', endpoint: '2","3' }),
      call(0, { uid: '1,2', endpoint: '3' }),
      call(0, { uid: '1', endpoint: '2,3' }),
    ]
    expect(checkWindows(events, [perUid])).toEqual([])
  })

  test('a rule by nothing counts all calls together', () => {
    const all = { name: 'all', limit: 1, windowMs: 1000, by: [] }
    expect(checkWindows([call(0, { uid: '1' }), call(0, {})], [all])).toMatchObject([
      { labels: {}, report: { peak: 2 } },
    ])
  })

  test('each broken rule and each set of values is told', () => {
    const events = ['1', '1', '2', '2', '3'].map(uid => call(0, { ip: 'a', uid, endpoint: 'x' }))
    const told = checkWindows(events, [perUid, perIp]).map(v => [v.rule.name, v.labels, v.report.peak])
    expect(told).toEqual([
      ['uid', { uid: '1', endpoint: 'x' }, 2],
      ['uid', { uid: '2', endpoint: 'x' }, 2],
      ['ip', { ip: 'a' }, 5],
    ])
  })
})
