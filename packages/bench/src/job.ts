import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Figures } from './rows/row.ts'

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))

/** One measurement: what is measured by which row, in which case, of whom. */
export interface Job {
  readonly row: string
  readonly of: string
  readonly peer: string
  readonly quick: boolean
}

/**
 * Measures in a process of its own.
 * @returns undefined when it did not end within `mostMs`
 * @throws {Error} when it failed, and the signal's reason when that aborts
 */
export function run(job: Job, mostMs: number, signal: AbortSignal): Promise<Figures | undefined> {
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const flags = ['--conditions=@headgate/source', '--expose-gc']
    const child = fork(CHILD, [JSON.stringify(job)], {
      execArgv: flags,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    let figures: Figures | undefined
    let isLate = false
    const stop = () => child.kill('SIGKILL')
    const timer = setTimeout(() => {
      isLate = true
      stop()
    }, mostMs)
    signal.addEventListener('abort', stop, { once: true })
    child.on('message', message => {
      figures = message as Figures
    })
    child.on('error', reject)
    child.on('exit', code => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      if (signal.aborted) reject(signal.reason)
      else if (figures !== undefined || isLate) resolve(figures)
      else reject(new Error(`${job.row}, ${job.of}, ${job.peer}: ended with ${code} and without a figure`))
    })
  })
}
