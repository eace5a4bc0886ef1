import { describe, expect, test } from 'vitest'
import { peers } from '../src/peers/index.ts'
import { report } from '../src/report.ts'
import { rows } from '../src/rows/index.ts'
import { Ages } from '../src/world/ages.ts'
import { ExactServer } from '../src/world/exact-server.ts'
import { fakeTime } from '../src/world/fake-time.ts'

/** Rows of processor time and memory need a process of their own, and say nothing here. */
const VIRTUAL = ['idle', 'judgements', 'pacing', 'priority', 'freshness']

describe('a row in virtual time measures every limiter', () => {
  for (const row of rows.filter(each => VIRTUAL.includes(each.name))) {
    const jobs = row.cases(true).flatMap(of => peers.filter(peer => row.asks(peer, of)).map(peer => ({ of, peer })))
    test.each(jobs)(`${row.name}, $of.name: $peer.name`, async ({ of, peer }) => {
      // ccxt takes hold of the clock when it is loaded: only the first world in a process is its own.
      if (peer.name === 'ccxt') return
      const figures = await row.measure(peer, of)
      for (const { figure } of row.columns) expect(figures[figure], figure).toSatisfy(Number.isFinite)
    })
  }
})

test('Headgate is never refused, and reads about as fresh as the ideal', async () => {
  const [headgate] = peers
  if (headgate === undefined) throw new Error('nobody to measure')
  const measure = async (name: string) => {
    const row = rows.find(each => each.name === name)
    const found = row?.cases(true) ?? []
    return Promise.all(found.slice(0, 1).map(of => row?.measure(headgate, of)))
  }
  expect(await measure('pacing')).toMatchObject([{ refused: 0 }])
  expect((await measure('freshness'))[0]?.['mean']).toBeLessThan(0.05)
})

test('every row can be asked for, and has a figure for each of its columns in the report', () => {
  expect(new Set(rows.map(row => row.name)).size).toBe(rows.length)
  const measured = rows.map(row => ({
    row,
    figures: new Map(
      row.cases(true).map(of => {
        const figures = Object.fromEntries(row.columns.map(({ figure }) => [figure, 2]))
        return [of.name, new Map(peers.filter(peer => row.asks(peer, of)).map(peer => [peer.name, figures]))] as const
      }),
    ),
  }))
  const text = report(measured, true)
  for (const row of rows) expect(text).toContain(`## ${row.title}`)
  expect(text).toContain('(×1.00)')
  expect(text).not.toMatch(/undefined|NaN/)
})

test('the server counts in exact sliding windows, and refused calls in none', () => {
  const server = new ExactServer([{ name: 'uid', limit: 2, windowMs: 100, by: ['uid'] }])
  const at = (nowMs: number) => server.arrive({ uid: '1' }, nowMs)
  expect([at(0), at(50), at(99), at(100), at(149), at(150)]).toEqual([true, true, false, true, false, true])
  expect(server).toMatchObject({ accepted: 4, refused: 2 })
})

test('ages: two readings 10 apart, each received 1 later', () => {
  const ages = new Ages(1, 10)
  ages.read(0, 0, 1)
  ages.read(0, 10, 11)
  // 10 to 11 of age 10 to 11, then 11 to 20 of age 1 to 10.
  expect(ages.until(20)).toEqual({ meanMs: (10.5 + 9 * 5.5) / 10, worstMs: 11 })
})

test('faked time: all that promises do happens between two timers', async () => {
  using time = fakeTime()
  const seen: string[] = []
  void time.sleep(5).then(async () => {
    await null
    seen.push('after the first')
  })
  void time.sleep(5).then(() => seen.push('the second'))
  await time.advance(5)
  expect(seen).toEqual(['after the first', 'the second'])
  expect(time.nowMs()).toBe(5)
})
