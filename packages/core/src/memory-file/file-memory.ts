import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { kill, pid } from 'node:process'
import { wrongOption } from '../options.ts'
import type { Kept, Memory, MemorySession } from '../ports/memory.ts'
import { formatKept, parseKept } from './format.ts'
import { merged } from './merge.ts'

const WHERE = 'fileMemory'

/**
 * Holds, halvings and long histories in a small file, so that a process that is killed in a ban and started again does not
 * call into it. Written whole beside and renamed, with mode 0600: a ban before anybody hears of it, and what else
 * changes in one turn in two writes at most. Holds label values and the server's words, no key.
 *
 * What can't be read is renamed to `<path>.unreadable-<n>`, and the observer gets a `warning`.
 *
 * A file for each scheduler is best. Several on one file lose nothing of each other's: who writes keeps what the others
 * wrote. But each heeds, until it is started again, only what it knows itself; and what one releases may be written again
 * by another that had loaded it.
 * @param path its folder must exist
 * @throws {TypeError} for what is no path
 * @throws {Error} when no file can be written there
 */
export function fileMemory(path: string): Memory {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw wrongOption(WHERE, 'path', 'the path of a file', path)
  // Now: the working directory may change later, and a link must not be replaced by what it leads to.
  const file = resolved(path)
  try {
    if (isThere(file) && lstatSync(file).isDirectory()) throw new Error('it is a directory')
    writeWhole(`${file}.${pid}.tmp`, '')
    rmSync(`${file}.${pid}.tmp`)
  } catch (error) {
    throw unwritable(file, error)
  }
  dropTorn(file)
  return Object.freeze({ open: () => new FileSession(file) })
}

class FileSession implements MemorySession {
  readonly kept?: Kept
  readonly warning?: string
  readonly #file: string
  /** What the file held when this session last read or wrote it. */
  #text: string | undefined
  /** What this session last kept. */
  #before: Kept | undefined

  constructor(file: string) {
    this.#file = file
    if (!isThere(file)) return
    try {
      this.#text = readFileSync(file, 'utf8')
    } catch (error) {
      this.warning = setAside(file, `could not be read (${wordsOf(error)})`)
      return
    }
    const kept = parseKept(this.#text)
    if (kept === undefined) this.warning = setAside(file, 'is torn, or no memory of this version')
    else this.#before = this.kept = kept
  }

  save(kept: Kept): void {
    const text = formatKept(this.#withOthers(kept))
    const beside = `${this.#file}.${pid}.tmp`
    try {
      writeWhole(beside, text)
      renameSync(beside, this.#file)
    } catch (error) {
      rmSync(beside, { force: true })
      throw unwritable(this.#file, error)
    }
    syncFolder(dirname(this.#file))
    this.#text = text
    this.#before = kept
  }

  #withOthers(kept: Kept): Kept {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch {
      return kept
    }
    if (text === this.#text) return kept
    const theirs = parseKept(text)
    return theirs === undefined ? kept : merged(kept, this.#before, theirs)
  }
}

function resolved(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return resolve(path)
  }
}

/** Also a link that leads nowhere. */
function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined
}

/** On the disk when it returns. */
function writeWhole(file: string, text: string): void {
  // What a killed process left, and whatever else lies there: a link could lead anywhere.
  rmSync(file, { force: true })
  const handle = openSync(file, 'wx', 0o600)
  try {
    writeFileSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** What processes left that were killed while they wrote. */
function dropTorn(file: string): void {
  const folder = dirname(file)
  let names: readonly string[]
  try {
    names = readdirSync(folder)
  } catch {
    // One may write into a folder that one may not list.
    return
  }
  for (const name of names) {
    const [, writer] = name.startsWith(`${basename(file)}.`) ? (/\.(\d+)\.tmp$/.exec(name) ?? []) : []
    if (writer !== undefined && !isAlive(Number(writer))) rmSync(join(folder, name), { force: true })
  }
}

function isAlive(id: number): boolean {
  try {
    kill(id, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code !== 'ESRCH'
  }
}

/** So that the rename outlives a loss of power. Not every host can; the file is whole all the same. */
function syncFolder(folder: string): void {
  try {
    const handle = openSync(folder, 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  } catch {}
}

/** @returns a warning in words */
function setAside(file: string, why: string): string {
  let n = 1
  while (isThere(`${file}.unreadable-${n}`)) n++
  const aside = `${file}.unreadable-${n}`
  try {
    renameSync(file, aside)
  } catch (error) {
    return `the memory ${JSON.stringify(file)} ${why}; nothing is known of earlier holds, and it could not be set aside (${wordsOf(error)})`
  }
  return `the memory ${JSON.stringify(file)} ${why}; nothing is known of earlier holds, and it was set aside as ${JSON.stringify(aside)}`
}

function unwritable(file: string, cause: unknown): Error {
  return new Error(
    `${WHERE}: option "path": expected a file that can be written, got ${JSON.stringify(file)} (${wordsOf(cause)})`,
    { cause },
  )
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
