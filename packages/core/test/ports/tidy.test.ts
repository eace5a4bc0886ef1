import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('../../src/', import.meta.url))

interface Source {
  readonly path: string
  /** Without comments and texts, which may speak of anything. */
  readonly code: string
  readonly imports: readonly { readonly from: string; readonly isType: boolean }[]
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => {
    const text = readFileSync(join(SRC, path), 'utf8')
    const bare = text.replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
    const statements = bare.matchAll(
      /(?:^|\n)\s*(import|export)\s+(type\s)?[^;'"`]*?\bfrom\s+'([^']+)'|\bimport\s*\(\s*'([^']+)'|^import\s+'([^']+)'/gm,
    )
    return {
      path: path.replaceAll('\\', '/'),
      code: bare.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''"),
      imports: [...statements].map(match => ({
        from: (match[3] ?? match[4] ?? match[5]) as string,
        isType: match[2] !== undefined,
      })),
    }
  })

/** The file system, and what names a file on it. */
const FILE_MODULES = ['node:fs', 'node:path', 'node:process']

const folderOf = (path: string) => (path.includes('/') ? (path.split('/')[0] as string) : '')
const target = (source: Source, from: string) =>
  relative(SRC, join(SRC, dirname(source.path), from)).replaceAll('\\', '/')

/** `path: what` for every source that breaks a rule. */
function breaches(rule: (source: Source) => readonly string[]): string[] {
  return sources.flatMap(source => rule(source).map(what => `${source.path}: ${what}`))
}

test('the sources are found', () => {
  expect(sources.length).toBeGreaterThan(30)
  expect(sources.find(source => source.path === 'scheduler.ts')?.imports.length).toBeGreaterThan(10)
})

describe('the host is touched by system/, and a file by memory-file/', () => {
  // What stands for it: the clock and the random source of the settings.
  const BANNED: readonly [name: string, pattern: RegExp][] = [
    ['Date.now: use the clock', /\bDate\.now\b/],
    ['new Date(): use the clock', /\bnew Date\(\s*\)/],
    ['performance.now: use the clock', /\bperformance\b/],
    ['Math.random: use the random source', /\bMath\.random\b/],
    ['setTimeout and its like: use clock.setTimer', /\b(?:setTimeout|setInterval|setImmediate)\b/],
    ['process', /\bprocess\b/],
    ['console: use the observer', /\bconsole\b/],
    ['the network', /\b(?:fetch|XMLHttpRequest|WebSocket)\s*\(/],
  ]
  test.each(BANNED)('%s', (_, pattern) => {
    const mayTurnTheLoop = (source: Source) => source.path === 'testing/virtual-clock.ts' && pattern.test('setTimeout')
    expect(
      breaches(source =>
        source.path.startsWith('system/') || mayTurnTheLoop(source) || !pattern.test(source.code)
          ? []
          : [pattern.source],
      ),
    ).toStrictEqual([])
  })
})

describe('imports point one way', () => {
  const each = (rule: (source: Source, to: string, isType: boolean) => boolean) =>
    breaches(source =>
      source.imports
        .filter(({ from }) => from.startsWith('.'))
        .filter(({ from, isType }) => !rule(source, target(source, from), isType))
        .map(({ from }) => from),
    )

  test('core imports nothing but itself, with the ending .ts', () => {
    expect(
      breaches(source =>
        source.imports
          .map(({ from }) => from)
          .filter(from => !/^\.\.?\/.*\.ts$/.test(from))
          .filter(from => folderOf(source.path) !== 'memory-file' || !FILE_MODULES.includes(from)),
      ),
    ).toStrictEqual([])
  })

  test('nothing imports memory-file/: who wants a file asks for its entry; it imports ports and the checks of options', () => {
    const isMemoryFile = (path: string) => folderOf(path) === 'memory-file'
    expect(sources.some(({ path }) => isMemoryFile(path))).toBe(true)
    expect(each((source, to) => !isMemoryFile(to) || isMemoryFile(source.path))).toStrictEqual([])
    expect(
      each(
        (source, to, isType) =>
          !isMemoryFile(source.path) || isMemoryFile(to) || to === 'options.ts' || (folderOf(to) === 'ports' && isType),
      ),
    ).toStrictEqual([])
  })

  test('only run/settings.ts imports system/, and the face shows its clock', () => {
    expect(
      each((source, to) => folderOf(to) !== 'system' || ['run/settings.ts', 'index.ts'].includes(source.path)),
    ).toStrictEqual([])
  })

  test('nothing imports testing/', () => {
    expect(each((source, to) => folderOf(to) !== 'testing' || folderOf(source.path) === 'testing')).toStrictEqual([])
  })

  test('nothing but its maker imports the scheduler, nothing the face', () => {
    expect(each((source, to) => to !== 'scheduler.ts' || source.path === 'create-scheduler.ts')).toStrictEqual([])
    expect(each((_, to) => to !== 'index.ts')).toStrictEqual([])
  })

  test('ports are interfaces: they import types alone', () => {
    expect(each((source, _, isType) => folderOf(source.path) !== 'ports' || isType)).toStrictEqual([])
  })

  test('system/ and testing/ import ports alone, and their types', () => {
    expect(
      each((source, to, isType) => {
        const folder = folderOf(source.path)
        return (
          !['system', 'testing'].includes(folder) || folderOf(to) === folder || (folderOf(to) === 'ports' && isType)
        )
      }),
    ).toStrictEqual([])
  })

  test('leaves import ports, types, and the pure helpers of other leaves', () => {
    const leaves = ['limits', 'lanes', 'feedback', 'backoff']
    const isHelper = (to: string) => to === 'options.ts' || leaves.includes(folderOf(to)) || folderOf(to) === 'ports'
    expect(
      each((source, to, isType) => !leaves.includes(folderOf(source.path)) || isType || isHelper(to)),
    ).toStrictEqual([])
    const mayKnow = (to: string) => folderOf(to) !== 'run' && folderOf(to) !== 'system' && to !== 'scheduler.ts'
    expect(each((source, to) => !leaves.includes(folderOf(source.path)) || mayKnow(to))).toStrictEqual([])
  })
})

describe('style', () => {
  test('no `export *`: the face is listed by hand', () => {
    expect(breaches(source => source.code.match(/\bexport \*.*/g) ?? [])).toStrictEqual([])
  })

  test('no module keeps state: no `let` or `var`, no empty collection, outside of functions', () => {
    expect(breaches(source => source.code.match(/^(?:export )?(?:let|var)\b.*/gm) ?? [])).toStrictEqual([])
    expect(
      breaches(
        source => source.code.match(/^(?:export )?const .*= new (?:Map|Set|WeakMap|WeakSet)(?:<.*>)?\(\)$/gm) ?? [],
      ),
    ).toStrictEqual([])
  })

  test('no word to a checker, no note to self', () => {
    const texts = sources.map(source => [source.path, readFileSync(join(SRC, source.path), 'utf8')] as const)
    const noted = texts.filter(([, text]) => /@ts-|biome-ignore|eslint-|TODO|FIXME/.test(text))
    expect(noted.map(([path]) => path)).toStrictEqual([])
  })
})
