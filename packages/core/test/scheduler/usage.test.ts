import { type Limit, tokenBucket, type Usage } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { gate } from './harness.ts'

const labels = { uid: 'u' }
const perUid = (options: Partial<Parameters<typeof tokenBucket>[0]> = {}) =>
  tokenBucket({ name: 'uid', limit: 10, windowMs: 1_000, by: ['uid'], ...options })

/** A gate whose every call is answered after `tripMs` with what the headers say. */
function world(limits: readonly Limit[] = [perUid()], options = {}) {
  const made = gate(limits, { floorMs: 0, ...options })
  const { clock, scheduler } = made
  const free = () => scheduler.snapshot().buckets[0]?.free
  /** One call whose answer tells this. */
  async function told(seen: Partial<Usage>, tripMs = 20): Promise<void> {
    const call = scheduler.schedule({ labels }, async admission => {
      await new Promise<void>(resolve => clock.setTimer(resolve, tripMs))
      admission.usage({ limit: 'uid', resetMs: 1_000, ...seen })
    })
    await clock.advance(tripMs)
    await call
  }
  return { ...made, free, told }
}

describe('tokens that others took', () => {
  test('are away until the window ends', async () => {
    const { clock, free, told } = world()
    await told({ remaining: 4, resetMs: 700 })
    expect(free()).toBe(4)
    await clock.advance(699)
    expect(free()).toBe(4)
    // Then one call more may go and see: a window has ended, or a token has come back.
    await clock.advance(1)
    expect(free()).toBe(5)
    await clock.advance(299)
    expect(free()).toBe(5)
    await clock.advance(1)
    expect(free()).toBe(9)
  })

  test('and a halving leaves are the same tokens', async () => {
    const { clock, free, told, job } = world()
    job({ labels }).refuse({})
    await clock.advance(0)
    // Five of ten are left by the halving, two are our own.
    expect(free()).toBe(3)
    await told({ remaining: 5 })
    expect(free()).toBe(2)
    await told({ remaining: 1 })
    expect(free()).toBe(1)
  })

  test('are told by what is used, too, and of the server’s own limit where that is lower', async () => {
    const { free, told } = world()
    await told({ used: 6 })
    expect(free()).toBe(4)
    await told({ used: 5, max: 8 })
    expect(free()).toBe(3)
  })

  test('keep a waiting call for exactly as long', async () => {
    const { clock, told, job } = world()
    await told({ remaining: 0, resetMs: 300 })
    const call = job({ labels })
    expect(call.started).toBe(false)
    await clock.advance(300)
    expect(call.startsMs).toStrictEqual([320])
  })

  test('are none where our own calls explain it, in flight or answered or lost', async () => {
    const { clock, scheduler, free, told, job } = world()
    job({ labels })
    job({ labels }).answer()
    await clock.advance(1)
    job({ labels }).lose()
    await clock.advance(1)
    await told({ remaining: 6 })
    expect(free()).toBe(6)
    expect(scheduler.snapshot().buckets[0]).toMatchObject({ inFlight: 1 })
  })

  test('are none where a call of ours has just come free here, and not there', async () => {
    const { clock, free, told, quick } = world()
    for (let i = 0; i < 5; i++) quick({ labels })
    // The five are back here at 1001; the call under way arrives before they are a window old there.
    await clock.advance(990)
    await told({ remaining: 4 }, 20)
    expect(free()).toBe(9)
  })

  test('are none where it has come free here, was looked at, and still counts there', async () => {
    const { clock, free, told, quick, job } = world()
    await told({ remaining: 9 }, 100)
    for (let i = 0; i < 5; i++) quick({ labels })
    await clock.advance(990)
    const last = job({ labels })
    await clock.advance(11)
    expect(free()).toBe(9)
    await clock.advance(9)
    last.admission.usage({ limit: 'uid', remaining: 4, resetMs: 1_000 })
    expect(free()).toBe(9)
  })

  test('are none that anybody could tell where our own of that time are forgotten', async () => {
    const { clock, free, told, quick, job } = world()
    await told({ remaining: 9 }, 20)
    for (let i = 0; i < 5; i++) quick({ labels })
    const late = job({ labels })
    // The five are long back when the answer comes that counts them.
    await clock.advance(5_000)
    expect(free()).toBe(9)
    late.admission.usage({ limit: 'uid', remaining: 4, resetMs: 1_000 })
    expect(free()).toBe(9)
    await clock.advance(2_001)
    await told({ remaining: 4 }, 20)
    expect(free()).toBe(4)
  })

  test('are told anew by the newest answer only', async () => {
    const { clock, scheduler, free } = world()
    const answers: ((seen: Partial<Usage>) => void)[] = []
    for (let i = 0; i < 2; i++) {
      void scheduler.schedule({ labels }, admission => {
        return new Promise<void>(resolve => {
          answers.push(seen => {
            admission.usage({ limit: 'uid', resetMs: 900, ...seen })
            resolve()
          })
        })
      })
      await clock.advance(10)
    }
    answers[1]?.({ remaining: 5 })
    await clock.advance(0)
    expect(free()).toBe(5)
    answers[0]?.({ remaining: 0 })
    await clock.advance(0)
    expect(free()).toBe(5)
  })

  test('and what a predecessor took before a paced start are the same tokens', async () => {
    const { clock, free, told } = world([perUid()], { coldStart: 'paced' })
    await clock.advance(1_000)
    await told({ remaining: 5, resetMs: 500 })
    expect(free()).toBe(4)
  })
})

describe('is no news', () => {
  test.each<[string, Partial<Usage>]>([
    ['of another scope: more remains than the limit', { remaining: 11 }],
    ['of another scope: a longer window', { remaining: 1, resetMs: 60_000 }],
  ])('%s', async (_, seen) => {
    const { free, told } = world()
    await told(seen)
    expect(free()).toBe(9)
  })

  test('a higher limit than is documented', async () => {
    const { free, told } = world()
    await told({ max: 40 })
    expect(free()).toBe(9)
    await told({ remaining: 5, max: 40 })
    expect(free()).toBe(5)
  })

  test('and takes back nothing that was told before', async () => {
    const { free, told } = world()
    await told({ remaining: 4 })
    await told({ remaining: 11 })
    expect(free()).toBe(3)
  })
})

describe('trustHeaders: raise', () => {
  test('a higher limit is believed while it is told', async () => {
    const { clock, free, told, job } = world([perUid({ trustHeaders: 'raise' })])
    await told({ remaining: 39, max: 40 })
    expect(free()).toBe(39)
    for (let i = 0; i < 30; i++) expect(job({ labels }).started).toBe(true)
    await clock.advance(2_000)
    expect(free()).toBe(0)
  })

  test('what remains tells it, too', async () => {
    const { free, told } = world([perUid({ trustHeaders: 'raise' })])
    await told({ remaining: 24 })
    expect(free()).toBe(24)
  })
})

test('a lower limit, even none at all, leaves one token, and is believed for two windows', async () => {
  const { clock, free, told, quick } = world()
  await told({ max: 0, resetMs: 0 })
  expect(free()).toBe(0)
  await clock.advance(1_001)
  expect([quick({ labels }).started, quick({ labels }).started]).toStrictEqual([true, false])
  await clock.advance(999)
  expect(free()).toBe(8)
})

test('of a limit that is none of the call’s: TypeError', async () => {
  const { scheduler } = gate([perUid(), tokenBucket({ name: 'ip', limit: 5, windowMs: 1_000, by: ['ip'] })])
  const call = scheduler.schedule({ labels }, admission => admission.usage({ limit: 'ip', remaining: 1, resetMs: 5 }))
  await expect(call).rejects.toThrow(
    'usage: option "limit": expected the name of a token bucket of this call ("uid"), got "ip"',
  )
})

test.each<[unknown, string]>([
  [{ limit: 'uid', resetMs: 5 }, 'usage: expected at least one of remaining, used, max, got none'],
  [{ limit: 'uid', remaining: 5 }, 'usage: option "resetMs": expected a finite number of at least 0, got undefined'],
  [
    { limit: 'uid', remaining: -1, resetMs: 5 },
    'usage: option "remaining": expected a finite number of at least 0, got -1',
  ],
  [{ limit: 'uid', left: 1, resetMs: 5 }, 'usage: unknown option "left"'],
])('bad input: %o', async (seen, message) => {
  const { scheduler } = gate([perUid()])
  const call = scheduler.schedule({ labels }, admission => admission.usage(seen as Usage))
  await expect(call).rejects.toThrow(TypeError)
  await expect(call).rejects.toThrow(message)
})
