/**
 * What a reviver is told besides key and value (ECMAScript 2026; Node 21). TypeScript's library doesn't know it yet.
 */
type SourceReviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown

/** A number that a double may not keep: a fraction, an exponent, or 16 digits and more. Also matches inside strings. */
const RISKY_NUMBER = /(?:^|[:[,])\s*-?(?:\d+[.eE]|\d{16})/

const keepDigits: SourceReviver = (_key, value, context) =>
  typeof value === 'number' && context?.source !== undefined && String(value) !== context.source
    ? context.source
    : value

/** No answer nests deeper than some ten levels. A megabyte of brackets costs `JSON.parse` forty times what a tenth of it does. */
const MOST_LEVELS = 500
/** Shorter texts cost little, whatever is in them. */
const LONG = 10_000

/**
 * `JSON.parse`, but a number that would lose a digit comes out as the string that the server sent: `0.10` as `'0.10'`,
 * an id above 2^53 with all its digits. A number that keeps its digits stays a number.
 * `undefined` for what is no JSON; never throws, since a SyntaxError quotes the text.
 */
export function parseJson(text: string): unknown {
  if (text.length > LONG && nestsDeeper(text, MOST_LEVELS)) return undefined
  try {
    // The reviver makes parsing 8 times slower (measured 2026, Node 24: 150 kB in 2.9 ms); most answers need none.
    return RISKY_NUMBER.test(text) ? JSON.parse(text, keepDigits as Parameters<typeof JSON.parse>[1]) : JSON.parse(text)
  } catch {
    return undefined
  }
}

function nestsDeeper(text: string, most: number): boolean {
  let levels = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case 0x5b: // [
      case 0x7b: // {
        if (++levels > most) return true
        break
      case 0x5d: // ]
      case 0x7d: // }
        levels--
        break
      case 0x22: // "
        at = endOfString(text, at)
    }
  }
  return false
}

/** Where the string that begins at `from` ends, or the text. */
function endOfString(text: string, from: number): number {
  let at = text.indexOf('"', from + 1)
  while (at >= 0 && isEscaped(text, at)) at = text.indexOf('"', at + 1)
  return at < 0 ? text.length : at
}

function isEscaped(text: string, at: number): boolean {
  let slashes = 0
  while (text.charCodeAt(at - 1 - slashes) === 0x5c) slashes++
  return slashes % 2 === 1
}
