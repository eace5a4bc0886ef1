import type { Labels } from './limit.ts'

/** Begins both; inside a value it is escaped, so that different values never give the same key. */
const MARK = '\u001f'
const ESCAPED = `${MARK}0`
const END = `${MARK}1`

/**
 * The values of `names`, joined. Of one name its value as it is: a text that the labels hold already takes no bytes.
 * @returns undefined when one of the labels is missing
 */
export function keyOf(names: readonly string[], labels: Labels): string | undefined {
  if (names.length === 1) return ownValue(labels, names[0] as string)
  let key = ''
  for (const name of names) {
    const value = ownValue(labels, name)
    if (value === undefined) return undefined
    key += (value.includes(MARK) ? value.replaceAll(MARK, ESCAPED) : value) + END
  }
  return key
}

/** The labels that {@link keyOf} made the key from. */
export function labelsOf(names: readonly string[], key: string): Labels {
  if (names.length === 1) return { [names[0] as string]: key }
  const values = key.split(END)
  const labels: Record<string, string> = {}
  names.forEach((name, index) => {
    labels[name] = (values[index] as string).replaceAll(ESCAPED, MARK)
  })
  return labels
}

/** The value of a label; what is inherited is none. */
export function ownValue(labels: Labels, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined
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
