import type { Labels } from '@headgate/core'
import type { Rule } from '../peers/peer.ts'

/** Counts in exact sliding windows when calls arrive, and refuses what is over. */
export class ExactServer {
  accepted = 0
  refused = 0
  readonly #rules: readonly Rule[]
  readonly #windows = new Map<string, number[]>()

  constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  arrive(labels: Labels, nowMs: number): boolean {
    const windows = this.#rules.map(rule => this.#window(rule, labels, nowMs))
    const isFull = windows.some((window, index) => window.length >= (this.#rules[index] as Rule).limit)
    if (isFull) {
      this.refused++
      return false
    }
    this.accepted++
    for (const window of windows) window.push(nowMs)
    return true
  }

  #window({ name, by, windowMs }: Rule, labels: Labels, nowMs: number): number[] {
    const key = JSON.stringify([name, ...by.map(label => labels[label])])
    let window = this.#windows.get(key)
    if (window === undefined) {
      window = []
      this.#windows.set(key, window)
    }
    while (window.length > 0 && (window[0] as number) <= nowMs - windowMs) window.shift()
    return window
  }
}
