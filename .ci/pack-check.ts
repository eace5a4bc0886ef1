/**
 * Packs every public package, installs the tarballs in an empty project outside the workspace, and uses them there as a
 * newcomer would: types under a strict compiler, code under plain Node. Needs `pnpm build` before.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

interface Manifest {
  name: string
  private?: boolean
}

const root = join(import.meta.dirname, '..')
const project = mkdtempSync(join(tmpdir(), 'headgate-pack-'))
process.on('exit', () => rmSync(project, { recursive: true, force: true }))

const run = (command: string, args: readonly string[], cwd: string) =>
  execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })

const tarballs: Record<string, string> = {}
for (const folder of readdirSync(join(root, 'packages'))) {
  const directory = join(root, 'packages', folder)
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Manifest
  if (manifest.private === true) continue
  const packed = JSON.parse(
    run('npx', ['--yes', 'pnpm@12', 'pack', '--json', '--pack-destination', project], directory),
  )
  const tarball = (Array.isArray(packed) ? packed[0] : packed).filename as string
  tarballs[manifest.name] = tarball
  await examine(manifest.name, tarball)
}

writeFileSync(
  join(project, 'package.json'),
  JSON.stringify({
    name: 'newcomer',
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(Object.entries(tarballs).map(([name, file]) => [name, `file:${file}`])),
    devDependencies: { typescript: '^7.0.2', '@types/node': '^24.0.0' },
  }),
)
writeFileSync(
  join(project, 'tsconfig.json'),
  JSON.stringify({
    compilerOptions: {
      target: 'ES2023',
      lib: ['ES2024', 'ESNext.Disposable', 'DOM'],
      module: 'NodeNext',
      strict: true,
      exactOptionalPropertyTypes: true,
      // The declarations themselves are on trial.
      skipLibCheck: false,
      types: ['node'],
      outDir: 'out',
    },
    files: ['newcomer.ts'],
  }),
)
writeFileSync(join(project, 'newcomer.ts'), readFileSync(join(import.meta.dirname, 'newcomer.ts')))

run('npm', ['install', '--no-fund', '--no-audit', '--loglevel', 'error'], project)
console.log(`installed ${Object.keys(tarballs).length} tarballs in an empty project`)
run(join(project, 'node_modules', '.bin', 'tsc'), ['-p', '.'], project)
console.log('its code compiles, declarations checked')
process.stdout.write(run(process.execPath, ['out/newcomer.js'], project))

/** What publint and arethetypeswrong find fails the check. ESM only is meant: what CommonJS cannot do is no finding. */
async function examine(name: string, tarball: string): Promise<void> {
  const { messages, pkg } = await publint({
    pack: { tarball: new Uint8Array(readFileSync(tarball)).buffer },
    strict: true,
  })
  const problems = messages.map(message => formatMessage(message, pkg))
  const types = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))))
  if (types.types === false) problems.push('no types')
  else {
    for (const problem of types.problems) {
      if (problem.kind === 'CJSResolvesToESM' || problem.kind === 'NoResolution') continue
      problems.push(`types: ${JSON.stringify(problem)}`)
    }
  }
  if (problems.length > 0) throw new Error(`${name}:\n${problems.join('\n')}`)
}
