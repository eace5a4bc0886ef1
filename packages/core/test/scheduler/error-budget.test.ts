import { ErrorBudgetError, errorBudget, inFlight, type Limit, tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { gate, type Job } from './harness.ts'

const labels = { uid: 'u', endpoint: 'e' }
const wide = tokenBucket({ name: 'uid', limit: 1_000, windowMs: 1_000, by: ['uid'] })
const twenty = { name: 'errors', limit: 20, windowMs: 480_000, by: ['uid', 'endpoint'] } as const

async function fail(job: Job, code: string | number): Promise<void> {
  job.admission.failed(code)
  job.fail(new Error(`code ${code}`))
  await job.promise.catch(() => undefined)
}

/** Calls that all fail, at a steady rate, each answered after a while. */
async function volley(limits: readonly Limit[], calls: number, everyMs: number, answerMs: number, code = 100202) {
  const { clock, scheduler, events } = gate(limits)
  const errors: unknown[] = []
  let sent = 0
  for (let i = 0; i < calls; i++) {
    const call = scheduler.schedule({ labels }, async admission => {
      sent++
      await new Promise<void>(resolve => clock.setTimer(resolve, answerMs))
      admission.failed(code)
      throw new Error('insufficient balance')
    })
    call.catch(error => errors.push(error))
    await clock.advance(everyMs)
  }
  await clock.advance(60_000)
  return { sent, events, turnedAway: errors.filter(error => error instanceof ErrorBudgetError).length, errors }
}

describe('a volley of errors', () => {
  test.each([5, 300, 700])(
    'answered after %d ms: half of the number is sent, the rest fails at once',
    async answerMs => {
      const { sent, turnedAway, events } = await volley([wide, errorBudget(twenty)], 40, 33, answerMs)
      expect(sent).toBeLessThanOrEqual(answerMs < 500 ? 10 : 19)
      expect(sent).toBeGreaterThanOrEqual(10)
      expect(turnedAway).toBe(40 - sent)
      expect(events.filter(event => event.type === 'budget-spent')).toHaveLength(1)
    },
  )

  test('before any error calls in flight stay below the number of the server', async () => {
    expect((await volley([wide, errorBudget(twenty)], 100, 0, 1_000)).sent).toBe(19)
  })

  test.each([
    [0.1, 2],
    [0.9, 18],
    [1, 19],
  ])('stopAt %d', async (stopAt, sent) => {
    expect((await volley([wide, errorBudget({ ...twenty, stopAt })], 40, 33, 5)).sent).toBe(sent)
  })
})

describe('a spent budget', () => {
  async function spend() {
    const world = gate([wide, inFlight({ name: 'cap', limit: 4, by: ['uid'] }), errorBudget({ ...twenty, limit: 4 })])
    await fail(world.job({ labels }), 7)
    await world.clock.advance(1_000)
    return world
  }

  test('fails those that wait too, and says until when', async () => {
    const { clock, job, events } = await spend()
    const last = job({ labels })
    const waits = job({ labels })
    expect([last.started, waits.started]).toStrictEqual([true, false])
    await fail(last, 7)
    await clock.advance(0)
    expect(waits.value).toBeInstanceOf(ErrorBudgetError)
    // The older of the two errors is a window old then; 96 ms are the guard.
    expect(waits.value).toMatchObject({
      code: 'ERROR_BUDGET',
      labels,
      limit: 'errors',
      errorCode: '7',
      retryAfterMs: 479_096,
    })
    expect((waits.value as Error).message).toBe(
      'not sent: code 7 came so often that budget "errors" is spent, to go again in 479096 ms: uid=u endpoint=e',
    )
    expect(events.at(-1)).toStrictEqual({
      type: 'budget-spent',
      labels,
      limit: 'errors',
      errorCode: '7',
      forMs: 479_096,
    })
  })

  test('leaves other endpoints and accounts alone', async () => {
    const { job } = await spend()
    await fail(job({ labels }), 7)
    const states = [labels, { uid: 'u', endpoint: 'f' }, { uid: 'v', endpoint: 'e' }].map(each => job({ labels: each }))
    await Promise.resolve()
    expect(states.map(each => each.started)).toStrictEqual([false, true, true])
  })

  test('lets one call go when its oldest error is a window old, and others when that one was answered well', async () => {
    const { clock, job } = await spend()
    await fail(job({ labels }), 7)
    await clock.advance(479_095)
    expect(job({ labels }).started).toBe(false)
    await clock.advance(1)
    const first = job({ labels })
    const second = job({ labels })
    expect([first.started, second.started]).toStrictEqual([true, false])
    first.answer('well')
    await clock.advance(0)
    expect(second.started).toBe(true)
  })

  test('is no limit of its own: a call under it alone is refused a place', async () => {
    const { scheduler } = gate([
      tokenBucket({ name: 'host', limit: 5, windowMs: 1_000, by: ['host'] }),
      errorBudget(twenty),
    ])
    const call = scheduler.schedule({ labels }, () => 1)
    await expect(call).rejects.toThrow(TypeError)
  })
})

describe('codes', () => {
  test('are counted apart', async () => {
    const { job } = gate([wide, errorBudget({ ...twenty, limit: 6 })])
    for (const code of [1, 1, 2, 2, 3, 3]) await fail(job({ labels }), code)
    expect(job({ labels }).started).toBe(true)
  })

  test('a text and a number are one code, and any of them stops all calls', async () => {
    const { job } = gate([wide, errorBudget({ ...twenty, limit: 6 })])
    for (const code of [1, '1', 1]) await fail(job({ labels }), code)
    expect(job({ labels }).started).toBe(false)
  })

  test('count: together', async () => {
    const { job } = gate([wide, errorBudget({ ...twenty, limit: 6, count: 'together' })])
    for (const code of [1, 2, 3]) await fail(job({ labels }), code)
    const call = job({ labels })
    await call.promise.catch(() => undefined)
    expect(call.value).toMatchObject({ errorCode: '3' })
  })

  test('only those that are listed', async () => {
    const { job } = gate([wide, errorBudget({ ...twenty, limit: 4, codes: ['9'] })])
    for (const code of [1, 1, 1, 9]) await fail(job({ labels }), code)
    const last = job({ labels })
    expect(last.started).toBe(true)
    await fail(last, 9)
    expect(job({ labels }).started).toBe(false)
  })

  test('old errors are forgotten', async () => {
    const { clock, job } = gate([wide, errorBudget({ ...twenty, limit: 4, windowMs: 1_000 })])
    await fail(job({ labels }), 1)
    await clock.advance(1_001)
    await fail(job({ labels }), 1)
    expect(job({ labels }).started).toBe(true)
  })
})

test('what is said of a call after its end counts nothing, and a call counts once', async () => {
  const { job, scheduler } = gate([wide, errorBudget({ ...twenty, limit: 4 })])
  const call = job({ labels })
  call.answer('well')
  await call.promise
  call.admission.failed(1)
  call.admission.failed(1)
  expect(scheduler.snapshot().budgets).toMatchObject([{ name: 'errors', limit: 4, free: 3, inFlight: 0 }])
})

test('a refused call that waits again fails with the others', async () => {
  const { clock, job } = gate([wide, errorBudget({ ...twenty, limit: 4 })])
  const refused = job({ labels })
  const failing = job({ labels })
  await fail(job({ labels }), 1)
  failing.admission.failed(1)
  refused.refuse()
  await clock.advance(0)
  expect(refused.value).toBeInstanceOf(ErrorBudgetError)
})

test('a number set to one still lets a call go at a time', async () => {
  const { scheduler, job } = gate([wide, errorBudget(twenty)])
  scheduler.setLimit('errors', 1)
  expect([job({ labels }).started, job({ labels }).started]).toStrictEqual([true, false])
})
