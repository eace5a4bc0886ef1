import { parentPort } from 'node:worker_threads'
import { runSeed } from '../run-seed.ts'
import type { Job } from './pool.ts'

// Calls are turned away by the thousand, and nobody looks at the stacks of their errors.
Error.stackTraceLimit = 0

parentPort?.on('message', async ({ seed, kind, minutes }: Job) => {
  parentPort?.postMessage(await runSeed(seed, kind, minutes))
})
