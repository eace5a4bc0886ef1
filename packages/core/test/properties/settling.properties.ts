import { type Admission, createScheduler, type HeadgateError, type Limit, memoryLedger } from '@headgate/core'
import { seededRandom, virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { laterLedger } from '../support/later-ledger.ts'
import { runs } from '../support/runs.ts'
import { labelsOf, networkError, someLimits } from '../support/story.ts'

type Word = 'counted' | 'refused' | 'held' | 'lost' | 'unsent'

/** Says a word, whether it makes sense or not. */
function say(admission: Admission, word: Word): void {
  if (word === 'refused') admission.refused()
  else if (word === 'held') admission.refused({ holdMs: 300, by: ['uid'], reason: 'test' })
  else admission[word]()
}

type End = 'resolves' | 'throws' | 'breaks' | 'never' | 'heeds its signal' | 'says after its end'

const step = fc.record({
  afterMs: fc.constantFrom(0, 0, 10, 300),
  word: fc.constantFrom<Word>('counted', 'refused', 'held', 'lost', 'unsent'),
})

const wildCall = fc.record({
  atMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4_000 })),
  uid: fc.nat(2),
  ip: fc.nat(1),
  endpoint: fc.nat(1),
  priority: fc.constantFrom(0, 0, 1),
  cost: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
  retries: fc.option(fc.nat(2), { nil: undefined }),
  maxWaitMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined, freq: 3 }),
  abortAfterMs: fc.option(fc.oneof(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 3_000 })), {
    nil: undefined,
    freq: 3,
  }),
  isSync: fc.boolean(),
  steps: fc.array(step, { maxLength: 3 }),
  tookMs: fc.constantFrom(0, 20, 400),
  end: fc.constantFrom<End>(
    'resolves',
    'resolves',
    'resolves',
    'throws',
    'breaks',
    'never',
    'heeds its signal',
    'says after its end',
  ),
  /** A task may schedule another call. */
  callsAnother: fc.boolean(),
})

const meddling = fc.record({
  atMs: fc.integer({ min: 0, max: 5_000 }),
  what: fc.constantFrom('limit', 'hold', 'release'),
  labels: fc.constantFrom<Record<string, string>>({ uid: 'u0' }, { ip: 'i0' }, { uid: 'u1', endpoint: 'e1' }),
  number: fc.integer({ min: 1, max: 8 }),
})

const wildStory = fc.record({
  meddlings: fc.array(meddling, { maxLength: 4, size: 'max' }),
  limits: someLimits as fc.Arbitrary<Limit[]>,
  calls: fc.array(wildCall, { minLength: 1, maxLength: 40, size: 'max' }),
  coldStart: fc.constantFrom('full' as const, 'paced' as const),
  ledgerMs: fc.option(fc.constantFrom(0, 3, 25), { nil: undefined, freq: 2 }),
  maxQueued: fc.constantFrom(1, 3, 1_000, 1_000),
  overflow: fc.constantFrom('reject' as const, 'drop-oldest' as const, 'drop-lowest' as const),
  closeAtMs: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined, freq: 3 }),
  drainAtMs: fc.integer({ min: 0, max: 5_000 }),
})

/** Halved limits come back within minutes, and a call may have to wait for that several times, one after the other. */
const DAYS = 10 * 86_400_000

test('whatever tasks and callers do, every call settles once, drain and close resolve, and no token and no timer is left behind', async () => {
  await fc.assert(
    fc.asyncProperty(
      wildStory,
      async ({ meddlings, limits, calls, coldStart, ledgerMs, maxQueued, overflow, closeAtMs, drainAtMs }) => {
        const clock = virtualClock()
        const ledger = ledgerMs === undefined ? memoryLedger() : laterLedger(clock, () => ledgerMs)
        const scheduler = createScheduler({
          limits,
          clock,
          random: seededRandom(1),
          coldStart,
          ledger,
          maxQueued,
          overflow,
          timeoutMs: 2_000,
          lostCallMs: 500,
        })
        const sleep = (delayMs: number) => new Promise<void>(resolve => void clock.setTimer(resolve, delayMs))
        const settled: number[] = []
        const attempts: number[] = []
        let running = 0
        let isClosing = false
        let startedAfterClose = 0
        const begin = (index: number, plan: (typeof calls)[number], isSecond: boolean): void => {
          const id = settled.push(0) - 1
          attempts.push(0)
          const controller = new AbortController()
          const { cost, priority, retries, maxWaitMs, abortAfterMs } = plan
          if (abortAfterMs !== undefined) clock.setTimer(() => controller.abort(), abortAfterMs)
          const once = () => void (settled[id] as number)++
          scheduler
            .schedule(
              {
                labels: labelsOf(plan),
                priority,
                ...(cost !== undefined && { cost }),
                ...(retries !== undefined && { retries }),
                ...(maxWaitMs !== undefined && { maxWaitMs }),
                ...(abortAfterMs !== undefined && { signal: controller.signal }),
              },
              admission => {
                ;(attempts[id] as number)++
                running++
                if (isClosing) startedAfterClose++
                const signal = admission.signal
                if (plan.callsAnother && !isSecond && attempts[id] === 1) begin(index, plan, true)
                if (plan.isSync) {
                  for (const { word } of plan.steps) say(admission, word)
                  if (plan.end === 'throws') throw new Error('test')
                  if (plan.end === 'breaks') throw networkError()
                  return
                }
                return (async () => {
                  for (const { afterMs, word } of plan.steps) {
                    await sleep(afterMs)
                    say(admission, word)
                  }
                  await sleep(plan.tookMs)
                  if (plan.end === 'throws') throw new Error('test')
                  if (plan.end === 'breaks') throw networkError()
                  if (plan.end === 'never') await new Promise(() => {})
                  if (plan.end === 'heeds its signal') {
                    await new Promise((_, reject) => {
                      if (signal.aborted) reject(signal.reason)
                      signal.addEventListener('abort', () => reject(signal.reason))
                    })
                  }
                  if (plan.end === 'says after its end') {
                    void sleep(3_000).then(() => {
                      for (const { word } of plan.steps) say(admission, word)
                    })
                  }
                })()
              },
            )
            .then(once, once)
        }
        calls.forEach((plan, index) => void clock.setTimer(() => begin(index, plan, false), plan.atMs))
        for (const { atMs, what, labels, number } of meddlings) {
          clock.setTimer(() => {
            if (what === 'limit') scheduler.setLimit('b0', number)
            else if (what === 'hold') scheduler.hold(labels, { forMs: 200 * number, reason: 'test' })
            else scheduler.release(labels)
          }, atMs)
        }
        let drained = false
        let closed = closeAtMs === undefined
        clock.setTimer(() => void scheduler.drain().then(() => (drained = true)), drainAtMs)
        const close = () => {
          isClosing = true
          void scheduler.close().then(() => (closed = true))
        }
        if (closeAtMs !== undefined) clock.setTimer(close, closeAtMs)
        await clock.runAll(DAYS)

        expect(settled.filter(times => times !== 1)).toEqual([])
        expect({ drained, closed }).toEqual({ drained: true, closed: true })
        expect(startedAfterClose).toBe(0)
        expect(clock.pendingTimers).toBe(0)
        const { lanes, buckets, caps, holds, counters } = scheduler.snapshot()
        expect(lanes).toEqual([])
        expect(counters).toMatchObject({ queued: 0, running: 0 })
        const { admitted, answered, refused, lost, unsent } = counters
        expect(answered + refused + lost + unsent).toBe(admitted)
        expect(running).toBe(attempts.reduce((sum, times) => sum + times, 0))
        expect(running).toBeLessThanOrEqual(admitted)
        for (const gate of [...buckets, ...caps, ...holds]) expect([gate, gate.inFlight]).toEqual([gate, 0])
        if (closeAtMs !== undefined) return

        // One good call over each way, and time: then nothing is away any more.
        const ways = new Map(calls.map(plan => [JSON.stringify(labelsOf(plan)), labelsOf(plan)]))
        for (const labels of ways.values()) {
          const served = scheduler.schedule({ labels, retries: 10 }, () => sleep(5))
          served.catch(() => undefined)
          await clock.runAll(DAYS)
          await served
        }
        await clock.advance(DAYS)
        await clock.runAll(DAYS)
        const after = scheduler.snapshot()
        for (const gate of [...after.buckets, ...after.caps])
          expect(gate).toMatchObject({ free: gate.limit, inFlight: 0, waitMs: 0 })
        expect(clock.pendingTimers).toBe(0)
      },
    ),
    runs(300),
  )
})

test('a time-out settles the call in its instant, and what the task does later is ignored', async () => {
  await fc.assert(
    fc.asyncProperty(
      someLimits,
      fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 10 }),
      fc.integer({ min: 1, max: 2_000 }),
      async (limits, starts, timeoutMs) => {
        const clock = virtualClock()
        const scheduler = createScheduler({ limits, clock, coldStart: 'full', timeoutMs, lostCallMs: 100 })
        const late: (() => void)[] = []
        const ends: { sentAtMs: number; atMs: number; code: unknown }[] = []
        starts.forEach((atMs, index) => {
          clock.setTimer(() => {
            let sentAtMs = Number.NaN
            scheduler
              .schedule({ labels: labelsOf({ uid: index % 2, ip: 0, endpoint: 0 }) }, admission => {
                sentAtMs = clock.nowMs()
                return new Promise(resolve => {
                  late.push(() => {
                    admission.counted()
                    admission.refused({ holdMs: 1_000 })
                    resolve(undefined)
                  })
                })
              })
              .catch((error: HeadgateError) => void ends.push({ sentAtMs, atMs: clock.nowMs(), code: error.code }))
          }, atMs)
        })
        await clock.runAll(DAYS)
        expect(ends.length).toBe(starts.length)
        for (const { sentAtMs, atMs, code } of ends) {
          expect(code).toBe('TIMEOUT')
          expect(atMs - sentAtMs).toBeCloseTo(timeoutMs, 6)
        }
        const before = scheduler.snapshot()
        for (const speak of late) speak()
        await clock.advance(0)
        expect(scheduler.snapshot()).toEqual(before)
      },
    ),
    runs(100),
  )
})
