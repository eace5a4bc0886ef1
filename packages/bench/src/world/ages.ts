/** How old what each of some readers has is, over time. Before its first reading it is as old as the clock. */
export class Ages {
  readonly #fromMs: number
  /** When what a reader has was counted, and since when it has it. */
  readonly #dataAtMs: number[]
  readonly #sinceMs: number[]
  #ageMsMs = 0
  #worstMs = 0

  /** @param fromMs what was before does not count */
  constructor(readers: number, fromMs: number) {
    this.#fromMs = fromMs
    this.#dataAtMs = Array.from({ length: readers }, () => 0)
    this.#sinceMs = Array.from({ length: readers }, () => fromMs)
  }

  read(reader: number, countedAtMs: number, nowMs: number): void {
    this.#grow(reader, nowMs)
    this.#dataAtMs[reader] = Math.max(countedAtMs, this.#dataAtMs[reader] as number)
  }

  until(nowMs: number): { meanMs: number; worstMs: number } {
    for (const reader of this.#dataAtMs.keys()) this.#grow(reader, nowMs)
    return { meanMs: this.#ageMsMs / (this.#dataAtMs.length * (nowMs - this.#fromMs)), worstMs: this.#worstMs }
  }

  #grow(reader: number, nowMs: number): void {
    const sinceMs = this.#sinceMs[reader] as number
    if (nowMs <= this.#fromMs) return
    const dataAtMs = this.#dataAtMs[reader] as number
    this.#ageMsMs += (nowMs - sinceMs) * ((nowMs + sinceMs) / 2 - dataAtMs)
    this.#worstMs = Math.max(this.#worstMs, nowMs - dataAtMs)
    this.#sinceMs[reader] = nowMs
  }
}
