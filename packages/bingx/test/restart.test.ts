import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Exchange, startExchange } from '@headgate/exchange-sim'
import { expect, onTestFinished, test } from 'vitest'
import { KEYS } from './support/exchange.ts'

const POLLER = fileURLToPath(new URL('./support/poller.ts', import.meta.url))
const ENDPOINT = 'GET /openApi/swap/v3/user/balance'
const BAN_MS = 3_000

async function start() {
  const exchange = await startExchange({ accounts: [{ uid: 'u1', ...KEYS }] })
  const folder = mkdtempSync(join(tmpdir(), 'headgate-restart-'))
  onTestFinished(async () => {
    await exchange.close()
    rmSync(folder, { recursive: true })
  })
  return { exchange, path: join(folder, 'memory.json') }
}

/** A process that polls, until its output has a line like this; then it is killed. @returns all its lines */
async function pollUntil(said: string, { bingxUrl }: Exchange, path?: string): Promise<string[]> {
  const args = ['--conditions=@headgate/source', POLLER, bingxUrl, ...(path === undefined ? [] : [path])]
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    lines.push(line)
    if (line !== said) continue
    child.kill('SIGKILL')
    break
  }
  await exited
  return lines
}

test('killed in a ban and started again with its memory: not one call into the ban', async () => {
  const { exchange, path } = await start()
  exchange.ban({ exchange: 'bingx', uid: 'u1', endpoint: ENDPOINT, forMs: BAN_MS })

  // The call that finds the ban. Killed as soon as anything is heard of it.
  expect((await pollUntil('refused', exchange, path)).at(-1)).toBe('refused')
  expect(exchange.stats()).toMatchObject({ intoBan: 1 })

  // Killed in the ban again, now without a call of its own.
  expect(await pollUntil('held', exchange, path)).toStrictEqual(['held'])

  const lines = await pollUntil('answered', exchange, path)
  expect(lines).toStrictEqual(['held', 'probe', 'admitted', 'answered'])
  expect(exchange.stats()).toMatchObject({ intoBan: 1, accepted: 1 })
  const [ban] = exchange.stats().bans
  const [, first] = exchange.log()
  expect(first?.atMs).toBeGreaterThanOrEqual(ban?.untilMs as number)
  const text = readFileSync(path, 'utf8')
  for (const secret of Object.values(KEYS)) expect(text).not.toContain(secret)
})

test('without a memory each start calls into the ban', async () => {
  const { exchange } = await start()
  exchange.ban({ exchange: 'bingx', uid: 'u1', endpoint: ENDPOINT, forMs: 600_000 })
  await pollUntil('held', exchange)
  await pollUntil('held', exchange)
  expect(exchange.stats()).toMatchObject({ intoBan: 2 })
})
