import type { ExchangeStats } from '@headgate/exchange-sim'
import logUpdate from 'log-update'
import pc from 'picocolors'
import { answeredIn } from './report.ts'

interface Now {
  elapsedMs: number
  stats: ExchangeStats
}

const LIVE_EVERY_MS = 100
const PLAIN_EVERY_MS = 2_000
const BAR_WIDTH = 24

/** A line that moves in a terminal, a plain line now and then elsewhere. */
export function progress(name: string, forMs: number, now: () => Now): { end(): void } {
  // Some pseudo terminals have no size: nothing moves there.
  const isLive = process.stdout.isTTY === true && process.stdout.rows > 0
  const line = () => {
    const { elapsedMs, stats } = now()
    const share = Math.min(1, elapsedMs / forMs)
    const filled = Math.round(share * BAR_WIDTH)
    const bar = isLive ? `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ` : ''
    const refused = stats.refused > 0 ? pc.red(`${stats.refused} refused`) : `${stats.refused} refused`
    const seconds = `${(Math.min(elapsedMs, forMs) / 1_000).toFixed(1)} s`
    return `${name.padEnd(10)} ${bar}${seconds.padStart(6)}  ${answeredIn(stats)} answered, ${refused}, ${stats.banned} bans`
  }
  const show = () => (isLive ? logUpdate(line()) : console.log(line()))
  const timer = setInterval(show, isLive ? LIVE_EVERY_MS : PLAIN_EVERY_MS)
  return {
    end() {
      clearInterval(timer)
      show()
      if (isLive) logUpdate.done()
    },
  }
}
