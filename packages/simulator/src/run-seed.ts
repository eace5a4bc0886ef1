import { judge } from './checkers/index.ts'
import type { Violation } from './checkers/violation.ts'
import { makeScenario } from './scenario/make.ts'
import { makeHttpScenario } from './scenario/make-http.ts'
import type { Scenario } from './scenario/scenario.ts'
import { runCore } from './world/core-run.ts'
import { runHttp } from './world/http-run.ts'
import type { RunLog } from './world/log.ts'

/** What became of one seed, as plain data. */
export interface Result {
  readonly seed: number
  readonly kind: Scenario['kind']
  readonly calls: number
  readonly arrivals: number
  readonly refused: number
  /** What else was tried, and how often. */
  readonly tried: [string, number][]
  readonly violations: Violation[]
  readonly excuses: [string, number][]
  readonly faults: [string, number][]
  /** The same for the same seed, and for hardly any other. */
  readonly trace: string
}

export async function runSeed(seed: number, kind: Scenario['kind'], minutes: number): Promise<Result> {
  return (await runScenario(scenarioOf(seed, kind, minutes))).result
}

export function scenarioOf(seed: number, kind: Scenario['kind'], minutes: number): Scenario {
  return kind === 'http' ? makeHttpScenario(seed, minutes) : makeScenario(seed, minutes)
}

export async function runScenario(scenario: Scenario): Promise<{ result: Result; log: RunLog }> {
  const log = await (scenario.kind === 'http' ? runHttp(scenario) : runCore(scenario))
  const { violations, excuses } = judge(scenario, log)
  const faults = new Map(log.injected)
  for (const { kind } of scenario.faults) if (!faults.has(kind)) faults.set(kind, 0)
  for (const { kind } of scenario.faults) if (!COUNTED_APART.has(kind)) faults.set(kind, (faults.get(kind) ?? 0) + 1)
  const result: Result = {
    seed: scenario.seed,
    kind: scenario.kind,
    calls: log.calls.length,
    arrivals: log.arrivals.length,
    refused: log.arrivals.filter(({ verdict, attempt }) => attempt !== undefined && verdict === 'refused').length,
    tried: triedIn(scenario, log),
    violations: violations.slice(0, 20),
    excuses: [...excuses],
    faults: [...faults],
    trace: traceOf(log),
  }
  return { result, log }
}

function triedIn(
  { pollers = [], limits, clients = 1, fairBy }: Scenario,
  { polls, calls }: RunLog,
): [string, number][] {
  const tried = new Map<string, number>()
  const add = (what: string, times: number) => times > 0 && tried.set(what, (tried.get(what) ?? 0) + times)
  add('pollers', pollers.length)
  for (const { window } of limits) if (window !== undefined) add(`${window} windows`, 1)
  add('reserves', limits.filter(({ reserve }) => reserve !== undefined).length)
  add('shares of limits', clients > 1 ? clients : 0)
  add('other fairness', fairBy === undefined ? 0 : 1)
  add(
    'dropped',
    calls.filter(({ how, settledAtMs, scheduledAtMs }) => how === 'QueueFullError' && settledAtMs > scheduledAtMs)
      .length,
  )
  add('sharing calls', calls.filter(({ coalesce }) => coalesce !== undefined).length)
  add('joined', calls.filter(call => call.answer !== undefined && call.answer.call !== call).length)
  for (const { runs, readings } of polls) {
    add('polls', runs.length)
    add('readings', readings.length)
    add('stale readings', readings.filter(({ error }) => error === 'StaleError').length)
  }
  return [...tried]
}

/** Faults that befall single calls, and are counted by call. */
const COUNTED_APART = new Set([
  'lost-request',
  'lost-answer',
  'late-arrival',
  'broken',
  'error',
  'unsent',
  'abort',
  'expiry',
])

/** FNV-1a over everything that the server saw and every call's end. */
function traceOf(log: RunLog): string {
  let hash = 0x811c9dc5
  const add = (text: string) => {
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  }
  for (const { atMs, verdict, attempt } of log.arrivals)
    add(`${atMs} ${verdict} ${attempt?.call.id} ${attempt?.sentAtMs}`)
  for (const { readings } of log.polls) for (const { gotAtMs, readAtMs } of readings) add(`${gotAtMs} ${readAtMs}`)
  for (const { id, settledAtMs, how } of log.calls) add(`${id} ${settledAtMs} ${how}`)
  return (hash >>> 0).toString(16).padStart(8, '0')
}
