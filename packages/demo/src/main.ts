import { Command, InvalidArgumentError } from 'commander'
import pc from 'picocolors'
import { live } from './live.ts'
import { sideBySide } from './side-by-side.ts'

/** 128 + SIGINT, as shells report it. */
const INTERRUPTED = 130

const interrupt = new AbortController()
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')))
process.once('SIGTERM', () => interrupt.abort(new Error('terminated')))

const wholeNumber = (least: number, most: number) => (text: string) => {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`)
}

const program = new Command('demo')
  .description(
    'Headgate and a plain Bottleneck poll the same exchange, one after the other, as fast as its limits allow.',
  )
  .option('--seconds <n>', 'how long each of them polls', wholeNumber(2, 60), 10)
  .option('--seed <n>', 'decides the network and the exchange', wholeNumber(0, 2 ** 31), 1)
  .action(async options => {
    process.exitCode = await sideBySide({ ...options, signal: interrupt.signal })
  })

program
  .command('live')
  .description("reads an account's balances once from the real BingX; takes BINGX_API_KEY and BINGX_SECRET_KEY")
  .action(async () => {
    process.exitCode = await live(process.env, interrupt.signal)
  })

try {
  await program.parseAsync()
} catch (error) {
  if (!interrupt.signal.aborted) throw error
}
if (interrupt.signal.aborted) {
  console.log(pc.dim('stopped'))
  process.exitCode = INTERRUPTED
}
