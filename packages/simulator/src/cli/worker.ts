import { parentPort } from 'node:worker_threads'
import { runSeed } from '../run-seed.ts'
import type { Job } from './pool.ts'

parentPort?.on('message', async ({ seed, kind, minutes }: Job) => {
  parentPort?.postMessage(await runSeed(seed, kind, minutes))
})
