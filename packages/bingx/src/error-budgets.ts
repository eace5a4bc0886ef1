import { errorBudget, type Labels, type Limit } from '@headgate/core'

const isBingx = (labels: Labels) => labels['exchange'] === 'bingx'
const isSigned = (labels: Labels) => isBingx(labels) && labels['uid'] !== undefined
const isRead = (labels: Labels) => labels['endpoint']?.startsWith('GET ') === true

/** Whose errors are counted together, as disabled periods are: the endpoint's, of a UID or, for public calls, of an IP. */
const SCOPES = [
  { of: '', by: 'uid', where: (labels: Labels) => isSigned(labels) && isRead(labels), stopAt: 0.5 },
  { of: ' of writes', by: 'uid', where: (labels: Labels) => isSigned(labels) && !isRead(labels), stopAt: 0.9 },
  { of: ' of public calls', by: 'ip', where: (labels: Labels) => isBingx(labels) && !isSigned(labels), stopAt: 0.5 },
] as const

/**
 * The error-count rule, in the words of its refusals: "over 20 error code:100202 requests within 480000 ms" (2024-09, on 171
 * endpoint pages) counts each code by itself, "over 30 error requests within 120000ms" (2026) names none. Reads stop at
 * half of it, for it also counts what somebody else does with the key; an order is worth more risk.
 */
export const errorBudgets: readonly Limit[] = SCOPES.flatMap(({ of, by, where, stopAt }) => {
  const scope = { by: ['exchange', by, 'endpoint'], where, stopAt }
  return [
    errorBudget({ name: `bingx errors${of} by code`, limit: 20, windowMs: 480_000, ...scope }),
    errorBudget({ name: `bingx errors${of}`, limit: 30, windowMs: 120_000, count: 'together', ...scope }),
  ]
})
