import type { Kept, KeptHalving, KeptHistory, KeptHold, KeptReduction } from '../ports/memory.ts'

/** Raised when an older Headgate would misread what a newer one writes. */
const VERSION = 1

/** What a file holds, as text. */
export function formatKept(kept: Kept): string {
  return `${JSON.stringify({ headgateMemory: VERSION, ...kept })}\n`
}

/** @returns undefined for a text that is torn, foreign, or of another version */
export function parseKept(text: string): Kept | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isRecord(value) || value['headgateMemory'] !== VERSION) return undefined
  const { savedAtMs, holds, reductions, halvings, histories } = value
  if (!isInstant(savedAtMs)) return undefined
  if (!isListOf(holds, isHold) || !isListOf(reductions, isReduction)) return undefined
  if (!isListOf(halvings, isHold) || !isListOf(histories, isHistory)) return undefined
  return { savedAtMs, holds, reductions, halvings, histories }
}

/** Holds and timed halvings look alike. */
function isHold(value: unknown): value is KeptHold & KeptHalving {
  return isRecord(value) && isLabels(value['labels']) && isText(value['reason']) && isInstant(value['untilMs'])
}

function isReduction(value: unknown): value is KeptReduction {
  if (!isRecord(value)) return false
  const { limit, labels, tokens, sinceMs, quietMs, burst } = value
  return (
    isText(limit) &&
    isLabels(labels) &&
    isInstant(tokens) &&
    isInstant(sinceMs) &&
    isInstant(quietMs) &&
    (burst === undefined || burst === true)
  )
}

function isHistory(value: unknown): value is KeptHistory {
  return isRecord(value) && isText(value['name']) && isInstant(value['forMs']) && isListOf(value['times'], isInstant)
}

function isLabels(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every(isText)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOf<T>(value: unknown, isItem: (item: unknown) => item is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isItem)
}

const isText = (value: unknown): value is string => typeof value === 'string'

/** Finite and not negative: JSON turns 1e999 into Infinity. */
const isInstant = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < Infinity
