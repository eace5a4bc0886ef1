import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { createScheduler, type Kept, type SchedulerEvent, tokenBucket } from '@headgate/core'
import { fileMemory } from '@headgate/core/memory-file'
import { virtualClock } from '@headgate/core/testing'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'

const hold = (uid: string, untilMs = 5000) => ({ labels: { uid }, reason: 'ban', untilMs })
const kept = (...holds: Kept['holds'][number][]): Kept => ({
  savedAtMs: 1000,
  holds,
  reductions: [{ limit: 'l', labels: { uid: 'u' }, tokens: 2.5, sinceMs: 900, quietMs: 1000, burst: true }],
  halvings: [{ labels: { ip: 'a' }, reason: 'warned', untilMs: 9000 }],
  histories: [{ name: 'bans', forMs: 8000, times: [1, 2] }],
})

let folder: string
let path: string

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'headgate-memory-')))
  path = join(folder, 'memory.json')
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
})

const open = () => fileMemory(path).open()

describe('a file', () => {
  test('that is not there yet: nothing is known, nothing is made', () => {
    expect(open().kept).toBeUndefined()
    expect(open().warning).toBeUndefined()
    expect(readdirSync(folder)).toStrictEqual([])
  })

  test('gives back all that was saved, and is for its owner alone', () => {
    open().save(kept(hold('u'), hold('v')))
    expect(open().kept).toStrictEqual(kept(hold('u'), hold('v')))
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toStrictEqual(['memory.json'])
  })

  test('is replaced as a whole: who has it open still reads the old one', () => {
    const session = open()
    session.save(kept(hold('u')))
    const before = statSync(path).ino
    session.save(kept(hold('v')))
    expect(statSync(path).ino).not.toBe(before)
    expect(open().kept?.holds).toStrictEqual([hold('v')])
  })

  test('behind a link stays behind it', () => {
    mkdirSync(join(folder, 'real'))
    writeFileSync(join(folder, 'real/m'), '')
    symlinkSync(join(folder, 'real/m'), path)
    const session = open()
    session.save(kept(hold('u')))
    expect(realpathSync(path)).toBe(join(folder, 'real/m'))
    expect(open().kept?.holds).toHaveLength(1)
  })

  test('stays where it was when the working directory changes', () => {
    const before = process.cwd()
    process.chdir(folder)
    const session = fileMemory('memory.json').open()
    process.chdir(before)
    session.save(kept(hold('u')))
    expect(readdirSync(folder)).toStrictEqual(['memory.json'])
  })

  test('half written by a process that was killed is taken away, of one that lives it is not', () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid
    writeFileSync(`${path}.${dead}.tmp`, '{"headgateMem')
    writeFileSync(`${path}.${process.ppid}.tmp`, '{"headgateMem')
    writeFileSync(join(folder, `other.${dead}.tmp`), '')
    open()
    expect(readdirSync(folder).sort()).toStrictEqual([`memory.json.${process.ppid}.tmp`, `other.${dead}.tmp`])
  })
})

describe('content that is no memory is set aside, with a warning, and taken for nothing', () => {
  const whole = () => {
    open().save(kept(hold('u')))
    return readFileSync(path, 'utf8')
  }
  const changed = (change: (value: Record<string, unknown>) => void) => {
    const value = JSON.parse(whole())
    change(value)
    return JSON.stringify(value)
  }

  test.each<[string, () => string | Uint8Array]>([
    ['empty', () => ''],
    ['torn', () => whole().slice(0, -20)],
    ['zeros', () => new Uint8Array(4096)],
    ['foreign', () => '{"name":"package"}'],
    ['a list', () => '[]'],
    ['null', () => 'null'],
    ['of a later version', () => changed(value => (value['headgateMemory'] = 2))],
    ['a hold without end', () => changed(value => (value['holds'] = [{ labels: {}, reason: '' }]))],
    ['a hold for ever', () => whole().replace(/"untilMs":\d+/, '"untilMs":1e999')],
    ['a label that is no text', () => changed(value => (value['holds'] = [{ ...hold('u'), labels: { uid: 1 } }]))],
    ['a halving of a text', () => changed(value => (value['halvings'] = ['x']))],
    ['a reduction in words', () => changed(value => (value['reductions'] = [{ limit: 'l', labels: {}, tokens: '2' }]))],
    ['a history without times', () => changed(value => (value['histories'] = [{ name: 'bans', forMs: 1 }]))],
  ])('%s', (_, content) => {
    const text = content()
    writeFileSync(path, text)
    const session = open()
    expect(session.kept).toBeUndefined()
    expect(session.warning).toContain(`"${path}" is torn, or no memory of this version`)
    expect(session.warning).toContain(`"${path}.unreadable-1"`)
    expect(readFileSync(`${path}.unreadable-1`)).toStrictEqual(Buffer.from(text))
    expect(readdirSync(folder)).toStrictEqual(['memory.json.unreadable-1'])
    session.save(kept(hold('v')))
    expect(open().kept?.holds).toStrictEqual([hold('v')])
  })

  test('and the next one beside it', () => {
    for (const n of [1, 2, 3]) {
      writeFileSync(path, 'x')
      expect(open().warning).toContain(`unreadable-${n}"`)
    }
  })

  test('the scheduler says so and starts', () => {
    writeFileSync(path, 'x')
    const events: SchedulerEvent[] = []
    const limits = [tokenBucket({ name: 'uid', limit: 1, windowMs: 1000, by: ['uid'] })]
    createScheduler({ limits, clock: virtualClock(), memory: fileMemory(path), observer: event => events.push(event) })
    expect(events).toMatchObject([{ type: 'warning', reason: expect.stringContaining(path) }])
  })
})

describe('a path', () => {
  test.each([undefined, '', 5, null, 'a\0b'])('%o is none', value => {
    expect(() => fileMemory(value as never)).toThrow(TypeError)
    expect(() => fileMemory(value as never)).toThrow(/^fileMemory: option "path": expected the path of a file, got /)
  })

  test.each([
    ['in a folder that is not there', () => join(folder, 'none/memory.json'), /ENOENT/],
    ['that is a folder', () => folder, /it is a directory/],
    [
      'below a file',
      () => {
        writeFileSync(path, '')
        return join(path, 'memory.json')
      },
      /ENOTDIR/,
    ],
    ['that the system does not let anybody write', () => '/proc/headgate-memory.json', /E[A-Z]+/],
  ])('%s is told when it is given', (_, make, why) => {
    const where = make()
    const error = (() => {
      try {
        fileMemory(where)
      } catch (thrown) {
        return thrown as Error
      }
      return undefined
    })()
    expect(error?.message).toContain(`fileMemory: option "path": expected a file that can be written, got "${where}" (`)
    expect(error?.message).toMatch(why)
  })

  test('that can no longer be written is told by every save, and leaves what was there', () => {
    const session = open()
    session.save(kept(hold('u')))
    rmSync(folder, { recursive: true })
    expect(() => session.save(kept(hold('v')))).toThrow(
      `fileMemory: option "path": expected a file that can be written, got "${path}" (ENOENT`,
    )
    mkdirSync(folder)
    session.save(kept(hold('v')))
    expect(open().kept?.holds).toStrictEqual([hold('v')])
  })

  test.skipIf(process.getuid?.() === 0)('of a file that may not be read: set aside', () => {
    open().save(kept(hold('u')))
    chmodSync(path, 0)
    expect(open().warning).toContain('could not be read')
    expect(readdirSync(folder)).toStrictEqual(['memory.json.unreadable-1'])
  })
})

describe('two schedulers on one file', () => {
  test('lose nothing of each other', () => {
    const [one, other] = [open(), open()]
    one.save(kept(hold('u')))
    other.save(kept(hold('v')))
    one.save(kept(hold('u'), hold('w')))
    expect(
      open()
        .kept?.holds.map(({ labels }) => labels['uid'])
        .sort(),
    ).toStrictEqual(['u', 'v', 'w'])
  })

  test('end what is their own', () => {
    const [one, other] = [open(), open()]
    one.save(kept(hold('u')))
    other.save(kept(hold('v')))
    one.save(kept())
    expect(open().kept?.holds).toStrictEqual([hold('v')])
  })

  test('of one hold keep the longer, of one history all', () => {
    const [one, other] = [open(), open()]
    one.save(kept(hold('u', 9000)))
    other.save({ ...kept(hold('u', 7000)), histories: [{ name: 'bans', forMs: 8000, times: [2, 3] }] })
    expect(open().kept?.holds).toStrictEqual([hold('u', 9000)])
    expect(open().kept?.histories).toStrictEqual([{ name: 'bans', forMs: 8000, times: [1, 2, 3] }])
  })

  test('over the same memory object too', () => {
    const memory = fileMemory(path)
    const [one, other] = [memory.open(), memory.open()]
    one.save(kept(hold('u')))
    other.save(kept(hold('v')))
    expect(memory.open().kept?.holds).toHaveLength(2)
  })
})
