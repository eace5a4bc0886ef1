import {
  type Gate,
  inFlight,
  type LedgerSession,
  memoryLedger,
  type Passage,
  type SchedulerEvent,
  type Ticket,
  tokenBucket,
} from '@headgate/core'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { playModels, same, step } from './commands.ts'
import {
  type Labels,
  type NaiveCall,
  type NaiveCost,
  type NaiveGate,
  NaiveLedger,
  type NaiveLimit,
  type NaiveSetup,
} from './naive-ledger.ts'

const WHO: readonly Labels[] = ['a', 'b'].flatMap(ip => ['1', '2'].map(uid => ({ uid, ip })))

interface Model {
  ledger: NaiveLedger
  calls: { call: NaiveCall; ticket: Ticket }[]
}

interface Real {
  session: LedgerSession
  passages: Passage[]
  clock: { nowMs: number }
  events: SchedulerEvent[]
  /** Every gate ever met: one not among them was made anew. */
  met: Set<Gate>
}

const by = fc.constantFrom(['uid'], ['uid'], ['ip'], ['uid', 'ip'])

const someBucket = fc.record({
  limit: fc.integer({ min: 1, max: 5 }),
  windowMs: fc.oneof(fc.integer({ min: 20, max: 3_000 }), fc.integer({ min: 5_000, max: 20_000 })),
  by,
  burst: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 4 }),
})

const someCap = fc.record({ limit: fc.integer({ min: 1, max: 4 }), by })

const someSetup: fc.Arbitrary<NaiveSetup> = fc.record({
  limits: fc
    .tuple(fc.array(someBucket, { minLength: 1, maxLength: 3 }), fc.option(someCap, { nil: undefined, freq: 2 }))
    .map(([buckets, cap]): NaiveLimit[] => [
      ...buckets.map((bucket, index) => ({ name: `b${index}`, ...bucket })),
      ...(cap === undefined ? [] : [{ name: 'cap', windowMs: 0, ...cap }]),
    ]),
  coldStart: fc.constantFrom('full', 'full', 'paced', 'spent'),
  lostCallMs: fc.constantFrom(0, 300, 5_000),
  useFloor: fc.boolean(),
})

function begin(setup: NaiveSetup): { model: Model; real: Real } {
  const clock = { nowMs: 0 }
  const events: SchedulerEvent[] = []
  const session = memoryLedger().open({
    ...setup,
    limits: setup.limits.map(({ burst, windowMs, ...limit }) =>
      windowMs === 0 ? inFlight(limit) : tokenBucket({ ...limit, windowMs, ...(burst !== undefined && { burst }) }),
    ),
    random: () => 0.5,
    fairBy: 'uid',
    bornAtMs: 0,
    nowMs: () => clock.nowMs,
    epochMs: () => clock.nowMs,
    changed: () => undefined,
    lastingChanged: () => undefined,
    spent: () => undefined,
    emit: event => void events.push(event),
  })
  const passages = WHO.map(labels => session.resolve(labels))
  const met = new Set(passages.flatMap(({ gates }) => gates))
  const ledger = new NaiveLedger(setup)
  for (const labels of WHO) ledger.gatesOf(labels)
  return { model: { ledger, calls: [] }, real: { session, passages, clock, events, met } }
}

/** What the real ledger says of the gates of these labels. One that was dropped and made anew must have been idle. */
function look({ ledger }: Model, real: Real, who: number, cost: NaiveCost) {
  const passage = real.passages[who] as Passage
  const states = real.session.explain({ passage, cost }, ledger.nowMs)
  const gates = ledger.gatesOf(WHO[who] as Labels)
  same(states.length, gates.length, 'gates')
  passage.gates.forEach((gate, index) => {
    if (real.met.has(gate)) return
    real.met.add(gate)
    const naive = gates[index] as NaiveGate
    expect(naive.inFlight, 'in flight at a cap that was dropped').toBe(0)
    if (naive.bucket === undefined) return
    expect(naive.bucket.isIdle(ledger.nowMs), 'a bucket that was dropped was idle').toBe(true)
    ledger.renew(naive)
  })
  return states.map((state, index) => ({ state, naive: gates[index] as NaiveGate, gate: passage.gates[index] as Gate }))
}

const who = fc.nat(WHO.length - 1)
const cost: fc.Arbitrary<NaiveCost> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 3 }) },
  { weight: 1, arbitrary: fc.record({ b0: fc.integer({ min: 0, max: 3 }) }) },
)
const outcome = fc.constantFrom(
  'answered' as const,
  'answered' as const,
  'failed' as const,
  'lost' as const,
  'lost' as const,
  'unsent' as const,
)

const hasCalls = (model: Model) => model.calls.length > 0
const at = ({ calls }: Model, index: number) => calls[index % calls.length] as Model['calls'][0]

function pass(model: Model, real: Real, ms: number): void {
  model.ledger.nowMs += ms
  real.clock.nowMs = model.ledger.nowMs
}

const fits = ({ ledger }: Model, index: number, wanted: NaiveCost) =>
  ledger.gatesOf(WHO[index] as Labels).every(gate => ledger.costOf(gate, wanted) <= ledger.tokensOf(gate))

function ask(model: Model, real: Real, index: number, wanted: NaiveCost): void {
  const { ledger } = model
  const labels = WHO[index] as Labels
  look(model, real, index, wanted)
  ledger.asks(labels, wanted)
  const ready = ledger
    .gatesOf(labels)
    .map(gate => ({ gate, atMs: ledger.readyAtMs(gate, ledger.costOf(gate, wanted)) }))
  const latestMs = Math.max(ledger.nowMs, ...ready.map(({ atMs }) => atMs))
  const passage = real.passages[index] as Passage
  const [decision] = real.session.decide([{ passage, cost: wanted }], ledger.nowMs) as readonly (Ticket & {
    gate: Gate
    readyAtMs: number
  })[]
  if (decision === undefined) throw new Error('no decision')
  if (latestMs <= ledger.nowMs) {
    expect('sentAtMs' in decision, 'it may go').toBe(true)
    model.calls.push({ call: ledger.charge(labels, wanted), ticket: decision })
    return
  }
  expect('sentAtMs' in decision, 'it may not go').toBe(false)
  same(decision.readyAtMs, latestMs, 'refused until')
  const longest = ready.filter(({ atMs }) => !(atMs < latestMs - 1e-6)).map(({ gate }) => gate.limit.name)
  expect(longest, 'by the gate that refuses for longest').toContain(decision.gate.name)
}

const commands = [
  ...[1, 2, 3].map(() =>
    fc.tuple(who, cost).map(([index, wanted]) =>
      step<Model, Real>(
        `${JSON.stringify(WHO[index])} asks for ${JSON.stringify(wanted)}`,
        (model, real) => ask(model, real, index, wanted),
        model => fits(model, index, wanted),
      ),
    ),
  ),
  fc.tuple(fc.nat(9), fc.constantFrom(undefined, true, false)).map(([index, reusedConnection]) =>
    step<Model, Real>(
      `call ${index} is counted, connection reused: ${reusedConnection}`,
      (model, real) => {
        const { call, ticket } = at(model, index)
        model.ledger.counted(call, reusedConnection)
        const seen = reusedConnection === undefined ? {} : { reusedConnection }
        real.session.counted(ticket, model.ledger.nowMs, seen)
      },
      hasCalls,
    ),
  ),
  ...[1, 2].map(() =>
    fc.tuple(fc.nat(9), outcome).map(([index, how]) =>
      step<Model, Real>(
        `call ${index} ends: ${how}`,
        (model, real) => {
          const { call, ticket } = at(model, index)
          model.calls.splice(index % model.calls.length, 1)
          model.ledger.settled(call, how)
          real.session.settled(ticket, model.ledger.nowMs, how)
          // What is settled stays so, whatever is said of it later.
          real.session.settled(ticket, model.ledger.nowMs, 'unsent')
          real.session.counted(ticket, model.ledger.nowMs, {})
        },
        hasCalls,
      ),
    ),
  ),
  fc.constantFrom('a', 'b').map(ip =>
    step<Model, Real>(
      `all calls under way over ${ip} are lost`,
      (model, real) => {
        const isLost = ({ call }: Model['calls'][0]) => call.labels['ip'] === ip
        for (const { call, ticket } of model.calls.filter(isLost)) {
          model.ledger.settled(call, 'lost')
          real.session.settled(ticket, model.ledger.nowMs, 'lost')
        }
        model.calls = model.calls.filter(each => !isLost(each))
      },
      hasCalls,
    ),
  ),
  fc.nat(999).map(number =>
    step<Model, Real>(`stranger ${number} comes, and idle gates are dropped`, (_, real) => {
      for (let i = 0; i < 4; i++) real.session.resolve({ uid: `stranger ${number}.${i}`, ip: 'a' })
    }),
  ),
  fc.tuple(fc.nat(9), fc.option(by, { nil: undefined })).map(([index, scope]) =>
    step<Model, Real>(
      `call ${index} is refused, by ${scope}`,
      (model, real) => {
        const { call, ticket } = at(model, index)
        const halved = model.ledger.refused(call, scope)
        real.events.length = 0
        real.session.refused(ticket, model.ledger.nowMs, scope === undefined ? {} : { by: scope })
        const told = real.events.filter(({ type }) => type === 'halved')
        expect(told, 'halved').toHaveLength(halved.length)
      },
      hasCalls,
    ),
  ),
  fc.tuple(fc.constantFrom('b0', 'b1', 'cap'), fc.integer({ min: 1, max: 6 })).map(([name, limit]) =>
    step<Model, Real>(
      `set ${name} to ${limit}`,
      (model, real) => {
        model.ledger.setLimit(name, limit)
        real.session.setLimit(name, limit, model.ledger.nowMs)
      },
      model => model.ledger.limits.has(name),
    ),
  ),
  fc
    .tuple(fc.constantFrom('a', 'b'), fc.integer({ min: 0, max: 300 }), fc.constantFrom(0, 1))
    .map(([ip, leastMs, apartMs]) =>
      step<Model, Real>(`the route of ${ip} answers 40 calls in ${leastMs} ms by ${apartMs}`, (model, real) => {
        // No limit applies to calls without a uid, if none is kept by address alone.
        const labels = { ip }
        if (model.ledger.gatesOf(labels).length > 0) return
        const passage = real.session.resolve(labels)
        const tickets = real.session.decide(
          Array(40).fill({ passage, cost: 1 }),
          model.ledger.nowMs,
        ) as readonly Ticket[]
        const calls = tickets.map(ticket => ({ ticket, call: model.ledger.charge(labels, 1) }))
        pass(model, real, leastMs)
        for (const { call, ticket } of calls) {
          model.ledger.counted(call, true)
          model.ledger.settled(call, 'answered')
          real.session.counted(ticket, model.ledger.nowMs, { reusedConnection: true })
          real.session.settled(ticket, model.ledger.nowMs, 'answered')
          pass(model, real, apartMs)
        }
      }),
    ),
  fc
    .oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 50, max: 4_000 }), fc.constant(30_000))
    .map(ms => step<Model, Real>(`${ms} ms pass`, (model, real) => pass(model, real, ms))),
  ...[0, 0.1].map(earlyMs =>
    fc.tuple(who, cost).map(([index, wanted]) =>
      step<Model, Real>(
        `until ${JSON.stringify(WHO[index])} may have ${JSON.stringify(wanted)}${earlyMs > 0 ? ', or nearly' : ''}`,
        (model, real) => {
          const { ledger } = model
          const gates = ledger.gatesOf(WHO[index] as Labels)
          const readyAtMs = Math.max(...gates.map(gate => ledger.readyAtMs(gate, ledger.costOf(gate, wanted))))
          if (readyAtMs < Number.POSITIVE_INFINITY) pass(model, real, Math.max(0, readyAtMs - earlyMs - ledger.nowMs))
          ask(model, real, index, wanted)
        },
        model => fits(model, index, wanted),
      ),
    ),
  ),
]

function compare(model: Model, real: Real): void {
  const { ledger } = model
  WHO.forEach((labels, index) => {
    for (const { state, naive, gate } of look(model, real, index, 1)) {
      const what = `${state.name} of ${JSON.stringify(labels)}`
      same(state.limit, ledger.tokensOf(naive), `${what}: tokens`)
      same(state.free, Math.max(0, ledger.free(naive)), `${what}: free`)
      same(state.inFlight, naive.bucket?.inFlight ?? naive.inFlight, `${what}: in flight`)
      for (const tokens of [1, 2]) {
        const got = real.session.readyAtMs(gate, tokens, ledger.nowMs)
        same(got, ledger.readyAtMs(naive, tokens), `${what}: ready for ${tokens}`)
      }
    }
  })
}

test('the ledger in memory keeps lists of tokens: whoever may go, goes, and nobody else', () => {
  playModels(150, someSetup, commands, begin, compare)
})
