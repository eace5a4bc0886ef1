import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CountedCall, checkWindow, checkWindows } from '../../src/testing/window-checker.ts'
import { runs } from '../support/runs.ts'

const windowMs = fc.integer({ min: 1, max: 50 })
const limit = fc.nat(10)
const cost = fc.integer({ min: 0, max: 4 })
// Whole and half milliseconds, few of them, so that distances of exactly one window come up often.
const gridMs = fc.integer({ min: -100, max: 100 }).map(n => n / 2)
const call = fc.record({ atMs: gridMs, cost }, { requiredKeys: ['atMs'] })
const calls = fc.array(call, { maxLength: 60 })

/** From the definition, in O(n²): for each call, all that lie in [its time, its time + window). */
function naivePeak(counts: readonly CountedCall[], windowMs: number): number {
  const inWindowFrom = (fromMs: number) =>
    counts.filter(c => c.atMs >= fromMs && c.atMs < fromMs + windowMs).reduce((sum, c) => sum + (c.cost ?? 1), 0)
  return Math.max(0, ...counts.map(c => inWindowFrom(c.atMs)))
}

test('agrees with the definition', () => {
  fc.assert(
    fc.property(calls, limit, windowMs, (counts, limit, windowMs) => {
      const report = checkWindow(counts, { limit, windowMs })
      const peak = naivePeak(counts, windowMs)
      expect(report).toMatchObject({
        peak,
        ok: peak <= limit,
        total: counts.reduce((sum, c) => sum + (c.cost ?? 1), 0),
      })
      expect(report.worst?.count ?? 0).toBe(peak)
      if (report.worst) {
        const { fromMs, toMs } = report.worst
        const shown = counts.filter(c => c.atMs >= fromMs && c.atMs < toMs)
        expect(shown.reduce((sum, c) => sum + (c.cost ?? 1), 0)).toBe(peak)
      }
    }),
    runs(2000),
  )
})

test('no window at any place holds more than the peak', () => {
  fc.assert(
    fc.property(calls, windowMs, fc.double({ min: -120, max: 120, noNaN: true }), (counts, windowMs, fromMs) => {
      const held = counts
        .filter(c => c.atMs >= fromMs && c.atMs < fromMs + windowMs)
        .reduce((sum, c) => sum + (c.cost ?? 1), 0)
      expect(held).toBeLessThanOrEqual(checkWindow(counts, { limit: 0, windowMs }).peak)
    }),
    runs(1000),
  )
})

test('noise far below the epsilon and any order change nothing', () => {
  const noisy = calls.chain(counts =>
    fc.record({
      counts: fc.constant(counts),
      noise: fc.array(fc.double({ min: -1e-9, max: 1e-9, noNaN: true }), {
        minLength: counts.length,
        maxLength: counts.length,
      }),
      order: fc.shuffledSubarray(
        counts.map((_, i) => i),
        { minLength: counts.length },
      ),
    }),
  )
  fc.assert(
    fc.property(noisy, windowMs, ({ counts, noise, order }, windowMs) => {
      const moved = order.map(i => ({ ...counts[i], atMs: (counts[i]?.atMs ?? 0) + (noise[i] ?? 0) }))
      expect(checkWindow(moved, { limit: 1, windowMs }).peak).toBe(naivePeak(counts, windowMs))
    }),
    runs(1000),
  )
})

test('keyed: the violations are those of each group by itself', () => {
  const value = fc.constantFrom('1', '2', '1,2', '2,1')
  const labels = fc.record({ uid: value, ip: value }, { requiredKeys: [] })
  const events = fc.array(fc.record({ atMs: gridMs, cost, labels }), { maxLength: 60 })
  const by = fc.subarray(['uid', 'ip'])
  fc.assert(
    fc.property(events, by, limit, windowMs, (events, by, limit, windowMs) => {
      const rule = { name: 'rule', limit, windowMs, by }
      const violations = checkWindows(events, [rule])
      let broken = 0
      const seen: string[][] = []
      for (const { labels } of events) {
        const values = by.map(label => (labels as Record<string, string>)[label])
        if (values.includes(undefined) || seen.some(s => s.every((v, i) => v === values[i]))) continue
        seen.push(values as string[])
        const group = events.filter(e =>
          by.every((label, i) => (e.labels as Record<string, string>)[label] === values[i]),
        )
        const peak = naivePeak(group, windowMs)
        if (peak <= limit) continue
        broken++
        const mine = violations.filter(v => by.every((label, i) => v.labels[label] === values[i]))
        expect(mine).toMatchObject([{ rule, report: { ok: false, peak } }])
      }
      expect(violations).toHaveLength(broken)
    }),
    runs(1000),
  )
})
