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

/**
 * `JSON.parse`, but a number that would lose a digit comes out as the string that the server sent: `0.10` as `'0.10'`,
 * an id above 2^53 with all its digits. A number that keeps its digits stays a number.
 * `undefined` for what is no JSON; never throws, since a SyntaxError quotes the text.
 */
export function parseJson(text: string): unknown {
  try {
    // The reviver makes parsing 8 times slower (measured 2026, Node 24: 150 kB in 2.9 ms); most answers need none.
    return RISKY_NUMBER.test(text) ? JSON.parse(text, keepDigits as Parameters<typeof JSON.parse>[1]) : JSON.parse(text)
  } catch {
    return undefined
  }
}
