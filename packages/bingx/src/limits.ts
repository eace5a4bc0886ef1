import { type Labels, type Limit, tokenBucket } from '@headgate/core'
import { documentedLimits, isSigned } from './endpoints/documented.ts'
import { STRICTEST_UID_LIMIT } from './endpoints/endpoint.ts'
import { errorBudgets } from './error-budgets.ts'

// A scheduler may serve several exchanges, whose labels have the same names.
const isBingx = (labels: Labels) => labels['exchange'] === 'bingx'
const isMarketData = (labels: Labels) => isBingx(labels) && labels['group'] === '1'
const isPublic = (labels: Labels) => isMarketData(labels) && !Object.hasOwn(labels, 'uid')
const isAccount = (labels: Labels) => isBingx(labels) && labels['group'] !== '1'

/** Of an endpoint that is not documented, the label `uidLimit`, where the caller knows better, or the strictest. */
function uidLimit({ endpoint = '', uidLimit: given }: Labels): number {
  const limits = documentedLimits(endpoint)
  if (limits !== undefined && isSigned(limits)) return limits.uidLimit
  return given === undefined ? STRICTEST_UID_LIMIT : Number(given)
}

/**
 * BingX's documented limits. A signed call is under the first three at once. The values per IP are in force since
 * 2025-09-10 (official documentation, `BingX-API/docs-v3`, 2025-10); newer pages (2026) print only the one per UID for
 * signed endpoints, so that those per IP are a safe upper bound there.
 */
export const bingxLimits: readonly Limit[] = Object.freeze([
  tokenBucket({
    // "rate limitation by UID: 5/s", another number on each page: see endpoints/documented.ts.
    name: 'bingx uid×endpoint',
    limit: uidLimit,
    windowMs: 1_000,
    by: ['exchange', 'uid', 'endpoint'],
    where: isBingx,
  }),
  tokenBucket({
    // "each single interface": 300/10 s per IP for groups 2 and 3 (docs-v3, 2025-10). Six accounts at full pace fill
    // it.
    name: 'bingx ip×endpoint',
    limit: 300,
    windowMs: 10_000,
    by: ['exchange', 'ip', 'endpoint'],
    where: isAccount,
  }),
  tokenBucket({
    // "all interfaces of the group together": 2000/10 s per IP (docs-v3, 2025-10). Read literally, each group has its
    // own.
    name: 'bingx ip×group',
    limit: 2_000,
    windowMs: 10_000,
    by: ['exchange', 'ip', 'group'],
    where: isAccount,
  }),
  tokenBucket({
    // No page states it: no endpoint can have more than its group. It is the scope of the headers that tell the usage.
    name: 'bingx ip×market endpoint',
    limit: 500,
    windowMs: 10_000,
    by: ['exchange', 'ip', 'endpoint'],
    where: isPublic,
  }),
  tokenBucket({
    // Market data: 500/10 s per IP (docs-v3, 2025-10) …
    name: 'bingx ip×market 10 s',
    limit: 500,
    windowMs: 10_000,
    by: ['exchange', 'ip', 'group'],
    where: isMarketData,
  }),
  tokenBucket({
    // … and 1000/60 s (docs-v3, 2025-10).
    name: 'bingx ip×market 60 s',
    limit: 1_000,
    windowMs: 60_000,
    by: ['exchange', 'ip', 'group'],
    where: isMarketData,
  }),
  ...errorBudgets,
])
