import * as fc from 'fast-check'
import { expect } from 'vitest'
import { runs } from '../support/runs.ts'

/** One step of a model's course. `text` is what a counterexample shows. */
export function step<Model extends object, Real>(
  text: string,
  run: (model: Model, real: Real) => void,
  may: (model: Model) => boolean = () => true,
): fc.Command<Model, Real> {
  return { check: model => may(model as Model), run, toString: () => text }
}

/** Plays many courses of commands against the code and its model, and compares after every one. */
export function playModels<World, Model extends object, Real>(
  times: number,
  world: fc.Arbitrary<World>,
  commands: readonly fc.Arbitrary<fc.Command<Model, Real>>[],
  begin: (world: World) => { model: Model; real: Real },
  compare: (model: Model, real: Real) => void,
): void {
  const compared = commands.map(arbitrary =>
    arbitrary.map(command =>
      step<Model, Real>(
        String(command),
        (model, real) => {
          command.run(model, real)
          compare(model, real)
        },
        model => command.check(model),
      ),
    ),
  )
  fc.assert(
    fc.property(world, fc.commands(compared, { maxCommands: 80, size: 'max' }), (chosen, course) => {
      fc.modelRun(() => begin(chosen), course)
    }),
    runs(times),
  )
}

/** The same number, but for the rounding of sums. Asked very often, and vitest's own comparisons are slow. */
export function same(got: number, right: number, what: string): void {
  if (got === right || Math.abs(got - right) < 1e-5) return
  expect(got, what).toBe(right)
}
