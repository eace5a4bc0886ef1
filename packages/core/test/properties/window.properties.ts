import { tokenBucket } from '@headgate/core'
import { checkWindow } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { runs } from '../support/runs.ts'
import { type Fate, labelsOf, plainCall, type Story, someStory, tell, violations } from '../support/story.ts'
import { finish, saturate, world } from '../support/world.ts'

const EVERY_FATE: Fate[] = ['answered', 'fails', 'refused', 'breaks', 'says lost', 'never ends', 'unsent']

const two = [tokenBucket({ name: 'b0', limit: 2, windowMs: 1_000, by: ['uid'] })]
const loss = { coldStart: 'full', lostCallMs: 0, timeoutMs: 500, ledgerMs: undefined } as const

/** One token is lost on a silent address, one comes back late: a call that needs both must wait for both. */
const LOST_AND_AWAY: Story = {
  ...loss,
  limits: two,
  calls: [
    plainCall(0, 0, 0, 0, { fate: 'never ends' }),
    plainCall(1_400, 0, 1, 0),
    plainCall(1_450, 0, 1, 1, { cost: 2 }),
  ],
}

/** Two addresses fell silent, one after the other: a call that takes the place of one lost on each waits for the later. */
const TWICE_LOST: Story = {
  ...loss,
  limits: two,
  calls: [
    plainCall(0, 0, 0, 0, { fate: 'never ends' }),
    plainCall(1_200, 0, 1, 0, { fate: 'never ends', requestMs: 480 }),
    plainCall(1_800, 0, 1, 1, { cost: 2 }),
  ],
}

test('whatever the latencies, limits, costs and losses: no window at the server holds more than the limit', async () => {
  await fc.assert(
    fc.asyncProperty(someStory({ fates: EVERY_FATE }), async story => {
      const { counted } = await tell(story)
      expect(violations(story.limits, counted)).toEqual([])
    }),
    { ...runs(600), examples: [[LOST_AND_AWAY], [TWICE_LOST]] },
  )
})

test('with every call answered: no window at the server holds more than the limit, under long loads', async () => {
  await fc.assert(
    fc.asyncProperty(someStory({ maxCalls: 150, withinMs: 2_000 }), async story => {
      const { counted } = await tell(story)
      expect(violations(story.limits, counted)).toEqual([])
    }),
    runs(100),
  )
})

test('a cap never has more calls in flight than it allows', async () => {
  await fc.assert(
    fc.asyncProperty(someStory({ fates: ['fails', 'unsent', 'refused'] }), async story => {
      const { sent } = await tell({ ...story, timeoutMs: 60_000 })
      for (const limit of story.limits) {
        if (limit.kind !== 'in-flight') continue
        const keyOf = ({ plan }: (typeof sent)[number]) =>
          limit.by.map(name => (labelsOf(plan) as Record<string, string>)[name]).join()
        for (const one of sent) {
          const others = sent.filter(
            other =>
              keyOf(other) === keyOf(one) &&
              other.atMs <= one.atMs &&
              (other.endedAtMs ?? Number.POSITIVE_INFINITY) > one.atMs,
          )
          expect(others.length).toBeLessThanOrEqual(limit.limit as number)
        }
      }
    }),
    runs(100),
  )
})

const leg = fc.integer({ min: 0, max: 60 })
const jitters = fc.array(fc.double({ min: 0, max: 150, noNaN: true }), { minLength: 5, maxLength: 40 })

test('the floor lends nothing that the fastest round trip of a route does not have, however lopsided its ways are', async () => {
  const limit = fc.record({ limit: fc.integer({ min: 2, max: 6 }), windowMs: fc.integer({ min: 200, max: 900 }) })
  await fc.assert(
    fc.asyncProperty(limit, leg, leg, jitters, jitters, async (options, requestMs, answerMs, there, back) => {
      const rule = tokenBucket({ name: 'b', by: ['uid'], ...options })
      const { clock, scheduler, server, sleep } = world([rule], 1, undefined, { coldStart: 'full' })
      const labels = { uid: 'u' }
      let calls = 0
      const call = () =>
        scheduler.schedule({ labels }, async () => {
          const index = calls++
          // Every third call is as fast as the route can be: the least round trip is known.
          const [slowerMs, laterMs] =
            index % 3 === 0 ? [0, 0] : [there[index % there.length] as number, back[index % back.length] as number]
          await sleep(requestMs + slowerMs)
          server.arrive(labels, clock.nowMs())
          await sleep(answerMs + laterMs)
        })
      saturate(labels, 2 * options.limit, call, () => calls > 150)
      await clock.advance(200_000)
      await finish({ scheduler, clock })
      expect(calls).toBeGreaterThan(150)
      expect(server.violations()).toEqual([])
    }),
    runs(60),
  )
})

test('an account over two addresses is lent nothing that both do not have, however lopsided their ways are', async () => {
  const way = fc.record({ requestMs: leg, answerMs: leg })
  await fc.assert(
    fc.asyncProperty(way, way, fc.nat(3_000), jitters, async (one, other, joinsAtMs, jitter) => {
      const rule = tokenBucket({ name: 'b', by: ['uid'], limit: 5, windowMs: 500 })
      const { clock, scheduler, server, sleep } = world([rule], 1, undefined, { coldStart: 'full' })
      const calls: Record<string, number> = { one: 0, other: 0 }
      const callOver =
        (ip: string, { requestMs, answerMs }: typeof one) =>
        (labels: Record<string, string>) =>
          scheduler.schedule({ labels }, async () => {
            const index = (calls[ip] as number)++
            const slowerMs = index % 3 === 0 ? 0 : (jitter[index % jitter.length] as number)
            await sleep(requestMs + slowerMs)
            server.arrive(labels, clock.nowMs())
            await sleep(answerMs + slowerMs)
          })
      const isOver = () => clock.nowMs() >= 12_000
      saturate({ uid: 'u', ip: 'one' }, 6, callOver('one', one), isOver)
      await clock.advance(2 * joinsAtMs)
      saturate({ uid: 'u', ip: 'other' }, 6, callOver('other', other), isOver)
      await clock.advance(12_000 - 2 * joinsAtMs)
      await finish({ scheduler, clock })
      expect(checkWindow(server.arrivals, { limit: 5, windowMs: 500 }).ok).toBe(true)
    }),
    runs(60),
  )
})
