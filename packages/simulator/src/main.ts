import { randomInt } from 'node:crypto'
import { Command, InvalidArgumentError, Option } from 'commander'
import pc from 'picocolors'
import { commandOf } from './cli/command.ts'
import { runAll } from './cli/pool.ts'
import { replay } from './cli/report.ts'
import { Tally } from './cli/tally.ts'
import type { Scenario } from './scenario/scenario.ts'

/** 128 + SIGINT, as shells report it. */
const INTERRUPTED = 130
/** Most seeds are of the cheaper kind. */
const HTTP_EVERY = 20
const PROGRESS_EVERY_MS = 500
const MOST_TOLD = 3

const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort())
process.once('SIGTERM', () => interrupt.abort())

const number = (least: number, whole: boolean) => (text: string) => {
  const value = Number(text)
  if (value >= least && (!whole || Number.isSafeInteger(value))) return value
  throw new InvalidArgumentError(`Expected a ${whole ? 'whole ' : ''}number from ${least}.`)
}

interface Options {
  seeds?: number
  seconds?: number
  seed?: number
  from?: number
  workers: number
  minutes: number
  kind: Scenario['kind'] | 'both'
}

await new Command('simulate')
  .description('The scheduler and the HTTP layer in virtual time against a hostile world, one world a seed.')
  .option('--seeds <n>', 'so many seeds; default 200', number(1, true))
  .option('--seconds <n>', 'as many seeds as fit into so many seconds', number(0.1, false))
  .option('--seed <n>', 'one seed again, shrunk and told if it fails', number(0, true))
  .option('--from <n>', 'the first seed; default: a random one, which is printed', number(0, true))
  .option('--workers <n>', 'threads', number(1, true), 2)
  .option('--minutes <n>', 'of simulated time a seed', number(0.1, false), 10)
  .addOption(new Option('--kind <kind>', 'what is under test').choices(['core', 'http', 'both']).default('both'))
  .action(async (options: Options) => {
    process.exitCode = await (options.seed === undefined ? simulate(options) : again(options.seed, options))
  })
  .parseAsync()

async function again(seed: number, { kind, minutes }: Options): Promise<number> {
  return (await replay(seed, kind === 'both' ? kindOf(seed) : kind, minutes)) ? 0 : 1
}

async function simulate({ seeds, seconds, from, workers, minutes, kind }: Options): Promise<number> {
  const first = from ?? randomInt(2 ** 31)
  const most = seeds ?? (seconds === undefined ? 200 : Number.POSITIVE_INFINITY)
  console.log(`seeds from ${first}, ${minutes} simulated minutes each, ${workers} workers`)
  const startedMs = performance.now()
  const tally = new Tally(startedMs)
  const endMs = startedMs + (seconds ?? Number.POSITIVE_INFINITY) * 1_000
  let next = 0
  const nextJob = () => {
    if (next >= most || performance.now() >= endMs) return undefined
    const seed = first + next++
    return { seed, kind: kind === 'both' ? kindOf(seed) : kind, minutes }
  }
  let shownMs = 0
  await runAll(
    workers,
    nextJob,
    result => {
      tally.add(result)
      if (result.violations[0])
        console.error(
          pc.red(`\rseed ${result.seed} ${result.kind}: ${result.violations[0].checker}: ${result.violations[0].what}`),
        )
      if (!process.stderr.isTTY || performance.now() - shownMs < PROGRESS_EVERY_MS) return
      shownMs = performance.now()
      process.stderr.write(`\r\u001b[K${tally.progress(shownMs)}`)
    },
    interrupt.signal,
  )
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  console.log(tally.summary(performance.now()))
  if (interrupt.signal.aborted) {
    console.log(pc.dim('stopped'))
    return INTERRUPTED
  }
  for (const result of tally.failed.slice(0, MOST_TOLD)) {
    console.log(`\n${pc.bold(commandOf({ seed: result.seed, kind: result.kind, minutes }))}`)
    await replay(result.seed, result.kind, minutes)
  }
  return tally.failed.length > 0 ? 1 : 0
}

function kindOf(seed: number): Scenario['kind'] {
  return seed % HTTP_EVERY === 0 ? 'http' : 'core'
}
