import { expect, test } from 'vitest'
import { Routes } from '../../src/limits/routes.ts'

const HOUR_MS = 3_600_000

test('a route is an exchange as seen from one address; labels that are missing count as one value', () => {
  const routes = new Routes(() => 0)
  const route = routes.of({ exchange: 'x', ip: 'a', uid: '1' })
  expect(routes.of({ ip: 'a', exchange: 'x', uid: '2' })).toBe(route)
  const others = [{ exchange: 'y', ip: 'a' }, { exchange: 'x', ip: 'b' }, { exchange: 'x' }, { ip: 'a' }, {}]
  const all = new Set([route, ...others.map(labels => routes.of(labels))])
  expect(all.size).toBe(6)
  expect(routes.of({ uid: '3' })).toBe(routes.of({}))
})

test('routes that nobody uses any more are dropped as others come, those with a call under way are not', () => {
  let nowMs = 0
  const routes = new Routes(() => nowMs)
  const old = Array.from({ length: 10 }, (_, i) => routes.of({ exchange: `x${i % 2}`, ip: `${i}` }))
  const busy = routes.of({ exchange: 'x', ip: 'busy' })
  busy.inFlight = 1
  nowMs = HOUR_MS + 1
  for (let i = 0; i < 12; i++) routes.of({ exchange: 'new', ip: `${i}` })
  expect(old.every(route => route.dropped)).toBe(true)
  expect(busy.dropped).toBe(false)
  expect(routes.of({ exchange: 'x', ip: 'busy' })).toBe(busy)
  expect(routes.of({ exchange: 'x0', ip: '0' })).not.toBe(old[0])
})
