import type { Random } from '../random.ts'

/**
 * Which codes the futures paths (`/openApi/swap`, `/openApi/cswap`) answer with. `old` (default): those of the pages of
 * 2024-09. `new`: those in force since 2025-10-16. `mixed`: either, chosen by the seed for each answer, as in 2026-09
 * when both were seen. The earlier names `documented` and `renumbered` mean `old` and `new`.
 */
export type Codes = 'old' | 'new' | 'mixed' | 'documented' | 'renumbered'

/** Futures codes renumbered from 2025-10-16 on (facts, 2026). */
const renumbered: ReadonlyMap<number, number> = new Map([
  [100410, 109429],
  [100409, 109429],
  [80014, 109400],
  [80001, 109400],
  [80020, 109403],
  [40029, 109403],
  [80012, 109500],
  [80016, 109421],
])

/** The code as an endpoint says it today. */
export type CodeOf = (endpoint: string, oldCode: number) => number

export function createCodeOf(codes: Codes, random: Random): CodeOf {
  return (endpoint, oldCode) => {
    if (!isFutures(endpoint)) return oldCode
    const isNew = codes === 'mixed' ? random() < 0.5 : codes === 'new' || codes === 'renumbered'
    return isNew ? (renumbered.get(oldCode) ?? oldCode) : oldCode
  }
}

export function isFutures(endpoint: string): boolean {
  return /^[A-Z]+ \/openApi\/c?swap\//.test(endpoint)
}

/** All codes that mean "too many": refusals have a rule of their own, the error-count rules leave them alone. */
export const refusalCodes: ReadonlySet<string> = new Set(['100409', '100410', '109429'])
