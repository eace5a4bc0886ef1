import {
  type GateState,
  type LedgerSession,
  memoryLedger,
  type Passage,
  type SchedulerEvent,
  type Ticket,
  tokenBucket,
} from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { playModels, step } from './commands.ts'
import { type Labels, NaiveHolds, type NaivePass } from './naive-holds.ts'

const VALUES = [
  ['uid', ['1', '2']],
  ['ip', ['a', 'b']],
  ['endpoint', ['x', 'y']],
] as const

interface World {
  /** Tokens of the buckets kept by uid, and by address: a hold is over once it lets so many through. */
  uid: number
  ip: number
}

interface Model {
  nowMs: number
  tokens: Record<string, number>
  holds: NaiveHolds
  calls: { labels: Labels; ticket: Ticket; passes: NaivePass[]; refused: boolean }[]
}

interface Real {
  session: LedgerSession
  /** What chance says next. */
  host: { nowMs: number; random: number }
  events: SchedulerEvent[]
}

function begin({ uid, ip }: World): { model: Model; real: Real } {
  const host = { nowMs: 0, random: 0 }
  const events: SchedulerEvent[] = []
  const session = memoryLedger().open({
    limits: [
      tokenBucket({ name: 'uid', limit: uid, windowMs: 1_000, by: ['uid'] }),
      tokenBucket({ name: 'ip', limit: ip, windowMs: 1_000, by: ['ip'] }),
    ],
    coldStart: 'full',
    lostCallMs: 5_000,
    useFloor: true,
    random: () => host.random,
    fairBy: 'uid',
    bornAtMs: 0,
    nowMs: () => host.nowMs,
    epochMs: () => host.nowMs,
    changed: () => undefined,
    lastingChanged: () => undefined,
    spent: () => undefined,
    emit: event => void events.push(event),
  })
  return {
    model: { nowMs: 0, tokens: { uid, ip }, holds: new NaiveHolds(), calls: [] },
    real: { session, host, events },
  }
}

const all = fc.record({
  uid: fc.constantFrom(...VALUES[0][1]),
  ip: fc.constantFrom(...VALUES[1][1]),
  endpoint: fc.constantFrom(...VALUES[2][1]),
})
/** Few scopes, so that they meet. */
const scope = fc.constantFrom<string[]>(
  ['uid'],
  ['uid'],
  ['ip'],
  ['endpoint', 'uid'],
  ['uid', 'endpoint'],
  ['endpoint'],
  [],
)
const within = (labels: Labels, names: readonly string[]): Labels =>
  Object.fromEntries(names.map(name => [name, labels[name] as string]))
const forMs = fc.oneof(fc.integer({ min: 0, max: 5_000 }), fc.constantFrom(0, 300_000, 1e9))

const hasCalls = (model: Model) => model.calls.length > 0
const at = ({ calls }: Model, index: number) => calls[index % calls.length] as Model['calls'][0]
const told = (real: Real, type: SchedulerEvent['type']) => real.events.filter(event => event.type === type).length

/** Calls that cost nothing: the holds alone refuse them. */
const headOf = (real: Real, labels: Labels) => ({ passage: real.session.resolve(labels) as Passage, cost: 0 })

function ask(model: Model, real: Real, labels: Labels): void {
  const { nowMs, holds } = model
  const matching = holds.matching(labels)
  const readyAtMs = Math.max(nowMs, ...matching.map(hold => holds.readyAtMs(hold, nowMs)))
  real.events.length = 0
  const decision = (
    real.session.decide([headOf(real, labels)], nowMs) as readonly (Ticket & { readyAtMs: number })[]
  )[0]
  if (decision === undefined) throw new Error('no decision')
  if (readyAtMs > nowMs) {
    expect('sentAtMs' in decision, 'it may not go').toBe(false)
    expect(decision.readyAtMs, 'refused until').toBe(readyAtMs)
    return
  }
  expect('sentAtMs' in decision, 'it may go').toBe(true)
  expect(told(real, 'probe'), 'probes told of').toBe(matching.filter(hold => hold.answers === 0).length)
  model.calls.push({ labels, ticket: decision, passes: holds.pass(labels), refused: false })
}

/** As many as the widest bucket of the call inside the hold's scope has tokens, or else any. */
function rampTo(model: Model, held: Labels): number {
  const inside = ['uid', 'ip'].filter(name => name in held).map(name => model.tokens[name] as number)
  return Math.max(...(inside.length > 0 ? inside : Object.values(model.tokens)))
}

const commands = [
  ...[1, 2, 3].map(() =>
    all.map(labels => step<Model, Real>(`${JSON.stringify(labels)} asks`, (model, real) => ask(model, real, labels))),
  ),
  ...[1, 2].map(() =>
    fc
      .tuple(
        fc.nat(9),
        fc.constantFrom(
          'answered' as const,
          'answered' as const,
          'failed' as const,
          'lost' as const,
          'unsent' as const,
        ),
        fc.integer({ min: 0, max: 7 }),
      )
      .map(([index, outcome, eighths]) =>
        step<Model, Real>(
          `call ${index} ends: ${outcome}; chance says ${eighths / 8}`,
          (model, real) => {
            const { ticket, passes, refused } = at(model, index)
            model.calls.splice(index % model.calls.length, 1)
            real.host.random = eighths / 8
            real.events.length = 0
            real.session.settled(ticket, model.nowMs, outcome)
            const brought = (outcome === 'answered' || outcome === 'failed') && !refused ? 'an answer' : 'no news'
            const over = passes.filter(pass =>
              model.holds.ended(pass, brought, rampTo(model, pass.hold.labels), model.nowMs, eighths / 8),
            )
            expect(told(real, 'released'), 'holds that are over').toBe(over.length)
          },
          hasCalls,
        ),
      ),
  ),
  fc.tuple(fc.nat(9), scope, forMs).map(([index, names, ms]) =>
    step<Model, Real>(
      `call ${index} is refused for ${ms} ms, by ${names}`,
      (model, real) => {
        const call = at(model, index)
        call.refused = true
        model.holds.close(within(call.labels, names), ms, 'busy', model.nowMs)
        real.session.refused(call.ticket, model.nowMs, { by: names, holdMs: ms, reason: 'busy' })
      },
      hasCalls,
    ),
  ),
  fc.tuple(all, scope, forMs).map(([labels, names, ms]) =>
    step<Model, Real>(`hold ${JSON.stringify(within(labels, names))} for ${ms} ms`, (model, real) => {
      model.holds.close(within(labels, names), ms, 'asked to', model.nowMs)
      real.session.hold(within(labels, names), ms, 'asked to', model.nowMs)
    }),
  ),
  fc.tuple(all, scope).map(([labels, names]) =>
    step<Model, Real>(`release ${JSON.stringify(within(labels, names))}`, (model, real) => {
      model.holds.release(within(labels, names))
      real.session.releaseHolds(within(labels, names), model.nowMs)
    }),
  ),
  fc.tuple(fc.constantFrom('uid', 'ip'), fc.integer({ min: 1, max: 5 })).map(([name, tokens]) =>
    step<Model, Real>(`set the limit by ${name} to ${tokens}`, (model, real) => {
      model.tokens[name] = tokens
      real.session.setLimit(name, tokens, model.nowMs)
    }),
  ),
  fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.constantFrom(1_000, 4_000_000)).map(ms =>
    step<Model, Real>(`${ms} ms pass`, (model, real) => {
      model.nowMs += ms
      real.host.nowMs += ms
    }),
  ),
  ...[0, 0.1].map(earlyMs =>
    all.map(labels =>
      step<Model, Real>(`until ${JSON.stringify(labels)} may ask${earlyMs > 0 ? ', or nearly' : ''}`, (model, real) => {
        const { holds, nowMs } = model
        const readyAtMs = Math.max(...holds.matching(labels).map(hold => holds.readyAtMs(hold, nowMs)))
        if (Math.abs(readyAtMs) < Number.POSITIVE_INFINITY) model.nowMs = Math.max(nowMs, readyAtMs - earlyMs)
        real.host.nowMs = model.nowMs
        ask(model, real, labels)
      }),
    ),
  ),
]

const byLabels = (a: { labels: Labels }, b: { labels: Labels }) =>
  JSON.stringify(Object.entries(a.labels).sort()) < JSON.stringify(Object.entries(b.labels).sort()) ? -1 : 1

function compare({ nowMs, holds }: Model, real: Real): void {
  const right = holds.holds.map((hold): GateState => {
    const lets = nowMs < hold.untilMs ? 0 : hold.answers + 1
    const inFlight = hold.underWay.length
    const readyAtMs = holds.readyAtMs(hold, nowMs)
    return {
      kind: 'hold',
      name: hold.reason,
      labels: hold.labels,
      limit: lets,
      free: Math.max(0, lets - inFlight),
      inFlight,
      waitMs: readyAtMs === Number.POSITIVE_INFINITY ? null : readyAtMs - nowMs,
    }
  })
  const states = real.session.gates(nowMs).filter(state => state.kind === 'hold')
  expect([...states].sort(byLabels)).toEqual(right.sort(byLabels))
}

test('a hold is closed until its time, then lets one probe through, then one more for every answer', () => {
  const tokens = fc.integer({ min: 1, max: 5 })
  playModels(300, fc.record({ uid: tokens, ip: tokens }), commands, begin, compare)
})
