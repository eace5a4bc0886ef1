import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
const examples = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), match => match[1] ?? '')

test.each(examples.map((example, index) => [index + 1, example] as const))(
  'example %i of the README runs and prints what it says',
  async (_, example) => {
    const cwd = fileURLToPath(new URL('..', import.meta.url))
    const args = ['--conditions=@headgate/source', '--input-type=module-typescript', '--eval', example]
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd, timeout: 30_000 })
    const promised = Array.from(example.matchAll(/console\.log\(.*\) \/\/ (.*)/g), match => match[1])
    expect(promised.length).toBeGreaterThan(0)
    expect(stdout.trimEnd().split('\n')).toEqual(promised)
  },
)

test('every option is named', async () => {
  const source = await readFile(new URL('../src/options.ts', import.meta.url), 'utf8')
  const options = /export interface ExchangeOptions \{(.*?)\n\}/s.exec(source)?.[1] ?? ''
  const names = Array.from(options.matchAll(/^ {2}(\w+)\?:/gm), match => match[1])
  expect(names.length).toBeGreaterThan(15)
  expect(names.filter(name => !readme.includes(`\`${name}\``))).toEqual([])
})
