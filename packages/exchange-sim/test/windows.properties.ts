import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type AppliedLimit, createLimitBook } from '../src/limit-book.ts'
import { runs } from './runs.ts'

const limits: AppliedLimit[] = [
  { exchange: 'bingx', name: 'short', key: 'a', limit: 3, windowMs: 10 },
  { exchange: 'bingx', name: 'long', key: 'a', limit: 7, windowMs: 50 },
]

const gaps = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 200 })

test('a call is let in exactly when every window, recounted from the whole history, has room', () => {
  fc.assert(
    fc.property(gaps, steps => {
      const book = createLimitBook({ countRefused: false })
      const counted: number[] = []
      let nowMs = 0
      for (const gap of steps) {
        nowMs += gap
        const room = limits.every(
          ({ limit, windowMs }) => counted.filter(atMs => nowMs - atMs < windowMs).length < limit,
        )
        expect(book.admit(limits, nowMs)).toBe(room)
        if (room) counted.push(nowMs)
      }
      for (const stats of book.stats()) expect(stats.accepted).toBe(counted.length)
    }),
    runs,
  )
})

test('when refused calls count too, a call is let in exactly when all calls before it leave room', () => {
  fc.assert(
    fc.property(gaps, steps => {
      const book = createLimitBook({ countRefused: true })
      const arrived: number[] = []
      let nowMs = 0
      for (const gap of steps) {
        nowMs += gap
        const room = limits.every(
          ({ limit, windowMs }) => arrived.filter(atMs => nowMs - atMs < windowMs).length < limit,
        )
        expect(book.admit(limits, nowMs)).toBe(room)
        arrived.push(nowMs)
      }
    }),
    runs,
  )
})
