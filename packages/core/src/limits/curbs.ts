import type { KeptHalving, KeptReduction } from '../ports/memory.ts'
import type { Bucket } from './bucket.ts'
import { LONGEST_MS } from './hold.ts'
import { keyOfAll } from './keys.ts'
import type { Labels } from './limit.ts'
import { Reduction, recoveredAtMs } from './reduction.ts'

/** What holds for buckets that may not be made yet: halvings for a time, and reductions that an earlier process left. */
export class Curbs {
  readonly #halvings = new Map<string, KeptHalving>()
  readonly #reductions = new Map<string, KeptReduction>()

  /** A halving only grows: a shorter one than is in force changes nothing. */
  halve(halving: KeptHalving, nowMs: number): void {
    for (const [key, { untilMs }] of this.#halvings) if (untilMs <= nowMs) this.#halvings.delete(key)
    const key = keyOfAll(halving.labels)
    const before = this.#halvings.get(key)
    const untilMs = Math.min(halving.untilMs, nowMs + LONGEST_MS)
    if (before === undefined || before.untilMs < untilMs) this.#halvings.set(key, { ...halving, untilMs })
  }

  /** @returns whether there was a halving over exactly these labels */
  release(labels: Labels): boolean {
    return this.#halvings.delete(keyOfAll(labels))
  }

  /** To be applied to its bucket when that is made. */
  inherit(reduction: KeptReduction): void {
    this.#reductions.set(reductionKey(reduction), reduction)
  }

  /** Of a bucket that was just made. */
  welcome(bucket: Bucket): void {
    this.apply(bucket)
    if (this.#reductions.size === 0) return
    const key = reductionKey(describeBucket(bucket))
    const reduction = this.#reductions.get(key)
    if (reduction === undefined) return
    this.#reductions.delete(key)
    bucket.inherit(Reduction.from(reduction))
  }

  /** After the halvings have changed. */
  apply(bucket: Bucket): void {
    let halvedUntilMs = Number.NEGATIVE_INFINITY
    for (const { labels, untilMs } of this.#halvings.values()) {
      if (isCountedBy(bucket, labels)) halvedUntilMs = Math.max(halvedUntilMs, untilMs)
    }
    bucket.halveUntil(halvedUntilMs)
  }

  halvings(nowMs: number): readonly KeptHalving[] {
    return [...this.#halvings.values()].filter(({ untilMs }) => untilMs > nowMs)
  }

  /** Those of the buckets, and those whose buckets are not made yet. */
  reductions(buckets: Iterable<Bucket>, nowMs: number): readonly KeptReduction[] {
    const found = [...this.#reductions.values()]
    for (const bucket of buckets) {
      if (bucket.reduction !== undefined) found.push({ ...describeBucket(bucket), ...bucket.reduction.state })
    }
    return found.filter(reduction => recoveredAtMs(reduction) > nowMs)
  }
}

/** Whether each of these labels is one that the bucket is kept by, with the bucket's value. */
export function isCountedBy(bucket: Bucket, labels: Labels): boolean {
  const own = bucket.labels
  return Object.entries(labels).every(([name, value]) => Object.hasOwn(own, name) && own[name] === value)
}

function describeBucket(bucket: Bucket): Pick<KeptReduction, 'limit' | 'labels' | 'burst'> {
  return {
    limit: bucket.name,
    labels: bucket.labels,
    ...(bucket.isBurst && { burst: true as const }),
  }
}

function reductionKey({ limit, labels, burst }: Pick<KeptReduction, 'limit' | 'labels' | 'burst'>): string {
  return JSON.stringify([limit, burst === true]) + keyOfAll(labels)
}
