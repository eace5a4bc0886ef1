import { setTimeout as sleep } from 'node:timers/promises'
import { type Exchange, startExchange } from '@headgate/exchange-sim'
import pc from 'picocolors'
import { ACCOUNTS, BINGX_ACCOUNTS, BINGX_ENDPOINTS, COINW_ACCOUNTS, type Contender, poll, quota } from './load.ts'
import { progress } from './progress.ts'
import { type Outcome, outcomeOf, report } from './report.ts'
import { withBottleneck } from './with-bottleneck.ts'
import { withHeadgate } from './with-headgate.ts'

export interface SideBySideOptions {
  seconds: number
  seed: number
  signal: AbortSignal
}

/** One way: 10 ms and a log-normal part, as on an ordinary network. */
const LATENCY = { baseMs: 10, jitterMs: 5, sigma: 1 }
/** Five minutes are documented and measured (2026); after how many refusals nobody knows. */
const BAN = { threshold: 5, windowMs: 10_000, lengthMs: 300_000 }
const LEAST_SHARE = 0.95
/** A busy process reads the exchange's figures late: by then the next windows may have begun, which the quota does not count. */
const READ_EARLY_MS = 20

/** @returns the exit code: 0 when Headgate was never refused and used the quota, else 1 */
export async function sideBySide({ seconds, seed, signal }: SideBySideOptions): Promise<number> {
  const forMs = seconds * 1_000
  console.log(
    `${BINGX_ACCOUNTS} BingX accounts on ${BINGX_ENDPOINTS.length} endpoints and ${COINW_ACCOUNTS} CoinW accounts, one IP, ` +
      `${seconds} s each, seed ${seed}.\nOne way over the network: ${LATENCY.baseMs} ms + log-normal (median ${LATENCY.jitterMs} ms, sigma ${LATENCY.sigma}). ` +
      `${BAN.threshold} refusals within ${BAN.windowMs / 1_000} s ban an account from an endpoint for ${BAN.lengthMs / 60_000} minutes.\n` +
      `All limits together let ${quota(forMs)} calls through.\n`,
  )
  const outcomes: Outcome[] = []
  for (const contender of [withHeadgate, withBottleneck]) {
    if (signal.aborted) break
    outcomes.push(await runOne(contender, forMs, seed, signal))
  }
  console.log(report(outcomes))
  const [headgate] = outcomes
  if (signal.aborted || headgate === undefined) return 1
  if (headgate.refused === 0 && headgate.share >= LEAST_SHARE) {
    console.log(pc.green(`Headgate: not one call refused, ${(100 * headgate.share).toFixed(1)} % of the quota used.`))
    return 0
  }
  console.log(
    pc.red(
      `Headgate missed its promise: ${headgate.refused} refused, ${(100 * headgate.share).toFixed(1)} % of the quota used.`,
    ),
  )
  return 1
}

async function runOne(
  contend: (exchange: Exchange) => Contender,
  forMs: number,
  seed: number,
  signal: AbortSignal,
): Promise<Outcome> {
  await using exchange = await startExchange({ seed, latency: LATENCY, accounts: ACCOUNTS, ban: BAN })
  const contender = contend(exchange)
  const over = new AbortController()
  const startedAtMs = performance.now()
  const show = progress(contender.name, forMs, () => ({
    elapsedMs: performance.now() - startedAtMs,
    stats: exchange.stats(),
  }))
  const polling = poll(contender, over.signal)
  await sleep(forMs - READ_EARLY_MS, undefined, { signal }).catch(() => undefined)
  const outcome = outcomeOf(contender, exchange.stats(), quota(Math.min(forMs, performance.now() - startedAtMs)))
  over.abort(new Error('the time is over'))
  show.end()
  await contender.close()
  await polling
  return outcome
}
