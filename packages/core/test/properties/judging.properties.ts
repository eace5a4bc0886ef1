import type { GateState, Snapshot } from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { begin, labelsOf, someCalls, someStory } from '../support/story.ts'

type Away = Map<string, { away: number; inFlight: number }>

/** What is away from each bucket and cap, by name and labels. */
function away({ buckets, caps }: Snapshot): Away {
  const gates = [...buckets, ...caps]
  return new Map(gates.map(gate => [keyOf(gate), { away: gate.limit - gate.free, inFlight: gate.inFlight }]))
}

function keyOf({ kind, name, labels, limit }: GateState): string {
  return JSON.stringify([kind, name, labels, limit])
}

/** Those that were there before: idle ones may have been dropped meanwhile, which is as good as full. */
function expectUntouched(after: Away, before: Away): void {
  for (const [gate, was] of before) expect([gate, after.get(gate) ?? { away: 0, inFlight: 0 }]).toEqual([gate, was])
  for (const [gate, is] of after) if (!before.has(gate)) expect([gate, is.inFlight]).toEqual([gate, 0])
}

test('a call that any bucket refuses leaves all others as they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      someStory({ maxCalls: 25 }),
      fc.nat(4_000),
      someCalls({ maxCalls: 8 }),
      async (story, atMs, probes) => {
        const { scheduler, clock } = begin({ ...story, ledgerMs: undefined })
        await clock.advance(atMs)
        for (const plan of probes) {
          const before = scheduler.snapshot()
          const controller = new AbortController()
          let started = false
          const { cost, priority } = plan
          scheduler
            .schedule(
              { labels: labelsOf(plan), signal: controller.signal, priority, ...(cost !== undefined && { cost }) },
              () => {
                started = true
              },
            )
            .catch(() => undefined)
          const after = scheduler.snapshot()
          if (!started) expectUntouched(away(after), away(before))
          controller.abort()
          if (!started) expectUntouched(away(scheduler.snapshot()), away(before))
        }
        await clock.runAll(3_600_000)
      },
    ),
    runs(200),
  )
})

test('a call that goes takes its cost from every one of its buckets, and from no other', async () => {
  await fc.assert(
    fc.asyncProperty(
      someStory({ maxCalls: 15 }),
      fc.nat(4_000),
      someCalls({ maxCalls: 8 }),
      async (story, atMs, probes) => {
        // Nothing is given up: a probe into a silent route takes the place of a lost call, not a free token.
        const calls = story.calls.map(plan => ({ ...plan, heedsAbort: false }))
        const { scheduler, clock } = begin({ ...story, calls, ledgerMs: undefined, timeoutMs: 600_000 })
        await clock.advance(atMs)
        for (const plan of probes) {
          // Makes the buckets, so that both snapshots have them.
          const { cost } = plan
          const labels: Record<string, string> = labelsOf(plan)
          const request = { labels, ...(cost !== undefined && { cost }) }
          const controller = new AbortController()
          const { go, gates } = scheduler.explain(request)
          const before = scheduler.snapshot()
          let started = false
          const done = scheduler.schedule({ ...request, signal: controller.signal }, () => {
            started = true
            return new Promise(resolve => void clock.setTimer(() => resolve(undefined), 1_000))
          })
          done.catch(() => undefined)
          // What explain promises, schedule keeps; and nobody else was waiting.
          if (go) expect(started).toBe(true)
          if (started) {
            const after = scheduler.snapshot()
            const taken = [...after.buckets, ...after.caps].map(gate => {
              const isIt = (was: typeof gate) => keyOf(was) === keyOf(gate)
              const was = [...before.buckets, ...before.caps].find(isIt) as typeof gate
              return {
                name: gate.name,
                labels: gate.labels,
                free: was.free - gate.free,
                inFlight: gate.inFlight - was.inFlight,
              }
            })
            const touched = taken.filter(({ free, inFlight }) => free !== 0 || inFlight !== 0)
            const expected = gates
              .filter(({ kind }) => kind !== 'hold')
              .map(({ kind, name, labels }) => {
                const tokens = kind === 'cap' ? 1 : typeof cost === 'object' ? (cost[name] ?? 1) : (cost ?? 1)
                return { name, labels, free: tokens, inFlight: tokens }
              })
              .filter(({ free }) => free > 0)
            const order = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)
            expect(touched.sort(order)).toEqual(expected.sort(order))
          }
          controller.abort()
        }
        await clock.runAll(3_600_000)
      },
    ),
    runs(200),
  )
})
