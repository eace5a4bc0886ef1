import { Hold } from './hold.ts'
import { keyOf, pick } from './keys.ts'
import type { Labels } from './limit.ts'

/** A hold that nobody has probed for so long after its end is forgotten. */
const FORGET_MS = 3_600_000

interface Shape {
  readonly names: readonly string[]
  readonly holds: Map<string, Hold>
}

/** The holds in force, found by the labels they speak of. */
export class Holds {
  readonly #shapes = new Map<string, Shape>()

  get any(): boolean {
    return this.#shapes.size > 0
  }

  /** Every hold whose labels the request carries with the same values. */
  matching(labels: Labels): readonly Hold[] {
    if (this.#shapes.size === 0) return NONE
    const found: Hold[] = []
    for (const { names, holds } of this.#shapes.values()) {
      const key = keyOf(names, labels)
      const hold = key === undefined ? undefined : holds.get(key)
      if (hold !== undefined) found.push(hold)
    }
    return found
  }

  /** The hold over exactly these labels, made if there is none. */
  over(labels: Labels, reason: string, nowMs: number): Hold {
    this.#forget(nowMs)
    const names = Object.keys(labels).sort()
    const shapeKey = JSON.stringify(names)
    let shape = this.#shapes.get(shapeKey)
    if (shape === undefined) {
      shape = { names, holds: new Map() }
      this.#shapes.set(shapeKey, shape)
    }
    const key = keyOf(names, labels) as string
    let hold = shape.holds.get(key)
    if (hold === undefined) {
      hold = new Hold(`${shapeKey}${key}`, pick(names, labels), reason)
      shape.holds.set(key, hold)
    }
    return hold
  }

  /** @returns the hold over exactly these labels, taken out. */
  take(labels: Labels): Hold | undefined {
    const names = Object.keys(labels).sort()
    const shape = this.#shapes.get(JSON.stringify(names))
    const key = keyOf(names, labels)
    if (shape === undefined || key === undefined) return undefined
    const hold = shape.holds.get(key)
    shape.holds.delete(key)
    if (shape.holds.size === 0) this.#shapes.delete(JSON.stringify(names))
    return hold
  }

  *all(): Iterable<Hold> {
    for (const { holds } of this.#shapes.values()) yield* holds.values()
  }

  #forget(nowMs: number): void {
    for (const [shapeKey, { holds }] of this.#shapes) {
      for (const [key, hold] of holds) if (hold.isForgettable(nowMs, FORGET_MS)) holds.delete(key)
      if (holds.size === 0) this.#shapes.delete(shapeKey)
    }
  }
}

const NONE: readonly Hold[] = []
