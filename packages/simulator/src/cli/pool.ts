import { Worker } from 'node:worker_threads'
import type { Result } from '../run-seed.ts'
import type { Scenario } from '../scenario/scenario.ts'
import { commandOf } from './command.ts'

export interface Job {
  readonly seed: number
  readonly kind: Scenario['kind']
  readonly minutes: number
}

/** Worlds of the HTTP layer leave something behind in their thread (undici's finalizers): it is let go for a fresh one after so many. */
const WORLDS_A_THREAD = 250

/** Runs one job after the other on each of some threads, until there is none left or the signal says stop. */
export async function runAll(
  workers: number,
  nextJob: () => Job | undefined,
  done: (result: Result) => void,
  signal: AbortSignal,
): Promise<void> {
  const runThreads = async () => {
    while (await runThread(nextJob, done, signal));
  }
  await Promise.all(Array.from({ length: workers }, runThreads))
}

/** @returns whether there may be more to do */
function runThread(
  nextJob: () => Job | undefined,
  done: (result: Result) => void,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('worker.ts', import.meta.url))
    let job: Job | undefined
    let worlds = 0
    const end = (isMore: boolean) => {
      signal.removeEventListener('abort', stop)
      void worker.terminate().then(() => resolve(isMore))
    }
    const stop = () => end(false)
    const next = () => {
      if (worlds++ === WORLDS_A_THREAD) {
        end(true)
        return
      }
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
