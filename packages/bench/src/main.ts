import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { type Job, run } from './job.ts'
import { hasCcxt, peers } from './peers/index.ts'
import { type Measured, report } from './report.ts'
import { rows } from './rows/index.ts'
import type { Figures, Row } from './rows/row.ts'

/** 128 + SIGINT, as shells report it. */
const INTERRUPTED = 130
const RESULTS = fileURLToPath(new URL('../RESULTS.md', import.meta.url))
/** Longer than any needs that is not stuck. */
const MOST_MS = 60_000

const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')))
process.once('SIGTERM', () => interrupt.abort(new Error('terminated')))

interface Options {
  only?: string
  peer?: string
  quick?: boolean
}

const program = new Command('bench')
  .description(
    'Headgate beside the limiters of the field on the same work: a table of ratios. A whole run is written to packages/bench/RESULTS.md; ' +
      'with --only, --peer or --quick it goes to stdout alone.',
  )
  .addOption(new Option('--only <row>', 'one row alone').choices(rows.map(row => row.name)))
  .addOption(new Option('--peer <name>', 'one limiter alone').choices(peers.map(peer => peer.name)))
  .option('--quick', 'a smoke run of a minute: as little work as can be, figures that mean nothing')
  .action(async ({ only, peer, quick = false }: Options) => {
    if (!hasCcxt) console.error('ccxt is left out: `pnpm bench:ccxt` installs it (63 MB) for this bench alone')
    const measured: Measured[] = []
    for (const row of rows) {
      if (only === undefined || row.name === only) measured.push(await measure(row, quick, peer))
    }
    const text = report(measured, quick)
    console.log(text)
    if (only === undefined && peer === undefined && !quick) writeFileSync(RESULTS, text)
  })

async function measure(row: Row, quick: boolean, only: string | undefined): Promise<Measured> {
  const figures = new Map<string, Map<string, Figures | undefined>>()
  for (const of of row.cases(quick)) {
    const byPeer = new Map<string, Figures | undefined>()
    figures.set(of.name, byPeer)
    for (const peer of peers) {
      if (!row.asks(peer, of) || (only !== undefined && peer.name !== only)) continue
      const job: Job = { row: row.name, of: of.name, peer: peer.name, quick }
      const startedMs = performance.now()
      let found = await run(job, MOST_MS, interrupt.signal)
      for (let round = 1; found !== undefined && !quick && round < (row.rounds ?? 1); round++) {
        found = least(found, await run(job, MOST_MS, interrupt.signal))
      }
      byPeer.set(peer.name, found)
      const seconds = `${((performance.now() - startedMs) / 1_000).toFixed(1)} s`
      console.error(
        `${row.name}: ${of.name}: ${peer.name}: ${found ? JSON.stringify(found) : 'not in time'}, ${seconds}`,
      )
    }
  }
  return { row, figures }
}

function least(some: Figures, others: Figures = some): Figures {
  return Object.fromEntries(Object.entries(some).map(([name, value]) => [name, Math.min(value, others[name] ?? value)]))
}

try {
  await program.parseAsync()
} catch (error) {
  if (!interrupt.signal.aborted) throw error
  console.error('stopped')
  process.exitCode = INTERRUPTED
}
