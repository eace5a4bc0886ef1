import { inFlight, type Limit, type ScheduleRequest, tokenBucket } from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Gate, gate } from '../scheduler/harness.ts'
import { runs } from '../support/runs.ts'

interface Stream {
  readonly labels: Readonly<Record<string, string>>
  readonly priority: number
  readonly cost: number
  readonly tripMs: number
}

interface Went {
  readonly priority: number
  readonly cost: number
  readonly queuedAtMs: number
  readonly atMs: number
  /** Its place among the patient calls; of a stream −1. */
  readonly patient: number
}

/** Streams that never run dry, and patient calls that come into them. */
async function run(
  limits: readonly Limit[],
  streams: readonly Stream[],
  patient: readonly (Stream & { readonly atMs: number })[],
  forMs: number,
): Promise<Went[]> {
  const world: Gate = gate(limits, { floorMs: 0 })
  const { clock, scheduler } = world
  const went: Went[] = []
  let open = patient.length
  const work = (tripMs: number) => new Promise<void>(resolve => void clock.setTimer(resolve, tripMs))
  const request = ({ labels, priority, cost }: Stream): ScheduleRequest => ({ labels, priority, cost })
  for (const stream of streams) {
    const next = (): void => {
      if (open === 0) return
      const queuedAtMs = clock.nowMs()
      void scheduler.schedule(request(stream), () => {
        went.push({ priority: stream.priority, cost: stream.cost, queuedAtMs, atMs: clock.nowMs(), patient: -1 })
        queueMicrotask(next)
        return work(stream.tripMs)
      })
    }
    for (let i = 0; i < 8; i++) next()
  }
  patient.forEach((call, index) => {
    clock.setTimer(() => {
      void scheduler.schedule(request(call), () => {
        went.push({
          priority: call.priority,
          cost: call.cost,
          queuedAtMs: call.atMs,
          atMs: clock.nowMs(),
          patient: index,
        })
        open--
        return work(call.tripMs)
      })
    }, call.atMs)
  })
  for (let atMs = 0; atMs < forMs && open > 0; atMs += 1_000) await clock.advance(1_000)
  return went
}

const OLD_MS = 10_000
const OVERTAKING = 10
/** A stream’s calls in the cap or in one instant: such as were admitted before the last one counted. */
const MOST_COST = 3

test('bounded overtaking: of an old call’s bucket at most ten tokens for each of its own go to higher priorities', async () => {
  const tripMs = fc.integer({ min: 0, max: 400 })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3, max: 8 }),
      fc.integer({ min: 100, max: 4_000 }),
      fc.array(
        fc.record({
          uid: fc.nat(5),
          priority: fc.constant(2),
          cost: fc.integer({ min: 1, max: MOST_COST }),
          tripMs,
        }),
        {
          minLength: 2,
          maxLength: 5,
        },
      ),
      fc.array(
        fc.record({
          atMs: fc.integer({ min: 0, max: 15_000 }),
          uid: fc.nat(3),
          priority: fc.integer({ min: -1, max: 1 }),
          cost: fc.integer({ min: 1, max: MOST_COST }),
          tripMs,
        }),
        { minLength: 1, maxLength: 8 },
      ),
      async (limit, windowMs, floods, patient) => {
        const limits = [tokenBucket({ name: 'b', limit, windowMs, by: ['ip'] })]
        const labelled = <T extends { uid: number }>(kind: string, all: readonly T[]) =>
          all.map(each => ({ ...each, labels: { ip: 'i', uid: `${kind}${each.uid}` } }))
        const went = await run(limits, labelled('flood', floods), labelled('patient', patient), 3_600_000)
        patient.forEach((call, index) => {
          const place = went.findIndex(each => each.patient === index)
          expect(place).toBeGreaterThanOrEqual(0)
          // Those that came before it overtake nobody.
          const before = went.slice(0, place)
          const last = before.findLastIndex(each => each.patient < 0 && each.queuedAtMs <= call.atMs)
          const since = before.slice(last + 1).filter(({ atMs }) => atMs >= call.atMs + OLD_MS)
          const others = since.filter(each => each.patient >= 0)
          const high = since.filter(each => each.patient < 0).reduce((sum, { cost }) => sum + cost, 0)
          const mine = others.reduce((sum, { cost }) => sum + cost, call.cost)
          // The last one that overtakes may take more than what was left.
          expect(high).toBeLessThanOrEqual(OVERTAKING * mine + (others.length + 1) * MOST_COST)
        })
      },
    ),
    runs(60),
  )
})

test('whatever several limits it needs, and how many of their tokens, a patient call starts in the end', async () => {
  // As a part of the smallest limit.
  const cost = fc.constantFrom(0, 0, 0.5, 1)
  const draws = fc.constantFrom<Readonly<Record<string, string>>>({ a: '1' }, { b: '1' }, { a: '1', b: '1' })
  const bucket = fc.record({ limit: fc.integer({ min: 1, max: 6 }), windowMs: fc.integer({ min: 300, max: 2_000 }) })
  const tripMs = fc.integer({ min: 0, max: 300 })
  await fc.assert(
    fc.asyncProperty(
      bucket,
      bucket,
      fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      fc.array(fc.record({ draws, uid: fc.nat(3), priority: fc.integer({ min: 0, max: 2 }), cost, tripMs }), {
        minLength: 2,
        maxLength: 6,
      }),
      fc.array(
        fc.record({
          draws,
          uid: fc.nat(1),
          priority: fc.integer({ min: -1, max: 1 }),
          cost,
          atMs: fc.integer({ min: 0, max: 3_000 }),
          tripMs,
        }),
        { minLength: 1, maxLength: 4 },
      ),
      async (a, b, cap, floods, patient) => {
        const limits = [
          tokenBucket({ name: 'a', by: ['a'], ...a }),
          tokenBucket({ name: 'b', by: ['b'], ...b }),
          ...(cap === undefined ? [] : [inFlight({ name: 'cap', limit: cap, by: ['a'] })]),
        ]
        const costOf = (share: number, drawn: object) => {
          const sizes = [a, b].filter((_, index) => (['a', 'b'][index] as string) in drawn).map(({ limit }) => limit)
          return Math.max(1, Math.round(share * Math.min(...sizes)))
        }
        const made = <T extends { draws: object; uid: number; cost: number }>(each: T, who: string) => ({
          ...each,
          cost: costOf(each.cost, each.draws),
          labels: { ...each.draws, uid: `${who}${each.uid}` },
        })
        const streams = floods.map(each => made(each, 'f'))
        const calls = patient.map(each => made(each, 'p'))
        // Long: each of a stream’s calls that came before a patient one may have to grow old first.
        const went = await run(limits, streams, calls, 7_200_000)
        expect(went.filter(each => each.patient >= 0)).toHaveLength(patient.length)
      },
    ),
    runs(60),
  )
})
