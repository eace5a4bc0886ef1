import { execFile } from 'node:child_process'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const here = import.meta.dirname
const examplesIn = (text: string) => [...text.matchAll(/```ts\n(.*?)```/gs)].map(match => match[1] as string)
const readme = await readFile(join(here, '../../../README.md'), 'utf8')
const examples = examplesIn(readme)
const [, several] = examplesIn(await readFile(join(here, '../../bingx/README.md'), 'utf8'))

/** As a user would: the text of the example in a file of its own. */
async function run(example: string, name: string): Promise<string> {
  const file = join(here, `readme-${name}.tmp.ts`)
  await writeFile(file, example)
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@headgate/source', file])
    return stdout
  } finally {
    await rm(file)
  }
}

describe('the README', () => {
  it('has the examples that are run here', () => expect(examples).toHaveLength(3))

  it('shows calls to an exchange, none of them refused', async () => {
    expect(await run(examples[0] as string, 'exchange')).toBe('12 answers, 0 refused\n')
  })

  it('shows a poller', async () => {
    expect(await run(examples[1] as string, 'poller')).toMatch(/^(reading \d: \d assets\n){3}$/)
  })

  it('shows a gate of your own', async () => {
    expect(await run(examples[2] as string, 'own')).toBe('the answer true\n')
  })

  it('names the two commands in the form in which they work', () => {
    expect(readme).toContain('npx pnpm@12 demo\n')
    expect(readme).toContain('npx pnpm@12 test\n')
  })
})

describe('the README of @headgate/bingx', () => {
  it('shows several addresses', async () => {
    expect(await run(several as string, 'several')).toBe('10.0.0.1 5\n10.0.0.2 5\n')
  })
})
