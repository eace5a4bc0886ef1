import { createScheduler, inFlight, type Limit, type ScheduleRequest, tokenBucket } from '@headgate/core'
import { virtualClock } from '@headgate/core/testing'
import { describe, expect, test } from 'vitest'
import { gate } from './harness.ts'

const good = { name: 'uid', limit: 5, windowMs: 1000, by: ['uid'] }
const limits = [tokenBucket(good)]
const labels = { uid: 'u' }

/** As from JavaScript, where the types hold nobody back. */
type Untyped = (options: unknown) => unknown

function throwsTypeError(run: () => unknown, message: string): void {
  expect(run).toThrow(TypeError)
  expect(run).toThrow(new TypeError(message))
}

describe('tokenBucket', () => {
  test.each<[unknown, string]>([
    [undefined, 'tokenBucket: expected an object of options, got undefined'],
    [null, 'tokenBucket: expected an object of options, got null'],
    [[], 'tokenBucket: expected an object of options, got an empty array'],
    ['x', 'tokenBucket: expected an object of options, got "x"'],
    [{ ...good, name: '' }, 'tokenBucket: option "name": expected a text that is not empty, got ""'],
    [{ ...good, name: 7 }, 'tokenBucket: option "name": expected a text that is not empty, got 7'],
    [{ ...good, limit: 0 }, 'tokenBucket: option "limit": expected a whole number of at least 1, got 0'],
    [{ ...good, limit: -1 }, 'tokenBucket: option "limit": expected a whole number of at least 1, got -1'],
    [{ ...good, limit: 1.5 }, 'tokenBucket: option "limit": expected a whole number of at least 1, got 1.5'],
    [{ ...good, limit: Number.NaN }, 'tokenBucket: option "limit": expected a whole number of at least 1, got NaN'],
    [
      { ...good, limit: Number.POSITIVE_INFINITY },
      'tokenBucket: option "limit": expected a whole number of at least 1, got Infinity',
    ],
    [{ ...good, limit: '5' }, 'tokenBucket: option "limit": expected a whole number of at least 1, got "5"'],
    [{ ...good, limit: 5n }, 'tokenBucket: option "limit": expected a whole number of at least 1, got 5n'],
    [
      { ...good, limit: undefined },
      'tokenBucket: option "limit": expected a whole number of at least 1, got undefined',
    ],
    [{ ...good, windowMs: 0 }, 'tokenBucket: option "windowMs": expected a finite number above 0, got 0'],
    [
      { ...good, windowMs: Number.POSITIVE_INFINITY },
      'tokenBucket: option "windowMs": expected a finite number above 0, got Infinity',
    ],
    [{ ...good, windowMs: '1s' }, 'tokenBucket: option "windowMs": expected a finite number above 0, got "1s"'],
    [
      { ...good, by: [] },
      'tokenBucket: option "by": expected an array of different label names, at least one, got an empty array',
    ],
    [
      { ...good, by: 'uid' },
      'tokenBucket: option "by": expected an array of different label names, at least one, got "uid"',
    ],
    [
      { ...good, by: ['uid', 'uid'] },
      'tokenBucket: option "by": expected an array of different label names, at least one, got an array of 2',
    ],
    [
      { ...good, by: [''] },
      'tokenBucket: option "by": expected an array of different label names, at least one, got an array of 1',
    ],
    [{ ...good, where: true }, 'tokenBucket: option "where": expected a function of the labels, got true'],
    [{ ...good, cost: 2 }, 'tokenBucket: option "cost": expected a function of the labels, got 2'],
    [{ ...good, burst: 0 }, 'tokenBucket: option "burst": expected a whole number of at least 1, got 0'],
    [
      { ...good, window: 'fixed' },
      'tokenBucket: option "window": expected "sliding", "aligned", "anchored" or "decay", got "fixed"',
    ],
    [
      { ...good, window_ms: 5 },
      'tokenBucket: unknown option "window_ms": expected one of name, limit, windowMs, by, where, cost, burst, window, trustHeaders, reserve, got 5',
    ],
  ])('%o', (options, message) => throwsTypeError(() => (tokenBucket as Untyped)(options), message))

  test('what it gives cannot be changed by accident', () => {
    const limit = tokenBucket(good)
    expect([Object.isFrozen(limit), Object.isFrozen(limit.by)]).toStrictEqual([true, true])
    expect(limit.by).not.toBe(good.by)
  })
})

describe('inFlight', () => {
  test.each<[unknown, string]>([
    [{ name: 'x', by: ['uid'] }, 'inFlight: option "limit": expected a whole number of at least 1, got undefined'],
    [{ name: 'x', limit: 0, by: ['uid'] }, 'inFlight: option "limit": expected a whole number of at least 1, got 0'],
    [
      { name: 'x', limit: 1, by: [1] },
      'inFlight: option "by": expected an array of different label names, at least one, got an array of 1',
    ],
    [{ limit: 1, by: ['uid'] }, 'inFlight: option "name": expected a text that is not empty, got undefined'],
    [
      { name: 'x', limit: 1, by: ['uid'], windowMs: 5 },
      'inFlight: unknown option "windowMs": expected one of name, limit, by, got 5',
    ],
  ])('%o', (options, message) => throwsTypeError(() => (inFlight as Untyped)(options), message))
})

describe('createScheduler', () => {
  const all = 'an array of limits made by tokenBucket(), inFlight() or errorBudget(), at least one'
  test.each<[unknown, string]>([
    [undefined, 'createScheduler: expected an object of options, got undefined'],
    [{}, `createScheduler: option "limits": expected ${all}, got undefined`],
    [{ limits: [] }, `createScheduler: option "limits": expected ${all}, got an empty array`],
    [{ limits: [good] }, `createScheduler: option "limits": expected ${all}, got an array of 1`],
    [{ limits: [null] }, `createScheduler: option "limits": expected ${all}, got an array of 1`],
    [
      { limits: [...limits, ...limits] },
      'createScheduler: option "limits": expected limits of different names, got "uid, uid"',
    ],
    [
      { limits: [{ ...limits[0], limit: 0 }] },
      'tokenBucket: option "limit": expected a whole number of at least 1, got 0',
    ],
    [{ limits, maxQueued: -1 }, 'createScheduler: option "maxQueued": expected a whole number of at least 0, got -1'],
    [{ limits, share: 0 }, 'createScheduler: option "share": expected a number above 0 and at most 1, got 0'],
    [{ limits, share: 1.01 }, 'createScheduler: option "share": expected a number above 0 and at most 1, got 1.01'],
    [
      { limits, share: Number.NaN },
      'createScheduler: option "share": expected a number above 0 and at most 1, got NaN',
    ],
    [
      { limits, overflow: 'drop' },
      'createScheduler: option "overflow": expected "reject", "drop-oldest" or "drop-lowest", got "drop"',
    ],
    [
      { limits, coldStart: 'warm' },
      'createScheduler: option "coldStart": expected "paced", "full" or "spent", got "warm"',
    ],
    [{ limits, fairBy: '' }, 'createScheduler: option "fairBy": expected the name of a label, got ""'],
    [{ limits, timeoutMs: 0 }, 'createScheduler: option "timeoutMs": expected a finite number of at least 1, got 0'],
    [
      { limits, timeoutMs: Number.NaN },
      'createScheduler: option "timeoutMs": expected a finite number of at least 1, got NaN',
    ],
    [
      { limits, lostCallMs: -1 },
      'createScheduler: option "lostCallMs": expected a finite number of at least 0, got -1',
    ],
    [{ limits, floorMs: 5 }, 'createScheduler: option "floorMs": expected 0, got 5'],
    [
      { limits, clock: {} },
      'createScheduler: option "clock": expected an object with nowMs, epochMs, setTimer, got an object',
    ],
    [
      { limits, clock: null },
      'createScheduler: option "clock": expected an object with nowMs, epochMs, setTimer, got null',
    ],
    [{ limits, memory: 'file' }, 'createScheduler: option "memory": expected an object with open, got "file"'],
    [{ limits, ledger: () => 0 }, 'createScheduler: option "ledger": expected an object with open, got a function'],
    [{ limits, random: 0.5 }, 'createScheduler: option "random": expected a function, got 0.5'],
    [{ limits, observer: {} }, 'createScheduler: option "observer": expected a function, got an object'],
    [{ limits, maxQueue: 5 }, /unknown option "maxQueue": expected one of limits, maxQueued, .*, got 5/.source],
  ])('%o', (options, message) => {
    const run = () => (createScheduler as Untyped)(options)
    expect(run).toThrow(TypeError)
    expect(run).toThrow(message.includes('.*') ? new RegExp(message) : new TypeError(message))
  })

  test('its limits are taken as they are then', () => {
    const list: Limit[] = [...limits]
    const scheduler = createScheduler({ limits: list, clock: virtualClock() })
    list.push(inFlight({ name: 'later', limit: 1, by: ['uid'] }))
    expect(() => scheduler.setLimit('later', 1)).toThrow(TypeError)
  })
})

describe('schedule', () => {
  const known = 'labels, alternatives, cost, priority, maxWaitMs, signal, coalesce, retries, unlimited'
  test.each<[unknown, string]>([
    [undefined, 'schedule: expected an object of options, got undefined'],
    [{}, 'schedule: option "labels": expected an object of texts, got undefined'],
    [{ labels: 'u' }, 'schedule: option "labels": expected an object of texts, got "u"'],
    [{ labels: ['u'] }, 'schedule: option "labels": expected an object of texts, got an array of 1'],
    [{ labels: { uid: 7 } }, 'schedule: option "labels.uid": expected a text, got 7'],
    [
      { labels: {} },
      'schedule: option "labels": expected labels that a limit applies to ("uid" by uid), or unlimited: true, got none',
    ],
    [
      { labels: { ip: 'a' } },
      'schedule: option "labels": expected labels that a limit applies to ("uid" by uid), or unlimited: true, got ip',
    ],
    [{ labels, cost: -1 }, 'schedule: option "cost": expected a whole number of at least 0, got -1'],
    [{ labels, cost: 0.5 }, 'schedule: option "cost": expected a whole number of at least 0, got 0.5'],
    [
      { labels, cost: '1' },
      'schedule: option "cost": expected a whole number, or whole numbers by limit name, got "1"',
    ],
    [
      { labels, cost: null },
      'schedule: option "cost": expected a whole number, or whole numbers by limit name, got null',
    ],
    [{ labels, cost: { uid: 1.5 } }, 'schedule: option "cost.uid": expected a whole number of at least 0, got 1.5'],
    [{ labels, cost: { ip: 1 } }, 'schedule: cost: unknown option "ip": expected one of uid, got 1'],
    [{ labels, priority: Number.NaN }, 'schedule: option "priority": expected a finite number, got NaN'],
    [{ labels, priority: 'high' }, 'schedule: option "priority": expected a finite number, got "high"'],
    [{ labels, maxWaitMs: -1 }, 'schedule: option "maxWaitMs": expected a finite number of at least 0, got -1'],
    [
      { labels, maxWaitMs: Number.POSITIVE_INFINITY },
      'schedule: option "maxWaitMs": expected a finite number of at least 0, got Infinity',
    ],
    [{ labels, signal: {} }, 'schedule: option "signal": expected an AbortSignal, got an object'],
    [{ labels, coalesce: 7 }, 'schedule: option "coalesce": expected a text, got 7'],
    [{ labels, retries: -1 }, 'schedule: option "retries": expected a whole number of at least 0, got -1'],
    [{ labels, unlimited: 'yes' }, 'schedule: option "unlimited": expected true or false, got "yes"'],
    [{ labels, retry: 3 }, `schedule: unknown option "retry": expected one of ${known}, got 3`],
    [
      { labels, priorities: 'x'.repeat(70) },
      `schedule: unknown option "priorities": expected one of ${known}, got "${'x'.repeat(60)}…"`,
    ],
  ])('%o', async (request, message) => {
    const { scheduler } = gate(limits)
    const schedule = scheduler.schedule.bind(scheduler) as (...args: unknown[]) => Promise<unknown>
    await expect(schedule(request, () => 1)).rejects.toThrow(new TypeError(message))
    if (request !== undefined) throwsTypeError(() => (scheduler.explain.bind(scheduler) as Untyped)(request), message)
    expect(scheduler.snapshot()).toMatchObject({ lanes: [], counters: { judgements: 0, admitted: 0, queued: 0 } })
    for (const bucket of scheduler.snapshot().buckets) expect(bucket.free).toBe(5)
  })

  test.each([[undefined], [null], ['task'], [{}]])('a task that is %o', async task => {
    const { scheduler } = gate(limits)
    await expect(scheduler.schedule({ labels }, task as never)).rejects.toThrow(TypeError)
    await expect(scheduler.schedule({ labels }, task as never)).rejects.toThrow(
      'schedule: expected a task to run, got ',
    )
    expect(scheduler.snapshot().buckets).toStrictEqual([])
  })

  test('labels that come from a prototype are not labels', async () => {
    const { scheduler } = gate(limits)
    const request: ScheduleRequest = { labels: Object.create(labels) as Record<string, string> }
    await expect(scheduler.schedule(request, () => 1)).rejects.toThrow('expected labels that a limit applies to')
  })
})

describe('hold, release and setLimit', () => {
  const call = (name: 'hold' | 'halve' | 'release' | 'setLimit' | 'remember' | 'recall', ...args: unknown[]) => {
    const { scheduler } = gate(limits)
    return () => (scheduler[name] as (...args: unknown[]) => unknown).apply(scheduler, args)
  }

  test.each<[() => unknown, string]>([
    [call('hold'), 'hold: option "labels": expected an object of texts, got undefined'],
    [call('hold', { uid: 1 }, { forMs: 1, reason: 'x' }), 'hold: option "labels.uid": expected a text, got 1'],
    [call('hold', labels), 'hold: expected an object of options, got undefined'],
    [
      call('hold', labels, { reason: 'x' }),
      'hold: option "forMs": expected a finite number of at least 0, got undefined',
    ],
    [
      call('hold', labels, { forMs: -1, reason: 'x' }),
      'hold: option "forMs": expected a finite number of at least 0, got -1',
    ],
    [
      call('hold', labels, { forMs: Number.NaN, reason: 'x' }),
      'hold: option "forMs": expected a finite number of at least 0, got NaN',
    ],
    [call('hold', labels, { forMs: 1 }), 'hold: option "reason": expected a text, got undefined'],
    [
      call('hold', labels, { forMs: 1, reason: 'x', until: 5 }),
      'hold: unknown option "until": expected one of forMs, reason, got 5',
    ],
    [call('halve'), 'halve: option "labels": expected an object of texts, got undefined'],
    [
      call('halve', labels, { forMs: Number.POSITIVE_INFINITY, reason: 'x' }),
      'halve: option "forMs": expected a finite number of at least 0, got Infinity',
    ],
    [call('halve', labels, { forMs: 1 }), 'halve: option "reason": expected a text, got undefined'],
    [call('remember', ''), 'remember: option "name": expected a text that is not empty, got ""'],
    [call('remember', 'x'), 'remember: option "forMs": expected a finite number of at least 1, got undefined'],
    [call('recall'), 'recall: option "name": expected a text that is not empty, got undefined'],
    [call('release'), 'release: option "labels": expected an object of texts, got undefined'],
    [call('setLimit', 'ip', 5), 'setLimit: option "name": expected the name of a limit (uid), got "ip"'],
    [call('setLimit', undefined, 5), 'setLimit: option "name": expected the name of a limit (uid), got undefined'],
    [call('setLimit', 'uid', 0), 'setLimit: option "limit": expected a whole number of at least 1, got 0'],
    [call('setLimit', 'uid', 2.5), 'setLimit: option "limit": expected a whole number of at least 1, got 2.5'],
    [call('setLimit', 'uid'), 'setLimit: option "limit": expected a whole number of at least 1, got undefined'],
  ])('%#: %o', (run, message) => throwsTypeError(run, message))
})

describe('what a task says', () => {
  test.each<[string, unknown, string]>([
    ['counted', 5, 'counted: expected an object of options, got 5'],
    [
      'counted',
      { serverTimeMs: 'now' },
      'counted: option "serverTimeMs": expected a finite number of at least 0, got "now"',
    ],
    ['counted', { reusedConnection: 1 }, 'counted: option "reusedConnection": expected true or false, got 1'],
    [
      'counted',
      { servertime: 1 },
      'counted: unknown option "servertime": expected one of serverTimeMs, reusedConnection, got 1',
    ],
    ['refused', null, 'refused: expected an object of options, got null'],
    ['refused', { holdMs: -5 }, 'refused: option "holdMs": expected a finite number of at least 0, got -5'],
    [
      'refused',
      { holdMs: Number.POSITIVE_INFINITY },
      'refused: option "holdMs": expected a finite number of at least 0, got Infinity',
    ],
    [
      'refused',
      { by: [] },
      'refused: option "by": expected an array of different label names, at least one, got an empty array',
    ],
    ['refused', { by: ['ip'] }, 'refused: option "by": expected names of labels the request carries (uid), got ip'],
    ['refused', { reason: 5 }, 'refused: option "reason": expected a text, got 5'],
    ['refused', { untilMs: 5 }, 'refused: unknown option "untilMs": expected one of holdMs, by, reason, got 5'],
  ])('admission.%s(%o)', async (word, options, message) => {
    const { clock, scheduler, job, events } = gate(limits)
    const running = job({ labels })
    const admission = running.admission as unknown as Record<string, Untyped>
    throwsTypeError(() => admission[word]?.(options), message)
    expect(scheduler.snapshot().buckets).toMatchObject([{ free: 4, inFlight: 1 }])
    running.answer('fine')
    await clock.advance(0)
    expect(running.value).toBe('fine')
    expect(events.map(event => event.type)).toStrictEqual(['admitted'])
  })
})
