import {
  createScheduler,
  inFlight,
  type Ledger,
  type Limit,
  memoryLedger,
  type Scheduler,
  type SchedulerOptions,
  type TokenBucketLimit,
  tokenBucket,
} from '@headgate/core'
import { checkWindows, seededRandom, type VirtualClock, virtualClock } from '@headgate/core/testing'
import * as fc from 'fast-check'
import { laterLedger } from './later-ledger.ts'

/** How a call ends, as far as the network and the server go. */
export type Fate = 'answered' | 'fails' | 'refused' | 'held' | 'breaks' | 'says lost' | 'never ends' | 'unsent'

export interface CallPlan {
  atMs: number
  uid: number
  ip: number
  endpoint: number
  cost: number | Record<string, number> | undefined
  priority: number
  fate: Fate
  /** Under way to the server; of a request that is given up before, until the server counts it after all. */
  requestMs: number
  answerMs: number
  /** After `counted`, until the task ends. */
  bodyMs: number
  /** When a caller without an answer gives up, after sending. */
  giveUpMs: number
  abortAfterMs: number | undefined
  heedsAbort: boolean
  maxWaitMs: number | undefined
}

/** A plain call, answered at once. */
export function plainCall(
  atMs: number,
  uid: number,
  ip: number,
  endpoint: number,
  more: Partial<CallPlan> = {},
): CallPlan {
  return {
    atMs,
    uid,
    ip,
    endpoint,
    cost: undefined,
    priority: 0,
    fate: 'answered',
    requestMs: 0,
    answerMs: 0,
    bodyMs: 0,
    giveUpMs: 0,
    abortAfterMs: undefined,
    heedsAbort: false,
    maxWaitMs: undefined,
    ...more,
  }
}

export interface Story {
  limits: readonly Limit[]
  calls: CallPlan[]
  coldStart: 'paced' | 'full' | 'spent'
  lostCallMs: number
  timeoutMs: number
  /** The way to the ledger, milliseconds; undefined: in memory. */
  ledgerMs: number | undefined
}

export interface Sent {
  plan: CallPlan
  atMs: number
  endedAtMs: number | undefined
}

export interface Told {
  clock: VirtualClock
  scheduler: Scheduler
  /** Admissions, in order. */
  sent: Sent[]
  /** What the server counted. */
  counted: { plan: CallPlan; atMs: number }[]
  /** By call: how often and with what its promise settled. */
  settled: { times: number; atMs: number; error?: unknown }[]
}

/** Eighths are exact in binary: two courses of the same events then agree to the last digit, or nearly. */
const latencyMs = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 0, max: 60 }),
  fc.integer({ min: 0, max: 3_200 }).map(n => n / 8),
  fc.integer({ min: 0, max: 5_000 }),
)

const LABEL_SETS = [['uid'], ['ip'], ['endpoint'], ['ip', 'uid'], ['ip', 'endpoint'], ['uid', 'endpoint']]

/** One limit or several at once, some with a burst, maybe a cap. The first applies to every call. */
export const someLimits: fc.Arbitrary<Limit[]> = fc
  .record({
    buckets: fc.array(
      fc.record({
        limit: fc.integer({ min: 1, max: 6 }),
        windowMs: fc.oneof(fc.integer({ min: 20, max: 3_000 }), fc.constant(1_000)),
        by: fc.constantFrom(...LABEL_SETS),
        burst: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 5 }),
        reserve: fc.option(fc.record({ share: fc.constantFrom(0.1, 0.5, 0.9), priority: fc.constantFrom(0, 1) }), {
          nil: undefined,
          freq: 3,
        }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    cap: fc.option(fc.record({ limit: fc.integer({ min: 1, max: 4 }), by: fc.constantFrom(...LABEL_SETS) }), {
      nil: undefined,
      freq: 3,
    }),
  })
  .map(({ buckets, cap }) => [
    ...buckets.map(({ burst, reserve, ...options }, index) =>
      tokenBucket({
        name: `b${index}`,
        ...options,
        ...(burst !== undefined && { burst }),
        ...(reserve !== undefined && { reserve }),
      }),
    ),
    ...(cap === undefined ? [] : [inFlight({ name: 'cap', ...cap })]),
  ])

const cost = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('b0'), fc.integer({ min: 0, max: 3 })) },
)

export interface CallChoices {
  fates?: readonly Fate[]
  /** Calls come within so long. */
  withinMs?: number
  maxCalls?: number
  costs?: fc.Arbitrary<CallPlan['cost']>
}

export function someCalls({
  fates = ['answered'],
  withinMs = 4_000,
  maxCalls = 40,
  costs = cost,
}: CallChoices = {}): fc.Arbitrary<CallPlan[]> {
  return fc.array(
    fc.record({
      atMs: fc.oneof(
        fc.constant(0),
        fc.integer({ min: 0, max: withinMs }),
        fc.integer({ min: 0, max: withinMs / 100 }).map(n => 100 * n),
      ),
      uid: fc.nat(2),
      ip: fc.nat(1),
      endpoint: fc.nat(2),
      cost: costs,
      priority: fc.constantFrom(0, 0, 0, 1, -1),
      fate: fc.oneof(
        { weight: 3, arbitrary: fc.constant('answered' as Fate) },
        { weight: 2, arbitrary: fc.constantFrom(...fates) },
      ),
      requestMs: latencyMs,
      answerMs: latencyMs,
      bodyMs: fc.constantFrom(0, 0, 30, 500),
      giveUpMs: fc.integer({ min: 0, max: 3_000 }),
      abortAfterMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined, freq: 4 }),
      heedsAbort: fc.boolean(),
      maxWaitMs: fc.option(fc.integer({ min: 0, max: 5_000 }), { nil: undefined, freq: 5 }),
    }),
    // The default size would make most stories a handful of calls long.
    { minLength: 1, maxLength: maxCalls, size: 'max' },
  )
}

/** The way to a ledger elsewhere, at the longest. */
const LEDGER_MS = 20

export function someStory(
  choices: CallChoices & { limits?: fc.Arbitrary<readonly Limit[]> } = {},
): fc.Arbitrary<Story> {
  return fc.record({
    limits: choices.limits ?? someLimits,
    calls: someCalls(choices),
    coldStart: fc.constantFrom('full', 'full', 'paced', 'spent'),
    lostCallMs: fc.constantFrom(0, 200, 1_000, 5_000),
    timeoutMs: fc.constantFrom(500, 3_000, 10_000),
    ledgerMs: fc.option(fc.integer({ min: 0, max: LEDGER_MS }), { nil: undefined, freq: 3 }),
  })
}

export const labelsOf = ({ uid, ip, endpoint }: Pick<CallPlan, 'uid' | 'ip' | 'endpoint'>) => ({
  exchange: 'x',
  uid: `u${uid}`,
  ip: `i${ip}`,
  endpoint: `e${endpoint}`,
})

export function networkError(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

/** Tells a story to a scheduler and waits until nothing happens any more. */
export async function tell(story: Story, options: Partial<SchedulerOptions> = {}): Promise<Told> {
  const told = begin(story, options)
  await told.clock.runAll(40 * 60_000)
  return told
}

/** Sets up a story; it happens as its clock goes on. */
export function begin(story: Story, options: Partial<SchedulerOptions> = {}): Told {
  const { limits, calls, coldStart, lostCallMs, timeoutMs, ledgerMs } = story
  const clock = virtualClock()
  const ledger: Ledger = ledgerMs === undefined ? memoryLedger() : laterLedger(clock, () => ledgerMs)
  const scheduler = createScheduler({
    limits,
    clock,
    random: seededRandom(1),
    coldStart,
    lostCallMs,
    timeoutMs,
    ledger,
    floorMs: 0,
    ...options,
  })
  const told: Told = {
    clock,
    scheduler,
    sent: [],
    counted: [],
    settled: calls.map(() => ({ times: 0, atMs: Number.NaN })),
  }
  const sleep = (delayMs: number) => new Promise<void>(resolve => void clock.setTimer(resolve, delayMs))

  const start = (plan: CallPlan, index: number) => {
    const labels = labelsOf(plan)
    const controller = new AbortController()
    let attempts = 0
    if (plan.abortAfterMs !== undefined)
      clock.setTimer(() => controller.abort(new Error('taken back')), plan.abortAfterMs)
    const settle = (error?: unknown) => {
      const how = told.settled[index] as Told['settled'][number]
      how.times++
      how.atMs = clock.nowMs()
      if (error !== undefined) how.error = error
    }
    const { cost, priority, maxWaitMs } = plan
    scheduler
      .schedule(
        {
          labels,
          priority,
          retries: 2,
          ...(cost !== undefined && { cost }),
          ...(maxWaitMs !== undefined && { maxWaitMs }),
          ...(plan.abortAfterMs !== undefined && { signal: controller.signal }),
        },
        async admission => {
          const mine: Sent = { plan, atMs: clock.nowMs(), endedAtMs: undefined }
          told.sent.push(mine)
          if (plan.fate === 'unsent') {
            await sleep(plan.requestMs)
            admission.unsent()
            mine.endedAtMs = clock.nowMs()
            return
          }
          const count = () => void told.counted.push({ plan, atMs: clock.nowMs() })
          const arrivesAtMs = mine.atMs + plan.requestMs
          const arrival = clock.setTimer(count, plan.requestMs)
          let over = false
          /** What was given up may arrive all the same, but not later than `lostCallMs` after. */
          const giveUp = () => {
            if (over) return
            over = true
            const leftMs = arrivesAtMs - clock.nowMs()
            if (leftMs <= lostCallMs) return
            arrival.cancel()
            clock.setTimer(count, lostCallMs)
          }
          // With a ledger elsewhere the time-out began when that judged.
          const timeout = clock.setTimer(giveUp, timeoutMs - (ledgerMs ?? 0))
          const aborted = new Promise<never>((_, reject) => {
            if (!plan.heedsAbort) return
            controller.signal.addEventListener('abort', () => {
              giveUp()
              reject(new DOMException('aborted', 'AbortError'))
            })
          })
          aborted.catch(() => undefined)
          try {
            const gone = plan.fate === 'breaks' || plan.fate === 'says lost'
            const talk = gone ? sleep(plan.giveUpMs) : sleep(plan.requestMs + plan.answerMs)
            await (plan.fate === 'never ends' ? new Promise<never>(() => {}) : Promise.race([talk, aborted]))
            if (gone) {
              giveUp()
              if (plan.fate === 'breaks') throw networkError()
              admission.lost()
              return
            }
            attempts++
            if (plan.fate === 'refused' && attempts === 1) return admission.refused()
            if (plan.fate === 'held' && attempts === 1) return admission.refused({ holdMs: 700, by: ['uid'] })
            if (plan.bodyMs > 0) {
              admission.counted()
              over = true
              await Promise.race([sleep(plan.bodyMs), aborted])
            }
            over = true
            if (plan.fate === 'fails') throw new Error('bad answer')
          } finally {
            timeout.cancel()
            mine.endedAtMs = clock.nowMs()
          }
        },
      )
      .then(() => settle(), settle)
  }
  calls.forEach((plan, index) => void clock.setTimer(() => start(plan, index), plan.atMs))
  return told
}

/** Tokens that a call takes from a limit. */
export function costOf(plan: CallPlan, limit: Limit): number {
  return typeof plan.cost === 'object' ? (plan.cost[limit.name] ?? 1) : (plan.cost ?? 1)
}

/** The windows, and the shorter ones that a burst allows, that held too many at the server. */
export function violations(limits: readonly Limit[], counted: Told['counted']): string[] {
  const found: string[] = []
  for (const limit of limits) {
    if (limit.kind !== 'token-bucket') continue
    const events = counted.map(({ plan, atMs }) => ({ atMs, labels: labelsOf(plan), cost: costOf(plan, limit) }))
    for (const rule of [limit as Rule, burstOf(limit)]) {
      if (rule === undefined) continue
      for (const { labels, report } of checkWindows(events, [rule])) {
        found.push(
          `${rule.name} ${JSON.stringify(labels)}: ${report.peak} of ${rule.limit} in ${rule.windowMs} ms from ${report.worst?.fromMs}`,
        )
      }
    }
  }
  return found
}

type Rule = TokenBucketLimit & { limit: number }

function burstOf({ burst, ...limit }: TokenBucketLimit): Rule | undefined {
  const tokens = limit.limit as number
  if (burst === undefined || burst >= tokens) return undefined
  return { ...limit, name: `${limit.name} burst`, limit: burst, windowMs: (burst * limit.windowMs) / tokens }
}
