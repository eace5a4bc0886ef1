/**
 * A bot in a process of its own: polls one balance for ever, and says in lines what happens to it.
 * Arguments: the exchange's URL, and the path of its memory, if it has one.
 */
import process from 'node:process'
import { fileMemory } from '@headgate/core/memory-file'
import { createBingx } from '../../src/index.ts'

const [baseUrl = '', path] = process.argv.slice(2)
const say = (line: string) => process.stdout.write(`${line}\n`)
const bingx = createBingx({
  baseUrl,
  // Only its own calls are to be counted.
  syncClock: false,
  ...(path !== undefined && { memory: fileMemory(path) }),
  observer: event => say(event.type),
})
const account = bingx.account({
  apiKey: 'key-5d41402abc4b2a76',
  secretKey: 'secret-7d793037a0760186',
  uid: 'u1',
})
for (;;) {
  await account.swap.balance()
  say('answered')
}
