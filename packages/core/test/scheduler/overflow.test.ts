import { inFlight, QueueFullError, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { laterLedger } from '../support/later-ledger.ts'
import { runs } from '../support/runs.ts'
import { type Gate, gate, type Job } from './harness.ts'

const labels = { uid: 'u' }
const cap = inFlight({ name: 'cap', limit: 1, by: ['uid'] })
const states = (jobs: readonly Job[]) => jobs.map(job => (job.started ? 'started' : job.state))

describe('overflow', () => {
  test('drop-oldest: the call that has waited longest makes room, whatever its priority', async () => {
    const { clock, job } = gate([cap], { maxQueued: 2, overflow: 'drop-oldest' })
    const jobs = [undefined, 5, 0, -1].map(priority => job({ labels, ...(priority !== undefined && { priority }) }))
    await clock.advance(0)
    expect(states(jobs)).toStrictEqual(['started', 'rejected', 'open', 'open'])
    expect(jobs[1]?.value).toBeInstanceOf(QueueFullError)
    expect(jobs[1]?.value).toMatchObject({ code: 'QUEUE_FULL', labels, maxQueued: 2 })
  })

  test('drop-lowest: the newest of the lowest priority makes room for one of a higher', async () => {
    const { clock, job } = gate([cap], { maxQueued: 3, overflow: 'drop-lowest' })
    const jobs = [9, 0, 0, 1, 1, 1].map(priority => job({ labels, priority }))
    await clock.advance(0)
    expect(states(jobs)).toStrictEqual(['started', 'rejected', 'rejected', 'open', 'open', 'open'])
    const [first, second] = jobs.slice(1)
    expect(second?.endedAtMs).toBeLessThanOrEqual(first?.endedAtMs as number)
  })

  test('drop-lowest: a newcomer that is no higher than any is refused itself', async () => {
    const { clock, job } = gate([cap], { maxQueued: 2, overflow: 'drop-lowest' })
    const jobs = [9, 1, 1, 1, 0].map(priority => job({ labels, priority }))
    await clock.advance(0)
    expect(states(jobs)).toStrictEqual(['started', 'open', 'open', 'rejected', 'rejected'])
  })

  test.each(['drop-oldest', 'drop-lowest'] as const)(
    '%s: a call that need not wait takes nobody’s place',
    async overflow => {
      const { clock, job } = gate([cap], { maxQueued: 1, overflow })
      const jobs = [labels, labels, { uid: 'v' }].map(each => job({ labels: each }))
      await clock.advance(0)
      expect(states(jobs)).toStrictEqual(['started', 'open', 'started'])
    },
  )

  test('drop-oldest: a newcomer that can never start in time takes nobody’s place', async () => {
    const { clock, scheduler, job } = gate([cap], { maxQueued: 1, overflow: 'drop-oldest' })
    scheduler.hold(labels, { forMs: 5_000, reason: 'test' })
    const jobs = [job({ labels }), job({ labels, maxWaitMs: 10 })]
    await clock.advance(0)
    expect(states(jobs)).toStrictEqual(['open', 'rejected'])
    expect(jobs[1]?.value).toMatchObject({ code: 'MAX_WAIT' })
  })

  test('drop-oldest: a call that was refused and goes again has waited since it was scheduled', async () => {
    const bucket = tokenBucket({ name: 'b', limit: 1, windowMs: 1_000, by: ['uid'] })
    const { clock, job } = gate([bucket], { maxQueued: 1, overflow: 'drop-oldest' })
    const first = job({ labels })
    await clock.advance(10)
    const second = job({ labels })
    first.refuse({ holdMs: 60_000 })
    await clock.advance(10)
    const third = job({ labels })
    await clock.advance(0)
    expect([first, second, third].map(({ state }) => state)).toStrictEqual(['rejected', 'open', 'open'])
    expect(first.value).toMatchObject({ code: 'QUEUE_FULL' })
  })

  test('drop-oldest with a ledger that answers later: a call that was dropped while it was judged charges nobody', async () => {
    const bucket = tokenBucket({ name: 'b', limit: 1, windowMs: 60_000, by: ['uid'] })
    const clock = virtualClock()
    const far = gate([bucket], { clock, ledger: laterLedger(clock, () => 20), maxQueued: 1, overflow: 'drop-oldest' })
    const jobs = [far.quick({ labels }), far.quick({ labels })]
    await clock.advance(200)
    expect(states(jobs)).toStrictEqual(['rejected', 'started'])
  })
})

interface Waiting {
  readonly job: Job
  readonly priority: number
  readonly order: number
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('comes' as const), uid: fc.nat(2), priority: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ends' as const), index: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('aborts' as const), index: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('refused' as const), index: fc.nat(5) }) },
)

test('of the calls that wait and the newcomer, the one goes that a search through all of them finds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('reject' as const, 'drop-oldest' as const, 'drop-lowest' as const),
      fc.integer({ min: 0, max: 6 }),
      fc.array(step, { maxLength: 60, size: 'max' }),
      async (overflow, maxQueued, steps) => {
        const world: Gate = gate([cap], { maxQueued, overflow })
        const all: Waiting[] = []
        const controllers = new Map<Job, AbortController>()
        const again = new Set<Job>()
        const running = () => all.filter(({ job }) => job.started && job.state === 'open' && !again.has(job))
        const waiting = () => all.filter(({ job }) => job.state === 'open' && (!job.started || again.has(job)))
        for (const its of steps) {
          if (its.kind === 'comes') {
            const before = waiting()
            const controller = new AbortController()
            const request = { labels: { uid: `${its.uid}` }, priority: its.priority, signal: controller.signal }
            const newcomer = { job: world.job(request), priority: its.priority, order: all.length }
            controllers.set(newcomer.job, controller)
            all.push(newcomer)
            await world.clock.advance(1)
            const gone = [...before, newcomer].filter(({ job }) => job.state === 'rejected')
            const candidates = [...before, newcomer]
            if (newcomer.job.started || candidates.length <= maxQueued) {
              expect(gone).toEqual([])
              continue
            }
            const byAge = candidates.sort((a, b) => a.order - b.order)
            const lowest = Math.min(...byAge.map(({ priority }) => priority))
            const expected =
              overflow === 'reject'
                ? newcomer
                : overflow === 'drop-oldest'
                  ? byAge[0]
                  : byAge.findLast(({ priority }) => priority === lowest)
            expect(gone.map(({ order }) => order)).toEqual([expected?.order])
            continue
          }
          const list = its.kind === 'aborts' ? waiting() : running()
          const one = list[its.index % Math.max(1, list.length)]
          if (one === undefined) continue
          const startsBefore = new Map([...again].map(job => [job, job.startsMs.length]))
          if (its.kind === 'aborts') controllers.get(one.job)?.abort()
          else if (its.kind === 'ends') one.job.answer()
          else {
            again.add(one.job)
            startsBefore.set(one.job, one.job.startsMs.length)
            one.job.refuse({ holdMs: 3_600_000, by: ['uid'] })
          }
          await world.clock.advance(1)
          for (const [job, starts] of startsBefore) if (job.startsMs.length > starts) again.delete(job)
        }
      },
    ),
    runs(150),
  )
})

test('of two that come at once, one of them a poll, as many lose their places as are too many', async () => {
  const { clock, scheduler, quick, job } = gate(
    [
      tokenBucket({ name: 'uid', limit: 1, windowMs: 60_000, by: ['uid'] }),
      inFlight({ name: 'cap', limit: 1, by: ['c'] }),
    ],
    { maxQueued: 2, overflow: 'drop-lowest' },
  )
  // Due at the instant of the poll, and set before its timer: what is scheduled here has the poll come with it.
  clock.setTimer(() => void quick({ labels: { uid: 'u' }, priority: -1 }), 1_000)
  const polls = scheduler.poll({ labels: { c: '1' } }, () => 1, { everyMs: 1_000 })[Symbol.asyncIterator]()
  await polls.next()
  void polls.next()
  quick({ labels: { uid: 'u' } })
  await clock.advance(500)
  job({ labels: { c: '1' } })
  for (let i = 0; i < 2; i++) quick({ labels: { uid: 'u' }, priority: 1 })
  await clock.advance(500)
  expect(scheduler.snapshot().counters.queued).toBe(2)
  await polls.return?.()
})
