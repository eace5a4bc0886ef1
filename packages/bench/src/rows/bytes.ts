import type { Labels } from '@headgate/core'
import type { Contender, Gate, Rule } from '../peers/peer.ts'
import type { Case, Row } from './row.ts'

/** Long enough to measure in; for p-throttle a timer waits for each call, and no timer waits for more than 24 days. */
const WINDOW_MS = 30_000
const AT_ONCE = 1_000

interface BytesCase extends Case {
  readonly what: 'key' | 'waiting'
  readonly count: number
  /** Of those that wait. */
  readonly perKey: number
  readonly labels: 'kept' | 'dropped'
}

export const bytes: Row<BytesCase> = {
  name: 'bytes',
  title: 'Memory',
  about:
    'Bytes on the heap after a collection, for each key in use (called once, its token still away) and for each waiting call, the promise ' +
    'that the caller awaits included. *Labels kept*: by the caller, and not counted. Targets: 250 a key, 450 a waiting call.',
  cases(quick) {
    const count = quick ? 100 : 50_000
    return [
      { name: 'a key in use, labels dropped', what: 'key', count, perKey: 1, labels: 'dropped' },
      { name: 'a key in use, labels kept', what: 'key', count, perKey: 1, labels: 'kept' },
      { name: 'a waiting call, 100 a key', what: 'waiting', count, perKey: 100, labels: 'kept' },
      { name: 'a waiting call, alone with its labels', what: 'waiting', count, perKey: 1, labels: 'kept' },
    ]
  },
  asks: () => true,
  async measure(peer, { what, count, perKey, labels: keep }) {
    // Those alone with their labels wait for one limit together, or each would find its key free.
    const by = what === 'waiting' && perKey === 1 ? 'ip' : 'uid'
    const rule: Rule = { name: by, limit: 1, windowMs: WINDOW_MS, by: [by] }
    const contender = await peer.open([rule])
    const gates: Gate[] = []
    const kept: Labels[] = []
    const task = () => undefined
    const keys = count / perKey
    const labelsOf = (i: number): Labels => ({ uid: `u${i}`, ip: 'a' })
    if (keep === 'kept') for (let i = 0; i < keys; i++) kept.push(labelsOf(i))
    // One key more than counted: what exists once must not be counted.
    await contender.gate(labelsOf(keys))(task)
    if (what === 'waiting') {
      for (const labels of kept) gates.push(contender.gate(labels))
      if (by === 'uid') for (const gate of gates) await gate(task)
      for (const gate of gates.slice(0, 1)) void gate(task)
    }
    const before = heap()
    if (what === 'waiting') for (let i = 0; i < count; i++) void (gates[i % keys] as Gate)(task)
    else {
      // Some at a time: those that pass through timers would take minutes one by one.
      for (let from = 0; from < count; from += AT_ONCE) {
        const some = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => from + i)
        await Promise.all(some.map(i => contender.gate(kept[i] ?? labelsOf(i))(task)))
      }
    }
    // What starts a little later has started.
    await new Promise(resolve => void setTimeout(resolve, 20))
    const after = heap()
    stillInUse([contender, gates, kept])
    return { bytes: (after - before) / count }
  },
  columns: [
    {
      title: 'bytes for',
      figure: 'bytes',
      show: value => value.toFixed(0),
      hasRatio: true,
      target: name => (name.startsWith('a key') ? '250' : '450'),
    },
  ],
}

interface IdleCase extends Case {
  readonly keys: number
}

export const idleKeys: Row<IdleCase> = {
  name: 'idle',
  title: 'Idle keys are given back',
  about:
    'So many keys are called once; their window passes; then half as many others are called. How many are still kept. (Limiters that know no ' +
    'keys keep what their user keeps: one for each key, for ever.)',
  cases: quick => [{ name: `${(quick ? 100 : 100_000).toLocaleString('en')} keys`, keys: quick ? 100 : 100_000 }],
  asks: () => true,
  async measure(peer, { keys }) {
    const { fakeTime } = await import('../world/fake-time.ts')
    using time = fakeTime()
    const contender = await peer.open([{ name: 'uid', limit: 5, windowMs: 1_000, by: ['uid'] }])
    const call = async (from: number, count: number) => {
      const done = Array.from({ length: count }, (_, i) => contender.gate({ uid: `u${from + i}` })(() => undefined))
      await time.advance(20_000)
      await Promise.all(done)
    }
    await call(0, keys)
    await call(keys, keys / 2)
    return { kept: keysOf(contender) / keys }
  },
  columns: [
    { title: 'still kept of', figure: 'kept', show: share => `${(100 * share).toFixed(0)} %`, hasRatio: false },
  ],
}

function keysOf(contender: Contender): number {
  return contender.keys?.() ?? Number.NaN
}

function heap(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc')
  // What finalizers let go is collected the second time.
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

/** The engine may drop what nobody looks at any more. */
function stillInUse(things: readonly unknown[]): void {
  if (things.some(thing => thing === undefined)) throw new Error('something is gone')
}
