import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Bucket } from '../../src/limits/bucket.ts'
import { Route } from '../../src/limits/route.ts'
import { bucketOf, setTokens } from '../support/buckets.ts'
import { playModels, same, step } from './commands.ts'
import { NaiveBucket, type NaiveOptions, type NaiveToken } from './naive-bucket.ts'
import { NaiveRoute } from './naive-route.ts'

interface Model {
  nowMs: number
  bucket: NaiveBucket
  routes: NaiveRoute[]
  calls: { tokens: NaiveToken[]; sentAtMs: number; route: number }[]
  answered: { tokens: NaiveToken[]; atMs: number }[]
}

interface Real {
  bucket: Bucket
  routes: Route[]
}

type World = Omit<NaiveOptions, 'bornAtMs'>

const world: fc.Arbitrary<World> = fc.record({
  tokens: fc.integer({ min: 1, max: 6 }),
  // Over 5 s the guard grows with the window.
  windowMs: fc.oneof(fc.integer({ min: 1, max: 3_000 }), fc.integer({ min: 5_000, max: 60_000 })),
  coldStart: fc.constantFrom('full', 'full', 'paced', 'spent'),
  lostCallMs: fc.constantFrom(0, 300, 5_000),
  useFloor: fc.boolean(),
})

const begin = (chosen: World): { model: Model; real: Real } => ({
  model: {
    nowMs: 0,
    bucket: new NaiveBucket({ ...chosen, bornAtMs: 0 }),
    routes: [new NaiveRoute('a'), new NaiveRoute('b')],
    calls: [],
    answered: [],
  },
  real: {
    bucket: bucketOf(chosen),
    routes: [new Route(0), new Route(0)],
  },
})

const pick = <T>(list: readonly T[], index: number) => list[index % list.length] as T
const hasCalls = (model: Model) => model.calls.length > 0
const takeOut = (model: Model, index: number) =>
  model.calls.splice(index % model.calls.length, 1)[0] as Model['calls'][0]

const cost = fc.integer({ min: 1, max: 4 })
const mostlyOneRoute = fc.constantFrom(0, 0, 0, 0, 0, 1)

const commands = [
  fc.tuple(cost, mostlyOneRoute).map(([tokens, route]) =>
    step<Model, Real>(
      `take ${tokens} over route ${route}`,
      (model, real) => {
        model.bucket.drawnBy(model.routes[route] as NaiveRoute, model.nowMs)
        real.bucket.drawnBy(real.routes[route] as Route, model.nowMs)
        for (const answer of model.answered) answer.atMs = answer.tokens[0]?.atMs ?? answer.atMs
        // Another route has just taken the floor away, so it may be free no longer.
        if (model.bucket.free(model.nowMs) < tokens) return
        model.calls.push({ tokens: model.bucket.take(tokens, model.nowMs), sentAtMs: model.nowMs, route })
        real.bucket.take(tokens, model.nowMs)
      },
      model => model.bucket.free(model.nowMs) >= tokens,
    ),
  ),
  fc.tuple(fc.nat(9), fc.constantFrom(0, 0, 0, 40, 900)).map(([index, noticedLaterMs]) =>
    step<Model, Real>(
      `answer ${index}, noticed ${noticedLaterMs} ms later`,
      (model, real) => {
        const { tokens } = takeOut(model, index)
        const atMs = model.nowMs
        model.nowMs += noticedLaterMs
        for (const token of tokens) Object.assign(token, { state: 'answered', atMs })
        model.answered.push({ tokens, atMs })
        real.bucket.giveBackAfter(atMs, tokens.length)
      },
      hasCalls,
    ),
  ),
  fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 500 })).map(([index, byMs]) =>
    step<Model, Real>(
      `answer ${index} was counted ${byMs} ms earlier`,
      (model, real) => {
        const answer = pick(model.answered, index)
        real.bucket.bringForward(answer.atMs, answer.atMs - byMs, answer.tokens.length)
        answer.atMs -= byMs
        for (const token of answer.tokens) token.atMs = answer.atMs
      },
      // What is back for good stays so; here only what is surely away is brought forward.
      model => {
        const { tokens, atMs } = pick(model.answered, index) ?? { tokens: [], atMs: 0 }
        return tokens.length > 0 && atMs + model.bucket.windowMs > model.nowMs
      },
    ),
  ),
  fc.tuple(mostlyOneRoute, fc.integer({ min: 1, max: 200 })).map(([route, lagMs]) =>
    step<Model, Real>(`route ${route} has told ${lagMs} ms too early for others`, (model, real) => {
      const mostLagMs = Math.max((model.routes[route] as NaiveRoute).mostLagMs, lagMs)
      for (const each of [model.routes[route], real.routes[route]]) Object.assign(each as object, { mostLagMs })
    }),
  ),
  fc.nat(9).map(index =>
    step<Model, Real>(
      `unsend ${index}`,
      (model, real) => {
        const { tokens } = takeOut(model, index)
        model.bucket.unsend(tokens)
        real.bucket.giveBack(tokens.length)
      },
      hasCalls,
    ),
  ),
  fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 4_000 })).map(([index, inMs]) =>
    step<Model, Real>(
      `lose ${index}, back in ${inMs} ms`,
      (model, real) => {
        const { tokens } = takeOut(model, index)
        for (const token of tokens) Object.assign(token, { state: 'back at', atMs: model.nowMs + inMs })
        real.bucket.giveBack(tokens.length)
        real.bucket.giveBackAt(model.nowMs + inMs, tokens.length)
      },
      hasCalls,
    ),
  ),
  fc
    .tuple(mostlyOneRoute, fc.integer({ min: 0, max: 400 }), fc.constantFrom(0, 1, 10), fc.boolean())
    .map(([route, leastMs, apartMs, isWarm]) =>
      step<Model, Real>(`route ${route} learns from ${leastMs} ms by ${apartMs}, warm: ${isWarm}`, (model, real) => {
        for (let i = 0; i < 40; i++) {
          const roundTripMs = leastMs + ((7 * i) % 40) * apartMs
          model.routes[route]?.samples.push({ roundTripMs, isWarm, atMs: model.nowMs })
          real.routes[route]?.floor.learn(roundTripMs, isWarm, model.nowMs)
        }
      }),
    ),
  fc.integer({ min: 1, max: 8 }).map(tokens =>
    step<Model, Real>(`set the limit to ${tokens}`, (model, real) => {
      model.bucket.setTokens(tokens, model.nowMs)
      setTokens(real.bucket, tokens, model.nowMs)
    }),
  ),
  fc.constant(
    step<Model, Real>('a refusal in the cold start', (model, real) => {
      expect(real.bucket.refusedInColdStart(model.nowMs)).toBe(model.bucket.refusedInColdStart(model.nowMs))
    }),
  ),
  fc.integer({ min: 0, max: 2_000 }).map(agoMs =>
    step<Model, Real>(`refuse a call sent ${agoMs} ms ago`, (model, real) => {
      const { nowMs } = model
      expect(real.bucket.halve(nowMs - agoMs, nowMs)).toBe(model.bucket.halve(nowMs - agoMs, nowMs))
    }),
  ),
  fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 50, max: 4_000 }), fc.constant(70_000)).map(ms =>
    step<Model, Real>(`${ms} ms pass`, model => {
      model.nowMs += ms
    }),
  ),
  ...[0, 0.1].map(early =>
    cost.map(tokens =>
      step<Model, Real>(
        `until ${tokens} are ready${early > 0 ? ', or nearly' : ''}`,
        model => {
          const readyAtMs = model.bucket.readyAtMs(tokens, model.nowMs)
          if (readyAtMs < Number.POSITIVE_INFINITY) model.nowMs = Math.max(model.nowMs, readyAtMs - early)
        },
        model => tokens <= model.bucket.tokens,
      ),
    ),
  ),
]

function compare({ bucket, nowMs }: Model, real: Real): void {
  same(real.bucket.free(nowMs), bucket.free(nowMs), 'free tokens')
  same(real.bucket.inFlight, bucket.inFlight, 'tokens in flight')
  expect(real.bucket.isIdle(nowMs), 'idle').toBe(bucket.isIdle(nowMs))
  for (let tokens = 1; tokens <= bucket.tokens + 1; tokens++) {
    const readyAtMs = real.bucket.readyAtMs(tokens, nowMs)
    same(readyAtMs, bucket.readyAtMs(tokens, nowMs), `ready for ${tokens}`)
    if (real.bucket.earliestMs(tokens, nowMs) > readyAtMs) expect.fail('it may start before it is possible')
  }
}

test('a token bucket is a list of tokens, each back at its instant', () => {
  playModels(400, world, commands, begin, compare)
})
