import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { playModels, same, step } from './commands.ts'
import { House, type LanePlan, type Tap } from './house.ts'
import { NaiveRooms } from './naive-rooms.ts'
import { realRooms } from './real-rooms.ts'

interface World {
  plans: LanePlan[]
  taps: Tap[]
}

const begin = ({ plans, taps }: World): { model: House; real: House } => ({
  model: new House(plans, taps, house => new NaiveRooms(house)),
  real: new House(plans, taps, realRooms),
})

const tap = (name: string, by: readonly string[], size = 10): Tap => ({ name, by, size, free: 0, coming: [] })
const priority = fc.constantFrom(0, 0, 0, 1, -1)
const LANES = 6

/** Accounts of several lanes each, all behind one shared gate. */
const oneGate: fc.Arbitrary<World> = fc
  .array(fc.record({ priority, group: fc.constantFrom('u', 'v', 'w') }), { minLength: LANES, maxLength: LANES })
  .map(lanes => ({
    plans: lanes.map((lane, id) => ({ ...lane, id, gates: ['ip'] })),
    taps: [tap('ip', ['ip'])],
  }))

/**
 * Accounts of one lane each, behind shared gates and one of their own. With several lanes an account ranks behind the others at
 * once at the gate where it was served, elsewhere only when its first lane may go: that is not modelled.
 */
const manyGates: fc.Arbitrary<World> = fc
  .record({
    lanes: fc.array(fc.record({ priority, gates: fc.subarray(['ip', 'endpoint', 'all', 'own'], { minLength: 1 }) }), {
      minLength: LANES,
      maxLength: LANES,
    }),
    size: fc.constantFrom(10, 10, 50),
  })
  .map(({ lanes, size }) => ({
    plans: lanes.map(({ priority, gates }, id) => ({
      id,
      priority,
      group: `u${id}`,
      gates: gates.map(name => (name === 'own' ? `own ${id}` : name)),
    })),
    taps: [
      ...['ip', 'endpoint', 'all'].map(name => tap(name, [name], size)),
      ...lanes.map((_, id) => tap(`own ${id}`, ['uid'], size)),
    ],
  }))

const gateNames = fc.constantFrom(
  'ip',
  'ip',
  'ip',
  'endpoint',
  'endpoint',
  'all',
  'all',
  ...Array.from({ length: LANES }, (_, id) => `own ${id}`),
)
const lane = fc.nat(LANES - 1)
const cost = fc.constantFrom(1, 1, 1, 2, 3, 0)

const commands = [
  ...[1, 2].map(() =>
    fc
      .tuple(lane, cost, fc.constantFrom('at the end' as const, 'at the end' as const, 'at the head' as const))
      .map(([id, tokens, where]) =>
        step<House, House>(`a call of ${tokens} comes to lane ${id}, ${where}`, (model, real) => {
          for (const house of [model, real]) house.add(id, tokens, where)
        }),
      ),
  ),
  fc.tuple(lane, fc.nat(5)).map(([id, index]) =>
    step<House, House>(
      `call ${index} of lane ${id} is aborted`,
      (model, real) => {
        for (const house of [model, real]) house.takeBack(id, index)
      },
      model => index < (model.calls[id]?.length ?? 0),
    ),
  ),
  ...[1, 2].map(() =>
    fc.tuple(gateNames, fc.integer({ min: 1, max: 3 }), fc.constantFrom(0, 0, 100, 250)).map(([gate, tokens, inMs]) =>
      step<House, House>(
        `${tokens} tokens come to "${gate}" in ${inMs} ms`,
        (model, real) => {
          for (const house of [model, real]) house.give(gate, tokens, inMs)
        },
        model => model.taps.has(gate),
      ),
    ),
  ),
  fc.constantFrom(1, 50, 100).map(ms =>
    step<House, House>(`${ms} ms pass`, (model, real) => {
      for (const house of [model, real]) house.nowMs += ms
    }),
  ),
]

/** Serves both, and compares who went, in which order; and what is left. */
function compare(model: House, real: House): void {
  const went = model.serve().join()
  const really = real.serve().join()
  if (went !== really) expect(really, 'lanes whose calls went').toBe(went)
  // A wake too many only looks again; one too late wastes tokens.
  if (real.rooms.wakeAtMs() > model.rooms.wakeAtMs())
    same(real.rooms.wakeAtMs(), model.rooms.wakeAtMs(), 'the next wake')
  for (const gate of model.taps.keys()) same(real.freeOf(gate), model.freeOf(gate), `tokens left at "${gate}"`)
  for (const [id, calls] of model.calls.entries()) {
    same(real.calls[id]?.length as number, calls.length, `calls left in lane ${id}`)
  }
}

test('at one gate the lane goes next that is first in a sorted list: by priority, by the turn of its account, by its own', () => {
  playModels(300, oneGate, commands, begin, compare)
})

test('at several gates lanes wait, move, claim and go as in one list that is searched for every question', () => {
  playModels(300, manyGates, commands, begin, compare)
})
