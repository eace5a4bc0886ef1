import { createScheduler, inFlight, type Labels, tokenBucket } from '@headgate/core'
import { checkWindows, seededRandom, virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { laterLedger } from '../support/later-ledger.ts'
import { runs } from '../support/runs.ts'

const BUCKETS = [
  tokenBucket({ name: 'uid', limit: 4, windowMs: 700, by: ['uid'] }),
  tokenBucket({ name: 'ip', limit: 3, windowMs: 1_000, by: ['ip'] }),
  tokenBucket({ name: 'ip long', limit: 60, windowMs: 10_000, by: ['ip'] }),
]
const LIMITS = [...BUCKETS, inFlight({ name: 'cap', limit: 5, by: ['ip'] })]
const IPS = ['a', 'b', 'c']

const someCall = fc.record({
  atMs: fc.integer({ min: 0, max: 4_000 }),
  uid: fc.constantFrom('u', 'v'),
  ips: fc.shuffledSubarray(IPS, { minLength: 1 }),
  cost: fc.constantFrom(1, 1, 1, 2),
  priority: fc.constantFrom(0, 0, 5),
  takesMs: fc.integer({ min: 0, max: 300 }),
  /** At what share of that time the server counts it. */
  countedAt: fc.double({ min: 0, max: 1, noNaN: true }),
  fate: fc.constantFrom('answered', 'answered', 'answered', 'refused', 'banned', 'lost', 'unsent'),
  maxWaitMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 2_000 }), { nil: undefined }),
  coalesce: fc.constantFrom(undefined, undefined, 'x'),
})

const someHold = fc.record({
  atMs: fc.integer({ min: 0, max: 4_000 }),
  ip: fc.constantFrom(...IPS),
  forMs: fc.integer({ min: 1, max: 3_000 }),
})

/** How a call may end that was not answered. A DOMException has a number for a code. */
const EXPECTED = ['MAX_WAIT', '20', 'QUEUE_FULL', 'NEVER_FITS']

interface Start {
  readonly atMs: number
  readonly ip: string
}

test('calls with alternatives: none lost, none started twice, none over a limit or into a hold, in their order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someCall, { minLength: 1, maxLength: 40 }),
      fc.array(someHold, { maxLength: 4 }),
      fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
      fc.record({
        seed: fc.integer(),
        maxQueued: fc.constantFrom(4, 10_000, 10_000),
        overflow: fc.constantFrom('reject', 'drop-oldest', 'drop-lowest'),
        lowered: fc.option(fc.record({ atMs: fc.integer({ min: 0, max: 4_000 }), to: fc.constantFrom(1, 2) }), {
          nil: undefined,
        }),
      }),
      async (calls, holds, ledgerMs, { seed, maxQueued, overflow, lowered }) => {
        const clock = virtualClock()
        const scheduler = createScheduler({
          limits: LIMITS,
          clock,
          coldStart: 'full',
          random: seededRandom(seed),
          maxQueued,
          overflow,
          ...(ledgerMs !== undefined && { ledger: laterLedger(clock, () => ledgerMs) }),
        })
        const counted: { atMs: number; labels: Labels; cost: number }[] = []
        /** Until when an address is held, and since when. */
        const held: { ip: string; fromMs: number; untilMs: number }[] = []
        const began: Start[] = []
        const wait = (ms: number) => new Promise<void>(resolve => void clock.setTimer(resolve, ms))
        const settled: string[] = []

        const runCall = async (plan: (typeof calls)[number], index: number) => {
          const [labels, ...alternatives] = plan.ips.map(ip => ({ exchange: 'x', ip, uid: plan.uid }))
          const abort = new AbortController()
          if (plan.abortAfterMs !== undefined) clock.setTimer(() => abort.abort(), plan.abortAfterMs)
          let runs = 0
          let ended = true
          const promise = scheduler.schedule(
            {
              labels: labels as Labels,
              ...(alternatives.length > 0 && { alternatives }),
              cost: plan.cost,
              priority: plan.priority,
              signal: abort.signal,
              ...(plan.maxWaitMs !== undefined && { maxWaitMs: plan.maxWaitMs }),
              ...(plan.coalesce !== undefined && { coalesce: plan.coalesce }),
            },
            async admission => {
              expect(ended, 'one run at a time').toBe(true)
              ended = false
              runs++
              // Judged by a ledger elsewhere, it may start a moment after it was judged.
              began.push({ atMs: clock.nowMs(), ip: admission.labels['ip'] as string })
              expect(plan.ips).toContain(admission.labels['ip'])
              const isFirst = runs === 1
              if (plan.fate === 'unsent' && isFirst) {
                ended = true
                admission.unsent()
                return
              }
              await wait(plan.takesMs * plan.countedAt)
              counted.push({ atMs: clock.nowMs(), labels: admission.labels, cost: plan.cost })
              await wait(plan.takesMs * (1 - plan.countedAt))
              ended = true
              if (plan.fate === 'lost' && isFirst) {
                admission.lost()
                return
              }
              admission.counted()
              if (plan.fate === 'refused' && isFirst) admission.refused()
              if (plan.fate === 'banned' && isFirst) {
                held.push({
                  ip: admission.labels['ip'] as string,
                  fromMs: clock.nowMs(),
                  untilMs: clock.nowMs() + 1_500,
                })
                admission.refused({ holdMs: 1_500, by: ['ip'] })
              }
            },
          )
          await promise.then(
            () => settled.push('done'),
            (error: Error & { code?: string }) => settled.push(error.code ?? error.name),
          )
          expect(runs, `call ${index}`).toBeLessThanOrEqual(2)
        }

        const all: Promise<void>[] = []
        for (const [index, plan] of calls.entries())
          clock.setTimer(() => void all.push(runCall(plan, index)), plan.atMs)
        for (const { atMs, ip, forMs } of holds) {
          clock.setTimer(() => {
            held.push({ ip, fromMs: atMs, untilMs: atMs + forMs })
            scheduler.hold({ ip }, { forMs, reason: 'held' })
          }, atMs)
        }
        if (lowered !== undefined) clock.setTimer(() => scheduler.setLimit('ip', lowered.to), lowered.atMs)
        await clock.advance(4_001)
        await clock.runAll(3_600_000)
        await Promise.all(all)
        expect(settled).toHaveLength(calls.length)
        expect(settled.filter(how => !['done', ...EXPECTED].includes(String(how)))).toEqual([])
        expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { queued: 0, running: 0 } })
        expect(checkWindows(counted, BUCKETS as never)).toEqual([])
        const slackMs = ledgerMs ?? 0
        for (const { atMs, ip } of began) {
          const inside = held.find(each => each.ip === ip && atMs > each.fromMs + slackMs && atMs < each.untilMs)
          expect(inside, `${ip} at ${atMs}`).toBeUndefined()
        }
        await scheduler.close()
        expect(clock.pendingTimers).toBe(0)
      },
    ),
    runs(300),
  )
})

test('those that may go by the same labels start in the order in which they came', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 3_000 }), turned: fc.nat({ max: 2 }) }), {
        minLength: 2,
        maxLength: 60,
      }),
      fc.array(someHold, { maxLength: 3 }),
      fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
      async (calls, holds, ledgerMs) => {
        const clock = virtualClock()
        const ledger = ledgerMs === undefined ? {} : { ledger: laterLedger(clock, () => ledgerMs) }
        const scheduler = createScheduler({ limits: LIMITS, clock, coldStart: 'full', ...ledger })
        const came: number[] = []
        const began: number[] = []
        for (const [index, { atMs, turned }] of calls.entries()) {
          const ips = [...IPS.slice(turned), ...IPS.slice(0, turned)]
          const [labels, ...alternatives] = ips.map((ip): Labels => ({ ip }))
          clock.setTimer(() => {
            came.push(index)
            void scheduler.schedule({ labels: labels as Labels, alternatives }, () => void began.push(index))
          }, atMs)
        }
        for (const { atMs, ip, forMs } of holds) {
          clock.setTimer(() => scheduler.hold({ ip }, { forMs, reason: 'held' }), atMs)
        }
        await clock.runAll(3_600_000)
        expect(began).toEqual(came)
      },
    ),
    runs(200),
  )
})

test('nothing is kept from a call for itself: while one waits, each of its labels has a gate that refuses it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 20, maxLength: 80 }),
      fc.record({
        uid: fc.integer({ min: 1, max: 4 }),
        a: fc.integer({ min: 1, max: 6 }),
        b: fc.integer({ min: 1, max: 60 }),
      }),
      fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 7 }),
      async (atMs, size, takesMs) => {
        const clock = virtualClock()
        const limits = [
          tokenBucket({ name: 'uid', limit: size.uid, windowMs: 300, by: ['uid'] }),
          tokenBucket({ name: 'ip', limit: labels => size[labels['ip'] as 'a' | 'b'], windowMs: 400, by: ['ip'] }),
        ]
        const scheduler = createScheduler({ limits, clock, coldStart: 'full' })
        const [A, B]: Labels[] = [
          { ip: 'a', uid: 'u' },
          { ip: 'b', uid: 'u' },
        ]
        let calls = 0
        const task = () => {
          const ms = takesMs[calls++ % takesMs.length] as number
          return new Promise<void>(resolve => void clock.setTimer(resolve, ms))
        }
        const request = { labels: A as Labels, alternatives: [B as Labels] }
        for (const each of atMs) clock.setTimer(() => void scheduler.schedule(request, task), each)
        for (let step = 0; step < 300; step++) {
          await clock.advance(20)
          if (scheduler.snapshot().counters.queued === 0) continue
          for (const labels of [A, B]) {
            expect(scheduler.explain({ labels: labels as Labels }).because, `at ${clock.nowMs()}`).toBeDefined()
          }
        }
      },
    ),
    runs(200),
  )
})
