import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runs } from '../../core/test/support/runs.ts'
import { walk } from '../src/income-walk.ts'

interface Row {
  readonly time: number
  /** Empty, or repeated: nothing to know a row by. */
  readonly tranId: string
}

interface Habits {
  /** In which order rows are listed. */
  readonly lists: 'newest first' | 'oldest first'
  /** Which rows a full page shows. */
  readonly keeps: 'newest' | 'oldest'
}

class TooMany extends Error {}

/** Lists what it has, in the order in which it happened, as the documentation words it and no more. */
function server(rows: Row[], { lists, keeps }: Habits) {
  const asked: { from: number; until: number; limit: number }[] = []
  return {
    asked,
    add: (row: Row) => void rows.splice(rows.findLastIndex(({ time }) => time <= row.time) + 1, 0, row),
    fetch: async (from: number, until: number, limit: number) => {
      asked.push({ from, until, limit })
      const chosen = rows.filter(({ time }) => time >= from && time <= until)
      const kept = keeps === 'newest' ? chosen.slice(-limit) : chosen.slice(0, limit)
      return lists === 'newest first' ? kept.toReversed() : kept
    },
  }
}

const setup = (fetch: (from: number, until: number, limit: number) => Promise<readonly Row[]>, limit: number) => ({
  fetch,
  limit,
  signal: undefined,
  error: (kind: string, msg: string) => new TooMany(`${kind}: ${msg}`),
})

const habits: fc.Arbitrary<Habits> = fc.record({
  lists: fc.constantFrom('newest first', 'oldest first'),
  keeps: fc.constantFrom('newest', 'oldest'),
})

/** From all in a few milliseconds to spread over months. */
const history = fc
  .tuple(fc.constantFrom(3, 20, 1_000, 8_000_000_000), fc.integer({ min: 0, max: 120 }))
  .chain(([span, size]) =>
    fc.array(fc.record({ time: fc.integer({ min: 0, max: span }), tranId: fc.constantFrom('', '', '1', '2') }), {
      minLength: 0,
      maxLength: size,
    }),
  )
  .map(rows => rows.toSorted((a, b) => a.time - b.time))

function mostAtOnce(rows: readonly Row[]): number {
  const counts = new Map<number, number>()
  for (const { time } of rows) counts.set(time, (counts.get(time) ?? 0) + 1)
  return Math.max(0, ...counts.values())
}

const UNTIL_MS = 8_000_000_000

describe('walk', () => {
  it('gives every row of the range once, in ascending order, whichever end the server cuts', async () => {
    await fc.assert(
      fc.asyncProperty(history, habits, fc.integer({ min: 1, max: 12 }), fc.nat(), async (rows, how, spare, start) => {
        // Just enough for the fullest millisecond, and more.
        const limit = mostAtOnce(rows) + spare
        const from = start % 5 === 0 ? (rows[start % (rows.length || 1)]?.time ?? 0) : 0
        const it = server([...rows], how)
        const pages: Row[][] = []
        for await (const page of walk(setup(it.fetch, limit), from, UNTIL_MS)) pages.push(page)
        // The very rows, in the order in which they happened: twins are two.
        const expected = rows.filter(({ time }) => time >= from)
        const came = pages.flat()
        expect(came).toHaveLength(expected.length)
        expect(came.map(({ time }) => time)).toEqual(expected.map(({ time }) => time))
        const seen = new Set(came)
        expect(expected.filter(row => !seen.has(row))).toEqual([])
        expect(seen.size).toBe(expected.length)
        for (const page of pages) {
          expect(page.length).toBeGreaterThan(0)
          expect(page.length).toBeLessThanOrEqual(limit)
        }
        if (rows.length > 0 && how.keeps === 'oldest') {
          // Each call but the question about the order brings at least one new instant.
          expect(it.asked.length).toBeLessThanOrEqual(expected.length + 2)
        }
      }),
      runs(600),
    )
  })

  it('throws for a millisecond that may hold more than a page, never skips', async () => {
    await fc.assert(
      fc.asyncProperty(history, habits, fc.integer({ min: 1, max: 8 }), async (rows, how, limit) => {
        const it = server([...rows], how)
        const came: Row[] = []
        let error: unknown
        try {
          for await (const page of walk(setup(it.fetch, limit), 0, UNTIL_MS)) came.push(...page)
        } catch (thrown) {
          error = thrown
        }
        if (error === undefined) expect(came).toHaveLength(rows.length)
        else {
          expect(error).toBeInstanceOf(TooMany)
          const at = Number(
            /^fatal: \d+ entries or more in the one millisecond (\d+):/.exec((error as Error).message)?.[1],
          )
          expect(rows.filter(({ time }) => time === at).length).toBeGreaterThanOrEqual(limit)
          // What came until then is whole.
          expect(came.map(({ time }) => time)).toEqual(rows.slice(0, came.length).map(({ time }) => time))
        }
        // A millisecond with more than a page is never passed over.
        if (mostAtOnce(rows) > limit) expect(error).toBeInstanceOf(TooMany)
      }),
      runs(400),
    )
  })

  it('is not put out by rows that come while it walks, of whatever time', async () => {
    await fc.assert(
      fc.asyncProperty(
        history,
        habits,
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.integer({ min: 0, max: UNTIL_MS }), { maxLength: 8 }),
        fc.boolean(),
        async (rows, how, spare, late, onlyNew) => {
          const newest = rows.at(-1)?.time ?? 0
          const limit = mostAtOnce(rows) + spare + late.length
          const it = server([...rows], how)
          const fetch = async (from: number, until: number, most: number) => {
            const page = await it.fetch(from, until, most)
            const time = late.pop()
            if (time !== undefined) it.add({ time: onlyNew ? Math.max(newest, time) : time, tranId: 'late' })
            return page
          }
          const came: Row[] = []
          for await (const page of walk(setup(fetch, limit), 0, UNTIL_MS)) came.push(...page)
          expect(came.filter(({ tranId }) => tranId !== 'late')).toHaveLength(rows.length)
          expect(new Set(came).size).toBe(came.length)
          expect(came.map(({ time }) => time)).toEqual(came.map(({ time }) => time).toSorted((a, b) => a - b))
        },
      ),
      runs(400),
    )
  })
})
