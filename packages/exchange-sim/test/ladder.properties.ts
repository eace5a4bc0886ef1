import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createBanBook } from '../src/ban-book.ts'
import { createLadder } from '../src/coinw/ladder.ts'
import type { IdentifiedCall } from '../src/dialect.ts'
import { runs } from './runs.ts'

// Small enough that a few hundred refusals climb to the top.
const rule = {
  uidRefusals: 3,
  ipRefusals: 100_000,
  windowMs: 100,
  warningMs: 1000,
  banMs: 300,
  uidBans: 2,
  ipBans: 100_000,
  historyMs: 8000,
  blacklistMs: 8000,
}

const call: IdentifiedCall = {
  exchange: 'coinw',
  endpoint: 'doTrade',
  signed: true,
  uid: 'u',
  ip: 'i',
  limits: [],
  answer: () => ({ status: 200, headers: {}, body: '' }),
}

// Mostly floods, now and then a pause that lets a warning or a blacklist run out.
const flood = { arbitrary: fc.integer({ min: 0, max: 30 }), weight: 40 }
const pause = { arbitrary: fc.integer({ min: 0, max: 9000 }), weight: 1 }
const gaps = fc.array(fc.oneof(flood, pause), { minLength: 100, maxLength: 400, size: 'max' })

/** The same rules, told once more: each state from the whole list of refusals, without anything remembered by window. */
function retold(refusals: readonly number[]): { warnings: number; bans: number[]; blacklists: number } {
  const bans: number[] = []
  let [warnings, blacklists] = [0, 0]
  let [warnedUntil, freeFrom, countFrom] = [-1, -1, 0]
  refusals.forEach((nowMs, index) => {
    if (nowMs < freeFrom) return
    // A warning that ran out between two refusals starts the count anew.
    if (warnedUntil >= 0 && nowMs >= warnedUntil) [warnedUntil, countFrom] = [-1, index]
    const own = refusals.slice(countFrom, index + 1)
    const inWindow = own.filter(at => Math.floor(at / 100) === Math.floor(nowMs / 100) && at >= freeFrom)
    if (inWindow.length <= 3) return
    countFrom = index + 1
    if (warnedUntil < 0) {
      warnings++
      warnedUntil = nowMs + 1000
      return
    }
    warnedUntil = -1
    const isBlacklist = bans.filter(at => nowMs - at < 8000).length >= 2
    freeFrom = nowMs + (isBlacklist ? 8000 : 300)
    if (isBlacklist) blacklists++
    else bans.push(nowMs)
  })
  return { warnings, bans, blacklists }
}

test('the ladder climbs exactly as its rules, retold from the whole history, say', () => {
  fc.assert(
    fc.property(gaps, steps => {
      const book = createBanBook(() => undefined)
      const ladder = createLadder(rule, book)
      const refusals: number[] = []
      let nowMs = 0
      for (const gap of steps) {
        nowMs += gap
        const at = { nowMs, epochMs: nowMs }
        if (book.active(call, at) !== undefined) continue
        refusals.push(nowMs)
        ladder.refused?.(call, at)
      }
      const { warnings, bans, blacklists } = retold(refusals)
      const own = ladder.stats({ nowMs, epochMs: nowMs }).find(({ scope }) => scope === 'uid')
      expect(own ?? { warnings: 0, bans: 0, blacklists: 0 }).toMatchObject({ warnings, bans: bans.length, blacklists })
    }),
    runs,
  )
})
