import { createScheduler, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { expect, test } from 'vitest'
import { Route } from '../../src/limits/route.ts'
import { bucketOf } from '../support/buckets.ts'

const HEAVY = tokenBucket({ name: 'heavy', limit: 4, windowMs: 1_000, by: ['uid'], cost: () => 2 })
const PLAIN = tokenBucket({ name: 'plain', limit: 10, windowMs: 1_000, by: ['uid'] })

test.each([
  ['named by nobody', undefined, { heavy: 0, plain: 8 }],
  ['of the request', 3, { heavy: 0, plain: 4 }],
  ['of the request, by limit', { heavy: 1, plain: 4 }, { heavy: 0, plain: 2 }],
])("a limit's own cost wins, beside a limit that has none: cost %s", (_, cost, left) => {
  const clock = virtualClock()
  const scheduler = createScheduler({ limits: [HEAVY, PLAIN], clock, coldStart: 'full' })
  for (let i = 0; i < 3; i++) {
    const request = { labels: { uid: '1' }, ...(cost !== undefined && { cost }) }
    void scheduler.schedule(request, () => new Promise(() => undefined))
  }
  const { buckets, counters } = scheduler.snapshot()
  expect(Object.fromEntries(buckets.map(({ name, free }) => [name, free]))).toEqual(left)
  expect(counters).toMatchObject({ running: 2, queued: 1 })
})

test('a probe takes the place of a lost call; a call that has its tokens takes nobody’s', () => {
  const on = bucketOf()
  const route = new Route(0)
  on.drawnBy(route, 0)
  route.lose(on, 2, 0, 60_000, 5_000)
  on.take(1, 67_000)
  expect(on).toMatchObject({ silent: 2, inFlight: 1 })
  on.take(1, 67_000)
  expect(on).toMatchObject({ silent: 1, inFlight: 2 })
})

test('two routes have no floor, however quick the one that drew last', () => {
  const on = bucketOf()
  for (let i = 0; i < 2; i++) {
    const route = new Route(0)
    for (let answer = 0; answer < 40; answer++) route.floor.add(100, 0)
    on.drawnBy(route, 0)
    on.take(1, 0)
  }
  on.giveBackAfter(100, 2)
  expect([on.free(1_100), on.free(1_101)]).toEqual([1, 3])
})
