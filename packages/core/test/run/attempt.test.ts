import { inFlight, TimeoutError, tokenBucket } from '@headgate/core'
import { describe, expect, test } from 'vitest'
import { gate, type Job, startsOf } from '../scheduler/harness.ts'

const labels = { uid: 'u' }
const perUid = (limit: number) => tokenBucket({ name: 'uid', limit, windowMs: 1000, by: ['uid'] })
const cap = (limit: number) => inFlight({ name: 'cap', limit, by: ['uid'] })

/** How a call whose task does `how` after 100 ms makes the next one wait, with one token a second. */
async function nextStartAfter(how: (job: Job) => void): Promise<number | undefined> {
  const { clock, job, quick } = gate([perUid(1)])
  // Something else is heard on the route, so that it is not silent.
  const other = job({ labels: { uid: 'other' } })
  const first = job({ labels })
  const next = quick({ labels })
  await clock.advance(100)
  how(first)
  other.answer()
  await clock.advance(400)
  first.answer()
  await clock.advance(20_000)
  return next.startsMs[0]
}

/** Says these words, in this order. */
const say =
  (...words: ('counted' | 'lost' | 'unsent')[]) =>
  ({ admission }: Job) => {
    for (const word of words) admission[word]()
  }

describe('what a task says of its call decides when the tokens come back', () => {
  test.each<[string, (job: Job) => void, number]>([
    ['nothing: a window and the guard after its end', () => undefined, 1501],
    ['counted(): after the headers, not after the body', say('counted'), 1101],
    ['unsent(): at once', say('unsent'), 100],
    ['lost(): a window and what may still be under way', say('lost'), 6100],
    ['counted(), then lost(): counted is counted', say('counted', 'lost'), 1101],
    ['counted(), then unsent(): counted is counted', say('counted', 'unsent'), 1101],
    ['unsent(), then lost(): the first word stands', say('unsent', 'lost'), 100],
    ['lost(), then counted(): the first word stands', say('lost', 'counted'), 6100],
    ['a rejection without an answer: lost', job => job.lose(), 6100],
    ['a rejection with an answer: counted', job => job.fail(new Error('HTTP 500')), 1101],
  ])('%s', async (_, how, atMs) => {
    expect(await nextStartAfter(how)).toBe(atMs)
  })

  test('a cap is left when the call is over, lost or unsent, not when it is counted', async () => {
    const { clock, job } = gate([cap(1)])
    const jobs = Array.from({ length: 4 }, () => job({ labels }))
    jobs[0]?.admission.counted()
    await clock.advance(10)
    expect(startsOf(jobs)).toStrictEqual([0, undefined, undefined, undefined])
    jobs[0]?.answer()
    await clock.advance(10)
    jobs[1]?.admission.lost()
    jobs[2]?.admission.unsent()
    await clock.advance(0)
    expect(startsOf(jobs)).toStrictEqual([0, 10, 20, 20])
  })
})

describe('a rejection means that no answer came when', () => {
  const aborted = new AbortController()
  aborted.abort(new Error('the user left'))
  test.each<[string, unknown, boolean]>([
    ['it is an abort', new DOMException('', 'AbortError'), true],
    ['it is a time-out', new DOMException('', 'TimeoutError'), true],
    ['fetch failed', new TypeError('fetch failed'), true],
    ['the connection was reset', Object.assign(new Error(), { code: 'ECONNRESET' }), true],
    ['undici says so, as a cause', new TypeError('x', { cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } }), true],
    ["it is the reason of the caller's own abort", aborted.signal.reason, true],
    ['not: another error', new Error('the user left'), false],
    ['not: an abort with a response', Object.assign(new DOMException('', 'AbortError'), { response: {} }), false],
    ['not: nothing at all', undefined, false],
  ])('%s', async (_, error, isLost) => {
    const { clock, scheduler, job } = gate([perUid(1)])
    const controller = new AbortController()
    const call = job({ labels, signal: controller.signal })
    controller.abort(aborted.signal.reason)
    call.fail(error)
    await clock.advance(0)
    expect(call.value).toBe(error)
    expect(scheduler.snapshot().counters).toMatchObject({ lost: isLost ? 1 : 0, answered: isLost ? 0 : 1 })
  })

  test('the reason may be anything, a text too', async () => {
    const { clock, scheduler } = gate([perUid(1)])
    const controller = new AbortController()
    const call = scheduler.schedule(
      { labels, signal: controller.signal },
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    controller.abort('stop')
    await expect(call).rejects.toBe('stop')
    await clock.advance(0)
    expect(scheduler.snapshot().counters).toMatchObject({ lost: 1 })
  })
})

describe('the floor of round trips', () => {
  const labels = { uid: 'u', kind: 'x' }

  /** Fifty warm round trips of 100 ms, then how long a call with one token a second waits for the one before it. */
  async function waitAfterFifty(spoil: (job: Job, index: number) => unknown = () => undefined) {
    const { clock, scheduler, job, quick } = gate([perUid(100)])
    for (let i = 0; i < 50; i++) {
      const call = job({ labels, retries: 0 })
      if (i === 25) spoil(call, i)
      await clock.advance(100)
      spoil(call, i)
      call.answer()
      await clock.advance(0)
    }
    scheduler.setLimit('uid', 1)
    await clock.advance(5000)
    const first = job({ labels })
    const startMs = clock.nowMs()
    const next = quick({ labels })
    await clock.advance(100)
    first.answer()
    await clock.advance(5000)
    return (next.startsMs[0] ?? Number.NaN) - startMs
  }

  test('shortens the wait by nine tenths of the smallest, when all are alike', async () => {
    expect(await waitAfterFifty()).toBeCloseTo(100 + 1001 - 90, 6)
  })

  const failAtOnce = (job: Job) => {
    job.admission.counted()
    job.fail(new Error('HTTP 502'))
  }
  test.each<[string, (job: Job) => void]>([
    ['of an error that a proxy on the way gave at once', failAtOnce],
    // By a label that no bucket is kept by: it halves nothing.
    ['of a call that was refused at once', job => job.refuse({ by: ['kind'] })],
  ])('is not spoiled by the round trip %s', async (_, spoil) => {
    expect(await waitAfterFifty((job, i) => i === 25 && spoil(job))).toBeCloseTo(100 + 1001 - 90, 6)
  })

  test('falls when a route has become faster, seen over a new connection or not', async () => {
    const quicker = (reusedConnection: boolean) =>
      waitAfterFifty((job, i) => {
        if (i !== 25) return
        job.admission.counted({ reusedConnection })
        job.answer()
      })
    expect(await quicker(true)).toBe(1101)
    expect(await quicker(false)).toBe(1101)
  })

  test('learns nothing from new connections alone', async () => {
    expect(await waitAfterFifty(job => job.admission.counted({ reusedConnection: false }))).toBe(1101)
  })

  test('floorMs: 0 turns it off', async () => {
    const { clock, job, quick } = gate([perUid(1)], { floorMs: 0 })
    for (let i = 0; i < 50; i++) {
      const call = job({ labels })
      await clock.advance(100)
      call.answer()
      await clock.advance(1001)
    }
    const jobs = [quick({ labels }), quick({ labels })]
    await clock.advance(2000)
    expect(startsOf(jobs)).toStrictEqual([50 * 1101, 50 * 1101 + 1001])
  })
})

describe('the signal of an admission', () => {
  test('is the same every time, and of its own time-out and caller alone', async () => {
    const { clock, job } = gate([perUid(2)], { timeoutMs: 1000 })
    const jobs = [job({ labels }), job({ labels })]
    const signals = jobs.map(each => each.admission.signal)
    expect(jobs[0]?.admission.signal).toBe(signals[0])
    await clock.advance(500)
    jobs[1]?.answer()
    await clock.advance(500)
    expect(signals.map(signal => signal.aborted)).toStrictEqual([true, false])
    expect(signals[0]?.reason).toBeInstanceOf(TimeoutError)
  })

  test('asked for after the caller aborted is aborted at once', () => {
    const { job } = gate([perUid(1)])
    const controller = new AbortController()
    const call = job({ labels, signal: controller.signal })
    controller.abort('gone')
    expect(call.admission.signal.reason).toBe('gone')
  })
})
