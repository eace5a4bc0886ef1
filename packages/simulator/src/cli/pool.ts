import { Worker } from 'node:worker_threads'
import type { Result } from '../run-seed.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { commandOf } from './command.ts'

export interface Job {
  readonly seed: number
  readonly kind: Scenario['kind']
  readonly minutes: number
}

/** Runs one job after the other on each of some threads, until there is none left or the signal says stop. */
export async function runAll(
  workers: number,
  nextJob: () => Job | undefined,
  done: (result: Result) => void,
  signal: AbortSignal,
): Promise<void> {
  await Promise.all(Array.from({ length: workers }, () => runThread(nextJob, done, signal)))
}

function runThread(nextJob: () => Job | undefined, done: (result: Result) => void, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('worker.ts', import.meta.url))
    let job: Job | undefined
    const stop = () => void worker.terminate().then(() => resolve())
    const next = () => {
      job = signal.aborted ? undefined : nextJob()
      if (job === undefined) stop()
      else worker.postMessage(job)
    }
    signal.addEventListener('abort', stop, { once: true })
    worker.on('message', (result: Result) => {
      done(result)
      next()
    })
    worker.on('error', error =>
      reject(new Error(`${error.message}; again: ${job && commandOf(job)}`, { cause: error })),
    )
    next()
  })
}
