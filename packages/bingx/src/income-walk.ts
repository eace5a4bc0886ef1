/** What is known of a row here. */
export interface Timed {
  /** Epoch milliseconds. */
  readonly time: number
}

export interface WalkSetup<T extends Timed> {
  /** Rows from `fromMs` to `untilMs`, both included, at most `limit` of them. */
  fetch(fromMs: number, untilMs: number, limit: number): Promise<readonly T[]>
  /** Rows of a full page. */
  readonly limit: number
  /** Ends the walk between pages, too. */
  readonly signal: AbortSignal | undefined
  /** An error to throw: `fatal` when the rows can't be walked through, `malformed` when the answers contradict. */
  error(kind: 'fatal' | 'malformed', msg: string): Error
}

/** A stretch of time whose rows are still to be fetched. */
interface Stretch {
  readonly fromMs: number
  readonly untilMs: number
  /** At its cut end so many rows were seen at this instant. They must come again, else rows are lost between pages. */
  readonly seen?: { readonly atMs: number; readonly rows: number }
}

/** A page that is not full is complete. One that is full was cut at one end, and the server doesn't say at which. */
interface Page<T> {
  /** In ascending order of time. */
  readonly rows: readonly T[]
  readonly full: boolean
}

/**
 * All rows of a range in ascending order of time, page by page, each once. Rows have no identity to go by (ids may be
 * empty, and twins are two rows), so stretches of time are what is told apart: each instant is taken from one page alone,
 * one that has all of it.
 */
export async function* walk<T extends Timed>(
  setup: WalkSetup<T>,
  fromMs: number,
  untilMs: number,
): AsyncGenerator<T[], void, undefined> {
  const { limit, signal, error } = setup
  let keepsNewest: boolean | undefined
  // What is left, the oldest on top: stretches, and rows whose turn has not come. At most one pair a halving.
  const left: (Stretch | T[])[] = [{ fromMs, untilMs }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    signal?.throwIfAborted()
    if (Array.isArray(next)) {
      yield next
      continue
    }
    const { rows, full } = await fetchPage(setup, next)
    const [first, last] = [rows[0], rows.at(-1)]
    if (first === undefined || last === undefined) continue
    if (!full) {
      yield [...rows]
      continue
    }
    if (first.time === last.time) {
      throw error(
        'fatal',
        `${limit} entries or more in the one millisecond ${first.time}: more than a page can show, so none is sure to be all`,
      )
    }
    keepsNewest ??= await cutsOldest(setup, first.time, last.time)
    if (keepsNewest) {
      left.push(rows.filter(({ time }) => time > first.time))
      const seen = { atMs: first.time, rows: rows.filter(({ time }) => time === first.time).length }
      // Halved: to hold all newer pages until the oldest is there would take the memory of the whole range.
      const middleMs = Math.floor((next.fromMs + first.time) / 2)
      if (next.fromMs < first.time) {
        left.push({ fromMs: middleMs + 1, untilMs: first.time, seen })
        left.push({ fromMs: next.fromMs, untilMs: middleMs })
      } else left.push({ fromMs: first.time, untilMs: first.time, seen })
    } else {
      const seen = { atMs: last.time, rows: rows.filter(({ time }) => time === last.time).length }
      left.push({ fromMs: last.time, untilMs: next.untilMs, seen })
      yield rows.filter(({ time }) => time < last.time)
    }
  }
}

async function fetchPage<T extends Timed>(setup: WalkSetup<T>, stretch: Stretch): Promise<Page<T>> {
  const { limit, error } = setup
  const { fromMs, untilMs, seen } = stretch
  const came = await setup.fetch(fromMs, untilMs, limit)
  const stray = came.find(({ time }) => !(time >= fromMs && time <= untilMs))
  if (stray !== undefined)
    throw error('malformed', `an entry of ${stray.time} ms, asked for ${fromMs} to ${untilMs} ms`)
  const full = came.length >= limit
  if (seen !== undefined) {
    const again = came.filter(({ time }) => time === seen.atMs).length
    if (again < seen.rows) {
      throw error('malformed', `${again} entries at ${seen.atMs} ms, where ${seen.rows} were a moment ago`)
    }
  }
  // Turned round first: where rows show which way they are listed, those of one millisecond keep their order.
  const newestFirst = (came[0]?.time ?? 0) > (came.at(-1)?.time ?? 0)
  const rows = (newestFirst ? came.toReversed() : [...came]).sort((a, b) => a.time - b.time)
  return { rows, full }
}

/**
 * Which end a full page loses, asked once per walk: of a stretch with rows at both its ends the server may give one row
 * only. In which order it lists them says nothing of what it leaves out.
 */
async function cutsOldest<T extends Timed>({ fetch, error }: WalkSetup<T>, firstMs: number, lastMs: number) {
  const [row, ...others] = await fetch(firstMs, lastMs, 1)
  if (row === undefined || others.length > 0) {
    throw error('malformed', `${others.length + (row ? 1 : 0)} entries for a limit of 1`)
  }
  return row.time === lastMs
}
