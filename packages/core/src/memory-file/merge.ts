import type { Kept, KeptHalving, KeptHistory, KeptHold, KeptReduction } from '../ports/memory.ts'

const keyOfLabels = (labels: KeptHold['labels']) => Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))

const byLabels = ({ labels }: KeptHold | KeptHalving) => JSON.stringify(keyOfLabels(labels))
const byLimit = ({ limit, labels, burst }: KeptReduction) =>
  JSON.stringify([limit, burst === true, keyOfLabels(labels)])
const byName = ({ name }: KeptHistory) => name

/**
 * What is to be written when somebody else has written meanwhile.
 * @param mine what is to be kept now
 * @param before what this scheduler kept last: of that, what is no longer mine is over
 * @param theirs what stands in the file
 */
export function merged(mine: Kept, before: Kept | undefined, theirs: Kept): Kept {
  return {
    savedAtMs: mine.savedAtMs,
    holds: union(mine.holds, before?.holds, theirs.holds, byLabels, later),
    reductions: union(mine.reductions, before?.reductions, theirs.reductions, byLimit, (own, other) =>
      own.sinceMs >= other.sinceMs ? own : other,
    ),
    halvings: union(mine.halvings, before?.halvings, theirs.halvings, byLabels, later),
    histories: union(mine.histories, before?.histories, theirs.histories, byName, (own, other) => ({
      ...own,
      times: [...new Set([...own.times, ...other.times])].sort((a, b) => a - b),
    })),
  }
}

function later<T extends { readonly untilMs: number }>(own: T, other: T): T {
  return own.untilMs >= other.untilMs ? own : other
}

function union<T>(
  mine: readonly T[],
  before: readonly T[] = [],
  theirs: readonly T[],
  keyOf: (item: T) => string,
  stricter: (own: T, other: T) => T,
): readonly T[] {
  const items = new Map(mine.map(item => [keyOf(item), item]))
  const over = new Set(before.map(keyOf))
  for (const other of theirs) {
    const key = keyOf(other)
    const own = items.get(key)
    if (own !== undefined) items.set(key, stricter(own, other))
    else if (!over.has(key)) items.set(key, other)
  }
  return [...items.values()]
}
