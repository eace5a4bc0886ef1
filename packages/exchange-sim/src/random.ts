/** A number in [0, 1). */
export type Random = () => number

/**
 * A seeded generator (a Weyl sequence through a 32-bit mixer). `stream` separates the uses, so that one more draw of a
 * delay does not change which calls are dropped.
 */
export function createRandom(seed: number, stream: string): Random {
  let state = hash(`${seed}:${stream}`)
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    mixed ^= mixed >>> 15
    return (mixed >>> 0) / 2 ** 32
  }
}

/** A whole number from `min` to `max`, both included. */
export function between(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1))
}

/** FNV-1a over UTF-16 units: neighbouring seeds and like-named streams must start far apart. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value | 0
}
