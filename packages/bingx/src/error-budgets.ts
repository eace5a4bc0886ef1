import { errorBudget, type Labels, type Limit } from '@headgate/core'

const isRead = (labels: Labels) => labels['exchange'] === 'bingx' && labels['endpoint']?.startsWith('GET ') === true
const isWrite = (labels: Labels) => labels['exchange'] === 'bingx' && labels['endpoint']?.startsWith('GET ') === false

/**
 * The error-count rule, in the words of its refusals: "over 20 error code:100202 requests within 480000 ms" (2024-09, on 171
 * endpoint pages) counts each code by itself, "over 30 error requests within 120000ms" (2026) names none. Reads stop at
 * half of it, for it also counts what somebody else does with the key; an order is worth more risk.
 */
export const errorBudgets: readonly Limit[] = (
  [
    ['', isRead, 0.5],
    [' of writes', isWrite, 0.9],
  ] as const
).flatMap(([of, where, stopAt]) => [
  errorBudget({
    name: `bingx errors${of} by code`,
    limit: 20,
    windowMs: 480_000,
    by: ['exchange', 'uid', 'endpoint'],
    where,
    stopAt,
  }),
  errorBudget({
    name: `bingx errors${of}`,
    limit: 30,
    windowMs: 120_000,
    by: ['exchange', 'uid', 'endpoint'],
    where,
    stopAt,
    count: 'together',
  }),
])
