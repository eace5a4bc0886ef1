import type { Peer } from '../peers/peer.ts'

/** What was measured, by name. */
export type Figures = Readonly<Record<string, number>>

export interface Case {
  readonly name: string
}

/** One question, asked of every limiter in every case. Each answer is measured in a process of its own. */
export interface Row<C extends Case = Case> {
  /** For `--only`. */
  readonly name: string
  readonly title: string
  /** What was done, in Markdown. */
  readonly about: string
  /** `quick`: as small as can be, to see that all works. */
  cases(quick: boolean): readonly C[]
  /** How often a whole run measures, keeping the least: what else runs on a machine only adds. Default once. */
  readonly rounds?: number
  /** Whether it can be asked of this limiter at all. */
  asks(peer: Peer, of: C): boolean
  measure(peer: Peer, of: C): Promise<Figures>
  readonly columns: readonly Column[]
}

/** One table: a figure of all limiters, a line a case. */
export interface Column {
  readonly title: string
  readonly figure: string
  show(value: number): string
  /** Whether a ratio to Headgate's figure says something. */
  readonly hasRatio: boolean
  /** Of Headgate, by the figures of all cases; undefined: none is set. */
  target?(of: string, figures: ByCase): string
}

/** Figures by case and limiter. Undefined: not finished in time. */
export type ByCase = ReadonlyMap<string, ReadonlyMap<string, Figures | undefined>>
