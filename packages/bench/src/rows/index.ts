import { bytes, idleKeys } from './bytes.ts'
import { freshness } from './freshness.ts'
import { judgements, manyWaiting } from './many-waiting.ts'
import { ownCost } from './own-cost.ts'
import { pacing } from './pacing.ts'
import { priority } from './priority.ts'
import type { Row } from './row.ts'

/** In the order of the report. */
export const rows: readonly Row[] = [ownCost, bytes, idleKeys, manyWaiting, judgements, pacing, priority, freshness]
