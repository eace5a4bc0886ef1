import type { Labels } from './limit.ts'

/** Ends a value; inside a value its first half is doubled, so that different values never give the same key. */
const END = '\u001f\u001e'
const MARK = '\u001f'

/**
 * The values of `names`, joined.
 * @returns undefined when one of the labels is missing
 */
export function keyOf(names: readonly string[], labels: Labels): string | undefined {
  let key = ''
  for (const name of names) {
    if (!Object.hasOwn(labels, name)) return undefined
    const value = labels[name] as string
    key += (value.includes(MARK) ? value.replaceAll(MARK, MARK + MARK) : value) + END
  }
  return key
}

/** One text for a set of labels and their values, whatever their order. */
export function keyOfAll(labels: Labels): string {
  const names = Object.keys(labels).sort()
  return JSON.stringify(names) + keyOf(names, labels)
}

/** Only these labels, in this order; missing ones are left out. */
export function pick(names: readonly string[], labels: Labels): Labels {
  const picked: Record<string, string> = {}
  for (const name of names) if (Object.hasOwn(labels, name)) picked[name] = labels[name] as string
  return picked
}
