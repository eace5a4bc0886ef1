import { expect, it } from 'vitest'
import { KEYS, world } from './support/exchange.ts'
import { settle } from './support/settle.ts'

const BALANCE = 'GET /openApi/swap/v3/user/balance'
const OTHER = { apiKey: 'key-6e52512bcd5c3b87', secretKey: 'secret-8e8a4148b1871297' }

it('a ban of two seconds amid traffic: nothing goes into it, nobody else feels it, and all are served after it, ramped', async () => {
  await using it = await world({
    accounts: [
      { uid: 'u1', ...KEYS },
      { uid: 'u2', ...OTHER },
    ],
  })
  const { account, bingx, clock, exchange, events } = it
  const other = bingx.account({ ...OTHER, uid: 'u2' })
  await settle(account.swap.balance(), clock, 1)

  const untilMs = exchange.ban({ exchange: 'bingx', endpoint: BALANCE, uid: 'u1', forMs: 2_000 }) - clock.epochMs()
  const endsAtMs = clock.nowMs() + untilMs
  const finder = account.swap.balance()
  while (!events.some(({ type }) => type === 'held')) await clock.advance(1)
  const heldAtMs = clock.nowMs()
  const waiting = Array.from({ length: 24 }, () => account.swap.balance())
  const free = [
    ...Array.from({ length: 8 }, () => other.swap.balance()),
    ...Array.from({ length: 8 }, () => account.spot.balance()),
  ]
  // In two seconds eight calls fit under five a second: as if there were no ban.
  await settle(Promise.all(free), clock, 10)
  expect(clock.nowMs()).toBeLessThan(endsAtMs)

  expect(await settle(Promise.all([finder, ...waiting]), clock, 10)).toHaveLength(25)
  const banned = exchange.log().filter(({ uid, endpoint }) => uid === 'u1' && endpoint === BALANCE)
  expect(banned.filter(({ atMs }) => atMs > heldAtMs && atMs < endsAtMs)).toStrictEqual([])
  expect(exchange.stats()).toMatchObject({ intoBan: 1, refused: 1, accepted: 1 + 25 + 16 })
  // One probe; then two at once, for the first answer lets one more be in flight.
  const after = banned.filter(({ atMs }) => atMs >= endsAtMs).map(({ atMs }) => atMs)
  const flights = [...new Set(after)].map(atMs => after.filter(each => each === atMs).length)
  expect(flights.slice(0, 2)).toStrictEqual([1, 2])
  expect(Math.max(...flights)).toBeLessThanOrEqual(5)
})
