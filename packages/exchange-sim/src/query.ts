/** A query string's parameters in the order in which they came, names and values decoded. */
export type Parameters = readonly (readonly [name: string, value: string])[]

/**
 * Reads a query string, `undefined` when its percent signs are malformed. A plus is a space, as servers read it: a
 * client that signs a plus has to send it as %2B.
 */
export function parseQuery(raw: string): Parameters | undefined {
  try {
    return raw
      .split('&')
      .filter(pair => pair !== '')
      .map(pair => {
        const equals = pair.indexOf('=')
        return equals < 0 ? [decode(pair), ''] : [decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))]
      })
  } catch {
    return undefined
  }
}

/** A parameter's value; of several with one name the last. */
export function parameterOf(parameters: Parameters, name: string): string | undefined {
  return parameters.findLast(([key]) => key === name)?.[1]
}

function decode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}
