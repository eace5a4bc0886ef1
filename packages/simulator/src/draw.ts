/**
 * Uniform in [0, 1), decided by what is asked for alone: taking one fault out of a scenario leaves every other draw as
 * it was, which a stream of random numbers would not.
 */
export function draw(seed: number, ...of: readonly number[]): number {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b)
  for (const part of of) {
    state = Math.imul(state ^ (part | 0), 0xc2b2ae35)
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d)
    state ^= state >>> 13
  }
  state = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
  state = Math.imul(state ^ (state >>> 15), 0x735a2d97)
  return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32
}

/** A standard normal variate (Box and Muller). */
export function drawNormal(seed: number, ...of: readonly number[]): number {
  return Math.sqrt(-2 * Math.log(1 - draw(seed, ...of, 1))) * Math.cos(2 * Math.PI * draw(seed, ...of, 2))
}

/** Draws one after the other, for making a scenario. */
export class Dice {
  readonly #seed: number
  #count = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  next(): number {
    return draw(this.#seed, 0x5eed, this.#count++)
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least)
  }

  /** Whole, both ends included. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  /** Small values as likely as large ones: uniform in the logarithm. */
  scale(least: number, most: number): number {
    return least * (most / least) ** this.next()
  }

  chance(share: number): boolean {
    return this.next() < share
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.next() * from.length)] as T
  }
}
