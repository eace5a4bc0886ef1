import type { ExchangeStats } from '@headgate/exchange-sim'
import Table from 'cli-table3'
import pc from 'picocolors'
import { quantile } from 'simple-statistics'
import type { Contender } from './load.ts'

/** What the exchange says of a contender, and how long its calls waited. */
export interface Outcome {
  readonly name: string
  readonly answered: number
  readonly refused: number
  readonly bans: number
  readonly intoBan: number
  /** Of the most that all limits together let through. */
  readonly share: number
  readonly waitP50Ms: number
  readonly waitP99Ms: number
}

/** Of what the pollers asked for: a client also asks for the server's time, unsigned. */
export function answeredIn({ endpoints }: ExchangeStats): number {
  const polled = endpoints.filter(({ uid }) => uid !== null)
  return polled.reduce((sum, { accepted, failed }) => sum + accepted - failed, 0)
}

export function outcomeOf(contender: Contender, stats: ExchangeStats, quota: number): Outcome {
  const answered = answeredIn(stats)
  const waits = contender.waitsMs.length > 0 ? [...contender.waitsMs] : [0]
  return {
    name: contender.name,
    answered,
    refused: stats.refused,
    bans: stats.banned,
    intoBan: stats.intoBan,
    share: answered / quota,
    waitP50Ms: quantile(waits, 0.5),
    waitP99Ms: quantile(waits, 0.99),
  }
}

export function report(outcomes: readonly Outcome[]): string {
  const table = new Table({
    head: ['', ...outcomes.map(outcome => outcome.name)],
    colAligns: ['left', ...outcomes.map(() => 'right' as const)],
    style: { head: [], border: [] },
  })
  const row = (name: string, cell: (outcome: Outcome) => string) => table.push([name, ...outcomes.map(cell)])
  const bad = (count: number) => (count > 0 ? pc.red(String(count)) : String(count))
  row('answered', outcome => String(outcome.answered))
  row('refused', outcome => bad(outcome.refused))
  row('  of these, into a ban', outcome => bad(outcome.intoBan))
  row('bans', outcome => bad(outcome.bans))
  row('share of the quota used', outcome => `${(100 * outcome.share).toFixed(1)} %`)
  row('waiting time p50', outcome => `${outcome.waitP50Ms.toFixed(0)} ms`)
  row('waiting time p99', outcome => `${outcome.waitP99Ms.toFixed(0)} ms`)
  return table.toString()
}
